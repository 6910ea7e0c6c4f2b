// Package ledger knows what became of every request, and is the only writer of terminal events.
//
// It stands behind the worker and the tracker. The worker records a job here before it acks any
// message (I2), asks here what is known of a request that comes again, and tells here how requests
// end that never were sent. The tracker hands over the outcome of each job; the ledger unites it with
// what it knows, publishes the events of the requests that are done, and only then removes the job.
//
//	job stored ─► request acked ─► job final ─► outcome united ─► none open? event ─► job removed
//
// A crash between any two steps repeats the step: a job that is still stored is polled again, its
// outcome united again (which changes nothing), its events published again (which the broker refuses
// where they stand). So every request has exactly one end (I1).
//
// In memory it keeps one small index entry for each request in flight, never a target (I5).
// It does not retry purges, and decides nothing about time: the worker and the tracker do.
package ledger
