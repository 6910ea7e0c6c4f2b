// Package worker is the pipeline: it admits requests, binds batches, submits them, records the jobs
// and acks.
//
//	lane ─► pull ─► admit ─► batcher ─► (pace) ─► submit ─► record ─► ack
//	                  │                              │         │
//	                  ├─► refused, ended, known      │         └─► tracker ─► what failed comes back, to get
//	                  │   (ledger tells)             │                        in line again when it is due
//	                  └─► parked, for the next day   └─► sent again, looked for, split, or refused (ledger tells)
//
// One Worker runs in the owner, for one account, behind both lanes. What it promises: a message is
// acked only when each target of its request stands in a durable record (I2); no call goes out
// while the lease is not valid (I3); what is held in memory is bounded by the windows (I5); a bad
// message, target or zone holds up nobody else (I7).
//
// It decides nothing about order or content of a batch (package batcher), pace (internal/limiter),
// what an error means (internal/edgeone) or how a request ends (internal/ledger).
package worker
