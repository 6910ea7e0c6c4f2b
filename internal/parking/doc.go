// Package parking moves requests that cannot be sent now out of memory, into queues in the broker,
// and gives each queue back to its owner to pull from while there is room.
//
// [Overflow] decides what is parked: what is more than a share of the window for a kind of targets
// that waits for its day, for a permission, or for a zone that refuses calls. It only reads;
// [Parking] moves.
//
//	Put ──► pending of a queue ──► open ──► store ──► Parked     the owner acks
//	                                 │         │
//	                                 └─ fails ─┴────► Released   the owner gives the messages back
//
// One goroutine serves a queue: it opens, fills and closes it, so that none of these needs a lock.
// Put never blocks, and no lock is held while a method of the broker, the ledger or the owner runs.
//
// A queue that cannot be opened or filled harms no other (I7). What was put into it is released,
// and until the next attempt is due Put accepts nothing for it. Attempts grow rarer, up to one a
// minute. That queues fail is logged once and then at a growing pace, and Trouble describes it.
//
// When the goroutine of a queue ends with its work undone, because the context has ended, the
// requests stay with their owner: nothing is acked that is not stored (I2). The outcomes of a
// request's targets are stored before the request is, because nothing else remembers them once it
// is parked.
//
// It does not know what a request is to its owner, does not take targets out of line, and acks
// nothing.
package parking
