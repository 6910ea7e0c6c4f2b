// Package quota answers how much of a type EdgeOne takes for a zone now, and until when it takes nothing.
//
//	readings, answers of calls ──► Gate ──► Reserve, Limit, Room, Changes
//
// The worker reports to a Gate what it is about to send and what EdgeOne answered, and asks it before each
// call. Run reads DescribeContentQuota for the zones in use: at first sight, now and then, and soon after a
// call was refused for the quota. What is not read is unknown, never zero.
//
// A Gate has one lock, which is never held while the API is called. It calls nobody back: what a reading
// changes is announced on Changed and fetched by Changes. It holds no requests, and does not decide what
// becomes of a batch that EdgeOne refused. Zones that nobody uses are forgotten, because producers name
// them and may name many (I5).
package quota
