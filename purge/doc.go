// Package purge is the public vocabulary of edgepurge: the request that asks for a purge, the event that tells its
// end, and the subjects both travel on. Programs that ask for purges or wait for their ends need no other package.
// It does no I/O, keeps no state, and everything in it may be called from many goroutines at once.
//
//	producer -- Request --> <prefix>.requests.<lane>.<source>          (JetStream, kept until done)
//	                              worker -> EdgeOne -> tracker
//	consumer <-- Event  --- <prefix>.events.<source>.<status>.<id>     (JetStream, kept 7 days by default)
//
// # A request
//
// A [Request] is one message that asks for the purge of its targets: URLs, prefixes, hosts, cache tags, or a whole
// zone. It is published to [Subjects.Request], as JSON ([Request.Encode]) or as the data of a CloudEvents 1.0 message
// in structured mode. Its source is the last part of the subject, its lane the one before: [Interactive] for what a
// person waits for, [Bulk] for the rest.
//
// A request is named by its source and id, and the id is an idempotency key: while the request is in flight or its event
// is kept, a further message with the same id and body ([Request.Digest]) makes no purge and no event of its own; with
// another body it becomes a dead letter, id-reused. A request without an id gets one, see [PickID] and [GeneratedID].
//
// Targets are compared by their canonical form ([Canonical]): equal ones of the same zone, type, method and hosts are one
// target, and are submitted once for all the requests that wait for them. A target that is not valid fails alone.
//
// # An event
//
// An [Event] tells how a request ended: a CloudEvents 1.0 message in structured mode whose data is an [Outcome]. Its
// subject holds source, status and id, so that a consumer can filter for what it wants. The statuses:
//
//   - [Completed]: every target was purged, as EdgeOne's DescribePurgeTasks tells.
//   - [Partial]: some were; the others were refused by EdgeOne, not finished, expired, or not valid.
//   - [Failed]: the request was sent, and none of its targets was purged.
//   - [Rejected]: nothing was sent, because edgepurge refused the request; the reason says why.
//   - [Expired]: nothing was submitted before the time in expires.
//
// Where events.progress asks for it, a [ProgressEvent] tells on [Subjects.Progress] what is done before that. It is not
// stored, and nothing may depend on it.
//
// # The promise
//
// Once JetStream has acknowledged the publish of a request, and whatever crashes after that:
//
//   - The request gets exactly one terminal event (I1). JetStream may deliver that one event more than once to a
//     consumer: each delivery has the same CloudEvents source and id.
//   - It is kept until each of its targets stands in a durable record (I2); none is forgotten.
//   - A request is only satisfied by a task of EdgeOne that was created after the broker took the request (I4), so what
//     changed before the publish is covered. Each target of a [Completed] request was submitted at least once. It may have
//     been submitted more than once, when an answer was lost or a worker died between sending and recording; purging
//     twice does no harm.
//   - A bad message, target, zone, account or source neither fails nor stalls another (I7).
//
// Not promised: an order among requests; an event for a message the broker did not acknowledge; idempotency beyond
// the time for which events are kept; and that a progress message, where those are switched on, arrives.
package purge
