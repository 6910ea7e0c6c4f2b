// Package ledger knows what became of every request, and is the only writer of terminal events.
//
// It stands behind the worker and the tracker. The worker records a job here before it acks any
// message (I2), asks here what is known of a request that comes again, and has the events published
// here of requests that were never sent. The tracker hands over the outcome of each job; the ledger
// unites it with what it knows, publishes the events of the requests that are done, and only then
// removes the job.
//
//	job stored ─► request acked ─► job final ─► outcome united ─► none open? event ─► job removed
//
// A crash between any two steps repeats the step: a job that is still stored is polled again, its
// outcome united again (which changes nothing), its events published again (which the broker
// refuses where they stand). So every request has exactly one end (I1).
//
// A [Ledger] stores in five small [Stores]. Its parts take the one that they need: the publisher of
// events, the records of progress, the [Quarantine]. Each part's state has a lock of its own that
// guards memory alone and is never held while a store is asked. In memory there is one small index
// entry for each request in flight, never a target (I5), and at most 16 MiB of parts that were just
// stored.
//
// It does not retry purges, and decides nothing about time: the worker and the tracker do.
package ledger
