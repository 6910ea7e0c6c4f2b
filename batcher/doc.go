// Package batcher decides which targets go into the next CreatePurgeTask call.
//
// It stands between admission and submission: the worker adds targets as requests come in, and asks
// for a batch at the moment when the pace allows a call. Until then nothing is decided (late
// binding), so that each call carries as much as there is and an urgent target never waits behind a
// batch that was put together before it came.
//
//	Add ──► slots of a group ──► Next ──► Batch ──► sent
//	              ▲               ▲           │
//	              │               │           ├──► accepted, or ended otherwise: Cleared, Drop
//	              └── (never) ◄───┤ ◄─ Return ┤    again: whole, later, joined by nobody (I4)
//	                              │           │
//	                  bisection ──┘ ◄ Bisect ─┘    a target of it is bad: which one?
//
// What it promises: equal targets of a group that wait together share one slot; a group's interactive
// targets leave first, in order of arrival, and bulk fills what room they leave; while an interactive
// target may be sent, no bulk-only batch is given but for bulk's aged share, one in ten (I8), which
// also the bulk of a crowded group gets; of what is full or has waited for long, the oldest goes first
// (I7); a batch that comes back is given again as it was (I4).
//
// The bad targets of a refused batch are found by group testing: its targets go again in
// probes of ever fewer, one at a time for each account and zone. One bad target of 500 costs at most 11
// calls beyond the refused one, five about 50, and 500 of 500 about 530. A target is only ever found
// bad by a call that carried it alone. Probes go behind what is fresh, interactive or bulk each in its
// lane, but for an aged share of one in ten; the bisections of different groups take turns (I7).
//
// What could be sent lies in heaps, ordered by the time from which it may go, and then by rank: Add, Next
// and When take time that grows with the logarithm of the number of groups. Hold looks at the groups of
// its zone's type, the answer to a probe at the bisections of its zone, Remove at everything.
//
// The package is pure: no I/O, no goroutine, no clock of its own. A Batcher is not safe for
// concurrent use; its owner guards it, and the methods of a Batch that it gave with it.
package batcher
