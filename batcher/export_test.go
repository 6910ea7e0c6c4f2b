package batcher

import "slices"

// Lined is the number of groups and of places in their queues, those of the gone among them.
func (b *Batcher[W]) Lined() int {
	n := len(b.groups)
	for _, g := range b.groups {
		n += len(g.urgent.line) + len(g.bulk.line)
	}
	for _, gt := range b.gates {
		for _, s := range gt.all {
			n += len(s.pool.urgent.line) + len(s.pool.bulk.line)
		}
	}
	return n
}

// Kept is the number of things that the batcher knows of, beside the targets: groups, zones under
// suspicion, holds, items in piles.
func (b *Batcher[W]) Kept() int {
	n := len(b.groups) + len(b.gates) + len(b.holds)
	for _, p := range []*pile[W]{
		&b.piles.later, &b.piles.urgent, &b.piles.full, &b.piles.few, &b.piles.urgentSuspects, &b.piles.bulkSuspects,
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
			case it.suspects != nil:
				n += it.suspects.counted()
			case it == &it.group.ofUrgent:
				n += len(it.group.slots)
			}
		}
	}
	return n
}

func (s *suspects[W]) counted() int {
	n := len(s.pool.slots)
	for _, set := range slices.Concat(s.narrow, s.refused) {
		n += len(set.Slots)
	}
	if s.back != nil {
		n += len(s.back.Slots) + len(s.back.probe().rest)
	}
	if out := s.gate.out; out != nil && out.suspects == s {
		n += len(out.rest)
	}
	return n
}

// IsProbe tells whether a batch carries suspects.
func (batch *Batch[W]) IsProbe() bool { return batch.probe() != nil }
