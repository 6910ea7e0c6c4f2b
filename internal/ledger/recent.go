package ledger

import (
	"slices"
	"sync"
	"time"

	"github.com/edgepurge/edgepurge/internal/record"
)

const (
	// recentBytes bounds the parts that are kept in memory between their storing and their end
	// (I5): those of some seconds at full pace. The others are read again.
	recentBytes = 16 << 20
	// recentFor is how long a part is kept when there are newer ones in want of room. Until then
	// they find none: those that are the oldest end first.
	recentFor = time.Minute
)

// recent holds parts that were stored a short time ago, as they were stored, so that they need not
// be read and decoded once more. Nobody may change them.
type recent struct {
	mu    sync.Mutex
	parts map[uint64]*record.Job
	size  int
	order []kept // as they were stored; some may be gone
}

type kept struct {
	sequence uint64
	since    time.Time
}

func newRecent() recent { return recent{parts: make(map[uint64]*record.Job)} }

func (r *recent) add(sequence uint64, part *record.Job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	need, now := weight(part), time.Now()
	evictable := func(k kept) bool {
		return r.parts[k.sequence] == nil || r.size+need > recentBytes && now.Sub(k.since) > recentFor
	}
	for len(r.order) > 0 && evictable(r.order[0]) {
		r.drop(r.order[0].sequence)
		r.order = r.order[1:]
	}
	if r.size+need > recentBytes {
		return
	}
	r.parts[sequence] = part
	r.order = append(r.order, kept{sequence, now})
	r.size += need
	if len(r.order) > 2*len(r.parts)+64 { // one that stays long keeps those that are gone behind it
		r.order = slices.DeleteFunc(r.order, func(k kept) bool { return r.parts[k.sequence] == nil })
	}
}

func (r *recent) get(sequence uint64) *record.Job {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.parts[sequence]
}

func (r *recent) remove(sequence uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(sequence)
}

func (r *recent) drop(sequence uint64) {
	if part := r.parts[sequence]; part != nil {
		r.size -= weight(part)
		delete(r.parts, sequence)
	}
}

// weight is about what a part takes in memory, in bytes.
func weight(part *record.Job) int {
	const head, share, text = 512, 384, 24
	n := head + share*len(part.Shares)
	for _, target := range part.Targets {
		n += text + len(target)
	}
	for i := range part.Shares {
		for k, v := range part.Shares[i].Labels {
			n += 4*text + len(k) + len(v)
		}
		for j := range part.Shares[i].EarlierFailures {
			f := &part.Shares[i].EarlierFailures[j]
			n += 4*text + len(f.Target) + len(f.Reason)
		}
	}
	return n
}
