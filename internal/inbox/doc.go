// Package inbox pulls messages from the broker while there is room for their targets, keeps them
// alive while they are held, and acks or releases them.
//
//	lane, queue ──► Puller.Pull ──► Delivery ──┬─► Ack           done: the broker removes it
//	                     ▲             │       ├─► Release       it comes again at once
//	                  Budget       heartbeats  ├─► ReleaseLater  it comes again after a while
//	                                           └─► Forget        it comes again after AckWait
//
// An Inbox has a table of its own: the messages that were pulled and are not acked or released. For
// each of them it sends heartbeats to the broker, so that it is delivered to nobody else. A
// delivery is answered once: the answer takes it out of the table, and later ones are ignored. The
// Budget counts the targets that are held of each lane, whoever holds them, and bounds what is
// pulled (I5).
//
// Nothing is sent to the broker without a valid lease, because another replica may hold the same
// messages by then (I3). An Inbox does not know when a message may be acked (I2): that is for who
// handles it to say. It does not read messages.
//
// It has one lock for the table and one for the Budget. Neither is held while the broker is asked
// or while a function that was given to the Inbox runs.
package inbox
