// Package quarantine handles messages that may end the process apart from all others, and ends
// those unread that do.
//
// A message whose handling crashes the process comes again after the crash, and takes every message
// that is held with it each time. It cannot be recognised by what it contains, because whoever
// reads it dies. What shows it is how often it was delivered:
//
//	Divert ──► delivered up to MaxDeliveries times ──► returned, and handled among others
//	   │
//	   └─────► more often ──► handled together with the like, and watched
//	                             │ the process ended meanwhile
//	                             ▼
//	                          handled alone, and watched ──► MaxAlone times without an end ──► ended unread
//
// Before messages are handled it is stored that they are begun, and a moment after that they have
// ended. In between a crash is one of theirs. Most of them are innocent, because a worker that dies
// often has all that it holds delivered often: messages of which nothing is known are therefore
// handled many at a time, and only those of a lot that was never ended alone.
//
// A message that waits here delays none of the others (I7), and is in the memory of the process, so
// that its owner counts it (I5) and keeps it alive. When the context ends, messages are released,
// and a message that was being handled then counts as ended: a drain is no crash.
//
// The package does not read messages, and does not decide what becomes of them. It has one lock,
// which is not held while the ledger or the owner runs.
package quarantine
