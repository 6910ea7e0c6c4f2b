// Package worker is the pipeline: it admits requests, binds batches, submits them, records the jobs
// and acks.
//
//	lane ─► admitter ─► line ─► (pace) ─► sender ─► recorder ─► ack
//	           │          ▲                  │          │
//	           │          ├──── retrier ◄────┼───── tracker: what EdgeOne failed
//	           │          └───── sent again, found, or split
//	           ├─► refused, ended, known: an event, or an ack
//	           └─► parker: into a queue, until its zone takes calls
//
// Each step is a type that names what it works with. The requests are in one [table] from their
// delivery until their ack. All share one state under one lock, which is never held during I/O;
// where it and the lock of a room (internal/parking, internal/quota, ...) meet, it is taken first.
//
// One Worker runs in the leader, for one account, behind both lanes. What it promises: a message is
// acked only when each target of its request stands in a durable record (I2); no call goes out
// while the lease is not valid (I3); what is held in memory is bounded by the windows (I5); a bad
// message, target or zone delays nobody else (I7).
//
// It decides nothing about order or content of a batch (package batcher), pace (internal/limiter),
// what an error means (internal/edgeone) or how a request ends (internal/ledger).
package worker
