// Package quota answers how much of a type EdgeOne takes for a zone now, and until when it takes
// nothing, and why.
//
//	readings, answers to calls ──► Gate ──► Until, Limit, Reserve, Room
//
// The worker reports to a Gate what waits, what it is about to send and what EdgeOne answered, and
// applies Until to its batcher before each call. Run reads DescribeContentQuota for the zones in
// use: at first sight, now and then, and soon after a call was refused for the quota. What is not
// read is unknown, never zero.
//
// A day is not counted before EdgeOne refuses a call for it, because readings lag behind and may be
// missing. From the first reading after that on, no more is let through than is left: as read, less
// what was accepted or may have been since, less what is in flight. Every hold ends, by its time or
// by what happens before.
//
// A Gate has one lock, which is never held while the API is called or something is logged. It calls
// nobody back: holds that may have changed are announced on Changed. It holds no requests, and does
// not decide what becomes of a batch that EdgeOne refused. Zones that nobody uses are forgotten, and
// what is remembered of refusals is bounded, because producers name zones and may name many (I5).
package quota
