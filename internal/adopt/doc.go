// Package adopt finds the job that a call made although its answer was lost.
//
// A CreatePurgeTask call without an answer may have made a job. EdgeOne has no idempotency key, so
// a second call would make a second job and cost quota twice. The worker therefore reports each
// call with Begin and End. If the answer is lost, it calls Find before it sends the batch again:
//
//	Begin ──► the call ──► End ──► Own                 the job that the answer names is this call's
//	                        │  ├─► Adopted, Repeated   it is not: the batch is sent again
//	                        └─► lost ──► Find ──► a job that equals the call: it is followed
//	                                       └────► none, or in doubt: the batch is sent again
//
// Find returns a job only if its rows are exactly what was asked for, if EdgeOne's clock does not
// show that it was made before the call, and if no other call may have made it (I4). In doubt it
// finds nothing: to purge twice does no harm, to follow another call's job would.
//
// The package does not send, retry or store anything, and it reads jobs only by their rows. A
// Finder has one lock, which is never held while EdgeOne is asked.
package adopt
