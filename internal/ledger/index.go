package ledger

import (
	"hash/maphash"
	"slices"
	"sync"

	"github.com/edgepurge/edgepurge/internal/record"
)

// index returns in which stored parts a request has targets. It holds hashes, seeded anew in each
// process, so that no producer can aim at a collision; a hit is verified against the stored part.
type index struct {
	seed maphash.Seed

	mu   sync.Mutex
	one  map[uint64]uint64   // requests in one part, nearly all
	more map[uint64][]uint64 // the others
}

func newIndex() index {
	return index{seed: maphash.MakeSeed(), one: make(map[uint64]uint64), more: make(map[uint64][]uint64)}
}

func (x *index) hash(k record.Key) uint64 { return maphash.Comparable(x.seed, k) }

func (x *index) add(k record.Key, sequence uint64) {
	h := x.hash(k)
	x.mu.Lock()
	defer x.mu.Unlock()
	if all, ok := x.more[h]; ok {
		if !slices.Contains(all, sequence) {
			x.more[h] = append(all, sequence)
		}
		return
	}
	if have, ok := x.one[h]; ok && have != sequence {
		delete(x.one, h)
		x.more[h] = []uint64{have, sequence}
		return
	}
	x.one[h] = sequence
}

func (x *index) remove(k record.Key, sequence uint64) {
	h := x.hash(k)
	x.mu.Lock()
	defer x.mu.Unlock()
	if have, ok := x.one[h]; ok && have == sequence {
		delete(x.one, h)
		return
	}
	all, ok := x.more[h]
	if !ok {
		return
	}
	all = slices.DeleteFunc(all, func(s uint64) bool { return s == sequence })
	if len(all) == 0 {
		delete(x.more, h)
		return
	}
	x.more[h] = all
}

// of returns the parts that may hold targets of the request.
func (x *index) of(k record.Key) []uint64 {
	h := x.hash(k)
	x.mu.Lock()
	defer x.mu.Unlock()
	if s, ok := x.one[h]; ok {
		return []uint64{s}
	}
	return slices.Clone(x.more[h])
}

func (x *index) len() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.one) + len(x.more)
}
