package batcher

import "slices"

// Lined is the number of groups and of places in their queues, those of the gone among them.
func (b *Batcher[W]) Lined() int {
	n := len(b.groups)
	for _, g := range b.groups {
		n += len(g.urgent.line) + len(g.bulk.line)
	}
	for _, ps := range b.probeSlots {
		for _, s := range ps.all {
			n += len(s.pool.urgent.line) + len(s.pool.bulk.line)
		}
	}
	return n
}

// Kept is the number of things that the batcher knows of, beside the targets: groups, probe
// slots, holds, items in heaps.
func (b *Batcher[W]) Kept() int {
	n := len(b.groups) + len(b.probeSlots) + len(b.holds)
	for _, p := range []*itemHeap[W]{
		&b.heaps.delayed, &b.heaps.urgent, &b.heaps.full, &b.heaps.partial, &b.heaps.urgentProbes, &b.heaps.bulkProbes,
	} {
		n += len(p.items)
	}
	return n
}

// Counted is what Waiting must be: the targets of all that the batcher holds.
func (b *Batcher[W]) Counted() (n int) {
	for _, h := range b.holds {
		for _, it := range h.items {
			switch {
			case it.batch != nil:
				n += len(it.batch.Slots)
			case it.bisection != nil:
				n += it.bisection.counted()
			case it == &it.group.ofUrgent:
				n += len(it.group.slots)
			}
		}
	}
	return n
}

func (s *bisection[W]) counted() int {
	n := len(s.pool.slots)
	for _, set := range slices.Concat(s.narrow, s.refused) {
		n += len(set.Slots)
	}
	if s.back != nil {
		n += len(s.back.Slots) + len(s.back.probe().rest)
	}
	if out := s.probeSlot.out; out != nil && out.bisection == s {
		n += len(out.rest)
	}
	return n
}

// IsProbe tells whether a batch belongs to a bisection.
func (batch *Batch[W]) IsProbe() bool { return batch.probe() != nil }
