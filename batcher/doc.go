// Package batcher decides which targets go into the next CreatePurgeTask call.
//
// It stands between admission and submission: the worker adds targets as requests come in, and asks
// for a batch at the moment when the pace allows a call. Until then nothing is decided (late
// binding), so that each call carries as much as there is and an urgent target never waits behind a
// batch that was put together before it came.
//
//	Add ──► slots of a group ──► Next ──► Batch ──► sent
//	              ▲                          │
//	              └────── (never) ◄──────────┤
//	                     resend queue ◄──────┘ Return: whole, later, joined by nobody (I4)
//
// What it promises: equal targets of a group that wait together share one slot; a group's interactive
// targets leave first, in order of arrival, and bulk fills what room they leave; while an interactive
// target may be sent, no bulk-only batch is given but for bulk's aged share, one in ten (I8), which
// also the bulk of a crowded group gets; of what is full or has waited for long, the oldest goes first
// (I7); a batch that comes back is given again as it was (I4).
//
// The package is pure: no I/O, no goroutine, no clock of its own. A Batcher is not safe for
// concurrent use; its owner guards it.
package batcher
