package batcher

import "slices"

// Bisect takes back a batch that was refused because a target of it is bad. Its targets are sent
// again in probes, until each has been accepted with others or alone, or refused alone. It is false
// for a batch of one target, which is found bad by that and is the caller's to end.
func (b *Batcher[W]) Bisect(batch *Batch[W]) bool {
	p := batch.resolve()
	if p != nil {
		p.bisection.poolRest(p)
		if p.pooled {
			p.bisection.shrink(len(batch.Slots))
		}
	}
	if len(batch.Slots) < 2 {
		p.refile()
		return false
	}
	s := b.bisectionOf(batch.Group)
	set := newBatch(batch.Group, batch.Slots)
	if p != nil {
		s.narrow = append(s.narrow, set)
	} else {
		s.refused = append(s.refused, set)
	}
	b.waiting += len(set.Slots)
	s.refile()
	return true
}

// Cleared notes that a batch was accepted; it must be called for each. If the batch is no probe, it
// does nothing.
func (b *Batcher[W]) Cleared(batch *Batch[W]) {
	p := batch.resolve()
	if p == nil {
		return
	}
	s := p.bisection
	if len(p.rest) > 0 {
		s.narrow = append(s.narrow, newBatch(batch.Group, p.rest))
	}
	if p.pooled {
		s.grow(len(batch.Slots))
	}
	s.refile()
}

// Drop notes that a batch is over, because its targets have ended for another reason than a bad
// target, as a plan that does not allow the type. If the batch is no probe, it does nothing.
func (b *Batcher[W]) Drop(batch *Batch[W]) {
	if p := batch.resolve(); p != nil {
		p.bisection.poolRest(p)
		p.refile()
	}
}

// takeBack keeps a probe for its time. Of two, pieces of one, the second goes to the pool.
func (b *Batcher[W]) takeBack(batch *Batch[W], p *probe[W]) {
	s := b.bisectionOf(batch.Group) // those of a piece may have been forgotten meanwhile
	if s.back == nil {
		s.back = batch
		(&probe[W]{bisection: s, rest: p.rest, pooled: p.pooled}).attach(batch)
	} else {
		s.toPool(batch.Slots)
		s.poolRest(p)
	}
	s.refile()
}

// probe is what the slots of a batch lead to, nil for a batch that is none.
func (batch *Batch[W]) probe() *probe[W] {
	if len(batch.Slots) == 0 {
		return nil
	}
	return batch.Slots[0].probe
}

func (p *probe[W]) attach(batch *Batch[W]) {
	p.size = len(batch.Slots)
	for _, s := range batch.Slots {
		s.probe = p
	}
}

// resolve frees the probe slot of a batch that was out as a probe, and returns what is known of it;
// nil for another batch. If the batch is a piece of its probe, nothing is known of the rest.
func (batch *Batch[W]) resolve() *probe[W] {
	p := batch.probe()
	if p == nil {
		return nil
	}
	for _, s := range batch.Slots {
		s.probe = nil
	}
	if len(batch.Slots) != p.size {
		p.bisection.poolRest(p)
	}
	p.open()
	return p
}

func (p *probe[W]) open() {
	if ps := p.bisection.probeSlot; ps.out == p {
		ps.out = nil
	}
}

// shorten notes that a probe lost targets, and perhaps the bad ones.
func (p *probe[W]) shorten(batch *Batch[W]) {
	p.bisection.poolRest(p)
	if len(batch.Slots) == 0 {
		p.open()
	}
	p.refile()
}

func (p *probe[W]) refile() {
	if p != nil {
		p.bisection.refile()
	}
}

func (s *bisection[W]) shrink(tested int) {
	s.chunk = max(chunkMin, min(s.chunk, float64(tested))/shrinkBy)
}

func (s *bisection[W]) grow(tested int) {
	s.chunk = max(s.chunk, growBy*min(s.chunk, float64(tested)))
}

// remove takes out waiters everywhere but in the probe that is out, and the targets that nobody
// waits for any more. A set that loses one may have lost the bad one, so it goes to the pool.
func (s *bisection[W]) remove(drop func(W) bool) int {
	left := s.pool.remove(drop)
	left += s.removeOf(&s.narrow, drop) + s.removeOf(&s.refused, drop)
	if out := s.probeSlot.out; out != nil && out.bisection == s {
		left += s.removeRest(out, drop)
	}
	if s.back != nil {
		left += s.removeRest(s.back.probe(), drop)
		left += s.back.Remove(drop)
	}
	if s.back != nil && len(s.back.Slots) == 0 {
		s.back = nil
	}
	s.refile()
	return left
}

func (s *bisection[W]) removeOf(sets *[]*Batch[W], drop func(W) bool) (left int) {
	*sets = slices.DeleteFunc(*sets, func(set *Batch[W]) bool {
		n := set.Remove(drop)
		left += n
		if n > 0 {
			s.toPool(set.Slots)
		}
		return n > 0
	})
	return left
}

func (s *bisection[W]) removeRest(p *probe[W], drop func(W) bool) (left int) {
	if p.rest, left = cut(p.rest, drop); left > 0 {
		s.poolRest(p)
	}
	return left
}
