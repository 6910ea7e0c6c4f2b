// Package deadletter ends refused requests with a dead letter, an event and an ack, in this order,
// so that an event never speaks of a dead letter that is not there.
//
//	Conclude ──► dead letter stored ──► event published ──► returned: the owner acks
//	    │
//	    └─ not stored ──► waits, in order ──► Run stores it once that can be ──► Stored: the owner acks
//	           │
//	           └─ no room ──► dropped: the owner forgets the message, which comes again after AckWait
//
// While dead letters cannot be stored, because their stream is full, away or forbidden, requests
// that are refused delay none of the others of their lane (I7): Conclude waits for a moment only,
// and for nothing at all while others wait already. What waits is bounded in number and bytes (I5),
// and is not acked (I2).
//
// The package does not decide what is refused, or why, and keeps no message alive: that is its
// owner's. It has one lock, which is not held while the ledger or the owner runs.
package deadletter
