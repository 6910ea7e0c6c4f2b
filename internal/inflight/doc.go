// Package inflight follows the targets of a request from its delivery until its messages may be
// acked.
//
//	                 ┌─────────────── Fail ──────────────► failed
//	waiting ─────────┤                                       ▲
//	   ▲             └─ Assign ─► assigned ─┬─ Fail ─────────┘
//	   │                                    └─ Record ───► recorded
//	   └── New, NewParked, NewRetry         Found ───────────┘
//
// A target is counted in one state, whatever is called and in what order: a call that does not
// apply to the state of a target changes nothing. A batch that is sent again, or joined by a second
// delivery of the message, leaves its targets waiting.
//
// A request is done once none of its targets waits or is assigned: each stands in a stored job, or
// has failed. The call that makes it so reports that, once. What has to be stored then, before the
// ack, says Ending (I2).
//
// A Request has no lock: one goroutine at a time may use it, in the product by the Worker's lock.
// It does no I/O and knows no time but what it is given.
package inflight
