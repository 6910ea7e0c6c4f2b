// Package broker is edgepurge's side of NATS JetStream, and the only package beside the public
// client that imports nats.go.
//
// A [Broker] is one connection, [Conn], with a part for each stream, which implements the
// interfaces that worker, ledger and tracker declare. Who needs one stream takes its part.
//
//	Requests  PURGE_REQUESTS  work queue, one consumer a lane         requests, until done
//	Events    PURGE_EVENTS    one terminal event a request (I1)       published to the sources
//	Dead      PURGE_DEAD      what was refused                        kept for the operator
//	Jobs      PURGE_JOBS      one message a job part (I2)             until the job's events are stored
//	Progress  PURGE_PROGRESS  one message a request in several jobs   until its event, then as long as events
//	Parked    PURGE_PARKED    work queue, one consumer a queue        requests that can't be sent now
//	Control   PURGE_CONTROL   the lease, the hand-over, the pauses    internal
//
// [Streams] define, make and survey all of them; [Stages] find out how far one request has come.
//
// It promises that a write which returns nil is stored, and that only error 10071 counts as
// "already there", once what is there is seen to be an event; every other refusal and every lost
// answer is an error that the caller retries. No lock is held while the server is asked: the parts
// have atomic values, channels, and two small mutexes that guard memory alone. It does not decide
// when to ack, what to retry, or who leads, beyond reporting the lease's state.
package broker
