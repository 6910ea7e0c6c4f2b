// Package edgeone calls the purge API of Tencent EdgeOne.
//
// It is the last step of a request's way out (batcher -> limiter -> edgeone) and the tracker's eye:
// it submits one batch, reads the tasks of jobs, and looks up quotas, zones and host names. Its types
// are those of package purge; only the wire has EdgeOne's names for them, as "purge_url".
//
//	Client -> api (one for each API version) -> v2022.... -> SDK common -> transport -> wire
//	 words,    our values to its fields          actions      TC3, JSON    one call,    HTTP/1.1
//	 classes                                                               no replay
//
// The older version of the API, 2022-01-06, can do less: [Unsupported] tells what to refuse.
//
// What it promises:
//
//   - One method call is one HTTP request at most, but for the lists (AllTasks, Zones, Domains),
//     which are one request a page. Nothing below resends, follows a redirect, or changes the
//     endpoint, so that the pace that the caller keeps is the pace on the wire (I3).
//   - Every error is an [*Error], and [Classify] tells what to do about it. An error that leaves open
//     whether the API carried the call out is [Ambiguous]; one that surely never left is [Transient].
//   - No secret, and no more than 200 bytes of what a server sent, is in an error's text (I6).
//   - A context that ends ends the call at once.
//   - An answer of any content makes an error at worst: it is read up to 50 MB, and never trusted.
//
// What it does not do: it keeps no pace, resends nothing, remembers nothing between calls, splits no
// batch, and checks no target: limiter, worker and package purge do.
package edgeone
