// Package broker is edgepurge's side of NATS JetStream, and the only package beside the public client
// that imports nats.go.
//
// It holds one connection and what the rest needs of it: the lanes that requests come in by, the
// stored jobs and progress records, the terminal events, dead letters, the lease that makes one replica
// the owner, and the definition of every stream and consumer. It implements the interfaces that
// worker, ledger and tracker declare.
//
//	PURGE_REQUESTS  work queue, one consumer a lane   requests, until done
//	PURGE_EVENTS    one terminal event a request (I1) told outward
//	PURGE_DEAD      what was refused                  kept for the operator
//	PURGE_JOBS      one message a job part (I2)       until the job's events are out
//	PURGE_PROGRESS  one message a request that spans  until its event, then as long as events
//	PURGE_CONTROL   the lease and the hand-over       internal
//
// It promises that a write which returns nil is stored, and that only error 10071 counts as "already
// there", once what is there is seen to be an event; every other refusal and every lost answer is an
// error that the caller tries again. It does not decide when to ack, what to retry, or who the owner is
// beyond telling the lease's state.
package broker
