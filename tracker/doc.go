// Package tracker follows jobs to their end by DescribePurgeTasks.
//
// The worker hands it each job once the job is stored; after a take-over the stored jobs come back to
// it. It polls at a pace of its own, decides when a job is final and what became of its targets, and
// hands that outcome to the ledger, which tells the requests.
//
//	Track ─► waiting ─► due ─► poll ─┬─► not final: waits, until jobs of late were final, then longer each time
//	                                 ├─► final: ledger.End, forgotten
//	                                 └─► older than Deadline: what is open has failed, ledger.End
//
// What it promises: `success` is the only success; `processing` and every word it does not know are
// not final; an empty list right after create is normal; a job is final only when as many rows are
// final as it has targets. It survives an API that keeps one row a job: one final row that stays alone
// for three polls counts for all targets. Where some rows are missing for other reasons, the job waits
// for its deadline; then each target has what its row says, and those without one have failed. A refused
// or failing poll costs time, never a job; only when a job is past its deadline do ten of them end it.
//
// Of a job of more than 1,000 targets it counts the successes before it reads rows. While there are more jobs
// than can be asked for each PollMin, those of a zone that were made in one second of the server's clock are counted
// together; where the counts are not those of our jobs alone, each is asked for by itself.
//
// What it does not do: keep jobs anywhere but in memory (they are stored before they come here and
// removed after their end), or submit anything.
package tracker
