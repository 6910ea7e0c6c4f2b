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
// happens to this program. A try without an answer is made again, with the same message id, so that the broker stores
// one of them. An error says whether the request may be stored all the same; see the errors of this package. The same
// call with the same id is always safe.
//
// Calls of many goroutines share one stream of publishes: what is asked for at the same time goes out together. One
// goroutine that makes a call after the other has each wait for its answer; to publish many, make the calls from many
// goroutines, 64 for example.
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
//	Status, and the same  publish    $JS.API.DIRECT.GET.PURGE_EVENTS.purge.events.ghost.>
//	Events                publish    $JS.API.CONSUMER.CREATE.PURGE_EVENTS.*.purge.events.ghost.>
//	                      publish    $JS.API.CONSUMER.MSG.NEXT.PURGE_EVENTS.*
//
// Each line needs those of Purge's inbox too. None of them shows anything of another source.
package client
