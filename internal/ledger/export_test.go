package ledger

import "github.com/edgepurge/edgepurge/internal/record"

// Plant makes the index say that the request has targets in a part, as a collision of hashes does.
func (l *Ledger) Plant(k record.Key, sequence uint64) { l.index.add(k, sequence) }

// Indexed is the number of requests in the index.
func (l *Ledger) Indexed() int { return l.index.len() }

// Keep keeps a part in memory until its end, and Kept tells whether it still is.
func (l *Ledger) Keep(sequence uint64, part *record.Job) { l.recent.add(sequence, part) }

func (l *Ledger) Kept(sequence uint64) bool { return l.recent.get(sequence) != nil }
