// Package parking moves requests that cannot be sent now out of memory, into queues in the broker, and
// gives each queue back to its owner to pull from.
//
//	Put ──► pending of a queue ──► open ──► store ──► Parked     the owner acks
//	                                 │         │
//	                                 └─ fails ─┴────► Released   the owner gives the messages back
//
// One goroutine serves a queue: it opens, fills and closes it, so that none of these needs a lock. Put
// never blocks, and no lock is held while a method of the broker, the ledger or the owner runs.
//
// A queue that cannot be opened or filled harms no other (I7). What was put into it is released, and until
// the next attempt is due Put accepts nothing for it. Attempts grow rarer, up to one a minute. That queues
// fail is logged once and then at a growing pace, and Trouble describes it.
//
// When the goroutine of a queue ends with its work undone, because the context has ended, the requests
// stay with their owner: nothing is acked that is not stored (I2).
package parking
