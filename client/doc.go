// Package client asks for purges and learns their ends, for programs that have a connection to NATS. It stands where
// every producer stands, outside of the pipeline, and needs no more rights than one.
//
//	Purge ────────► PURGE_REQUESTS ──► worker ──► EdgeOne
//	PurgeAndWait ─► PURGE_REQUESTS     …           │
//	Wait, Status ◄──────────────────── PURGE_EVENTS ◄── one terminal event a request (I1)
//	Events ◄────────────────────────── PURGE_EVENTS
//
// # The promise
//
// A [Client.Purge] that returns nil has its request stored by the broker: from there on it gets its one end, whatever
// happens to this program. A try without an answer is made again. The broker may then have the request twice: the worker
// takes both for one, by their id. There is no Nats-Msg-Id, because the broker's table of these is shared by all sources,
// and an answer that the message is a duplicate proves nothing. An error says whether the request may be stored all the same; see the errors of this package. The same
// call with the same id is always safe.
//
// Calls of many goroutines share one stream of publishes: what is asked for at the same time goes out together. One
// goroutine that makes a call after the other has each wait for its answer; to publish many, use [Client.PurgeMany].
//
// # Not promised
//
// The package keeps nothing on disk: a request whose call has not returned may be lost with the process. It opens and
// closes no connection, logs nothing, and makes no streams. An order among requests is not kept, by nobody.
//
// # Rights
//
// With the source ghost, the prefix purge, and _INBOX as [nats.CustomInboxPrefix] gives it (a prefix of its own for each
// user keeps one from reading another's answers):
//
//	Purge                 publish    purge.requests.*.ghost
//	                      subscribe  _INBOX.>
//	Wait, PurgeAndWait    subscribe  purge.events.ghost.>
//	Status, Ended, and    publish    $JS.API.DIRECT.GET.PURGE_EVENTS.purge.events.ghost.>
//	what Wait missed
//	Events                publish    $JS.API.CONSUMER.CREATE.PURGE_EVENTS.*.purge.events.ghost.>
//	                      publish    $JS.API.CONSUMER.MSG.NEXT.PURGE_EVENTS.*
//
// PurgeManyAndWait needs those of Purge and Status, and those of Events or of Wait. Each needs Purge's inbox too. None of them shows anything of another source.
package client
