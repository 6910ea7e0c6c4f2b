package ledger

import (
	"slices"
	"sync"
)

// place names a part that this Ledger stored or loaded. The sequence alone does not: a stream that
// is made anew may give it to a part of another job.
type place struct {
	sequence uint64
	job      string
}

// followed are the stored parts that somebody follows, and where they are now. A part moves when it
// was removed from outside and is stored again; who asks for it by an old place is led to the new
// one. It does no I/O.
type followed struct {
	mu       sync.Mutex
	parts    map[uint64]string // the jobs of the parts, by sequence
	moved    map[place]uint64  // where those were stored again that were removed from outside
	removing map[place]bool    // those that are being removed
}

func newFollowed() followed {
	return followed{parts: make(map[uint64]string), moved: make(map[place]uint64), removing: make(map[place]bool)}
}

func (f *followed) add(sequence uint64, job string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.parts[sequence] = job
}

func (f *followed) has(sequence uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.parts[sequence]
	return ok
}

func (f *followed) follows(at place) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.parts[at.sequence] == at.job && !f.removing[at]
}

// forget forgets a part, wherever it is now, unless another has its place.
func (f *followed) forget(at place) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		if f.parts[at.sequence] == at.job {
			delete(f.parts, at.sequence)
		}
		next, ok := f.moved[at]
		if !ok {
			return
		}
		delete(f.moved, at)
		at.sequence = next
	}
}

func (f *followed) below(first uint64) []place {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []place
	for sequence, job := range f.parts {
		if at := (place{sequence, job}); sequence < first && !f.removing[at] {
			all = append(all, at)
		}
	}
	slices.SortFunc(all, func(a, b place) int { return int(int64(a.sequence - b.sequence)) })
	return all
}

// move notes the new place of a part; false when nobody follows it any more.
func (f *followed) move(from place, to uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.parts[from.sequence] != from.job || f.removing[from] {
		return false
	}
	delete(f.parts, from.sequence)
	f.parts[to] = from.job
	delete(f.moved, place{to, from.job}) // a number may come again: the way from there must not lead back to it
	if to != from.sequence {
		f.moved[from] = to
	}
	return true
}

// startRemoval marks a part as being removed, wherever it is, until the function is called: its
// place may be empty.
func (f *followed) startRemoval(at place) (gone func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := []place{at}
	for next, ok := f.moved[at]; ok; next, ok = f.moved[at] {
		at.sequence = next
		all = append(all, at)
	}
	for _, p := range all {
		f.removing[p] = true
	}
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, p := range all {
			delete(f.removing, p)
		}
	}
}

// current returns where a part is now.
func (f *followed) current(at place) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		next, ok := f.moved[at]
		if !ok {
			return at.sequence
		}
		at.sequence = next
	}
}

// isOther reports that the number stands for a part of another job by now.
func (f *followed) isOther(at place) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now, ok := f.parts[at.sequence]
	return ok && now != at.job
}

// jobOf returns the job of the part that has a sequence; empty when nobody follows one.
func (f *followed) jobOf(sequence uint64) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.parts[sequence]
}

func (f *followed) len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.parts)
}
