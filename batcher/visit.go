package batcher

import (
	"slices"

	"github.com/edgepurge/edgepurge/purge"
)

// WaitingOf is the number of targets of a zone's type in line, in batches that came back and in
// bisections.
func (b *Batcher[W]) WaitingOf(account, zone string, typ purge.Type) int {
	n := 0
	b.visit(account, zone, typ, func(slots int, _ func(func(*Slot[W]))) { n += slots })
	return n
}

// WaitersOf is the number of those who wait for the targets that WaitingOf counts: several may wait
// for one target.
func (b *Batcher[W]) WaitersOf(account, zone string, typ purge.Type) int {
	h := b.holds[Group{Account: account, Zone: zone, Type: typ}]
	if h == nil {
		return 0
	}
	n := 0
	for _, it := range h.items {
		switch {
		case it.batch != nil:
			n += it.batch.waiters
		case it.bisection != nil:
			n += it.bisection.waiters()
		case it == &it.group.ofUrgent: // once for both
			n += it.group.waiters
		}
	}
	return n
}

func (s *bisection[W]) waiters() int {
	n := s.pool.waiters
	for _, set := range slices.Concat(s.narrow, s.refused) {
		n += set.waiters
	}
	if s.back != nil {
		n += s.back.waiters
	}
	return n
}

// Each calls do for everybody who waits for a target of a zone's type, once for each target.
func (b *Batcher[W]) Each(account, zone string, typ purge.Type, do func(W)) {
	b.visit(account, zone, typ, func(_ int, each func(func(*Slot[W]))) {
		each(func(s *Slot[W]) {
			for _, w := range s.Waiters {
				do(w)
			}
		})
	})
}

// visit hands over the slots of a zone's type, a number of them at a time.
func (b *Batcher[W]) visit(account, zone string, typ purge.Type, do func(n int, each func(func(*Slot[W])))) {
	h := b.holds[Group{Account: account, Zone: zone, Type: typ}]
	if h == nil {
		return
	}
	ofBatch := func(batch *Batch[W]) {
		do(len(batch.Slots), func(f func(*Slot[W])) {
			for _, s := range batch.Slots {
				f(s)
			}
		})
	}
	ofGroup := func(g *group[W]) {
		do(len(g.slots), func(f func(*Slot[W])) {
			for _, s := range g.slots {
				f(s)
			}
		})
	}
	for _, it := range h.items {
		switch {
		case it.batch != nil:
			ofBatch(it.batch)
		case it.bisection != nil:
			for _, set := range slices.Concat(it.bisection.narrow, it.bisection.refused) {
				ofBatch(set)
			}
			if it.bisection.back != nil {
				ofBatch(it.bisection.back)
			}
			ofGroup(&it.bisection.pool)
		case it == &it.group.ofUrgent: // once for both
			ofGroup(it.group)
		}
	}
}
