// Package emulator is a strict stand-in for the purge side of Tencent EdgeOne's API, as an [http.Handler].
//
// It stands where teo.tencentcloudapi.com stands: a client signs a POST, the emulator checks it the way the API
// docs describe (TC3-HMAC-SHA256, parameters, ceilings, hosts of the zone), keeps the job and tells its rows.
//
//	arrive -> rate window -> read body -> fault? -> version, signature, JSON -> action -> latency -> answer
//
// It promises: every call is judged by the documented rules and refused with the documented code; a refused
// call leaves no trace but in [Stats]; the same seed and the same order of calls draw the same faults; memory is
// bounded by [Config.MaxRows] and [Config.Retention], except for 10-20 bytes for each distinct target.
// Where the documents leave the real behaviour open, [Config.Unknown] chooses, and the stricter reading is the
// default.
//
// It reads the wire on its own and imports neither our client nor Tencent's SDK, so that a mistake of theirs
// shows here. It does not purge, does not prefetch and keeps nothing on disk.
//
// What the documents don't tell was decided so:
//   - rows come newest job first, and within a job in the order of the submitted targets;
//   - a row's CreateTime is cut to the second, and StartTime and EndTime are both inclusive;
//   - a purge_all has one row, whose Target is the name of the zone;
//   - a repeated target of one call counts, and has a row, each time;
//   - targets must be RFC 3986 text: no raw non-ASCII (unless EncodeUrl), no fragment, no userinfo;
//   - Method is refused for purge_url and purge_cache_tag, Limit 0 and repeated filters are refused;
//   - when foreign-host=failedlist leaves no target, the answer is an empty JobId and the list;
//   - an Offset in pages counts from 1: both 0 and 1 are the first page;
//   - echo=canonical answers with RFC 3986's normal form, which may be no spelling anyone submitted;
//   - the quota's days begin when the emulator does.
package emulator
