package ledger

import "github.com/edgepurge/edgepurge/internal/record"

// Plant makes the index say that the request has targets in a part, as a collision of hashes does.
func (l *Ledger) Plant(k record.Key, sequence uint64) { l.index.add(k, sequence) }

// Indexed is the number of requests in the index.
func (l *Ledger) Indexed() int { return l.index.len() }
