package batcher

import "slices"

// Suspect takes back a batch that was refused because a target of it is bad. Its targets are sent
// again in probes, until each has been accepted with others or alone, or refused alone. It is false
// for a batch of one target, which is found bad by that and is the caller's to end.
func (b *Batcher[W]) Suspect(batch *Batch[W]) bool {
	p := batch.land()
	if p != nil {
		p.suspects.distrust(p)
		if p.pooled {
			p.suspects.shrink(len(batch.Slots))
		}
	}
	if len(batch.Slots) < 2 {
		p.settle()
		return false
	}
	s := b.suspectsOf(batch.Group)
	set := newBatch(batch.Group, batch.Slots)
	if p != nil {
		s.narrow = append(s.narrow, set)
	} else {
		s.refused = append(s.refused, set)
	}
	b.waiting += len(set.Slots)
	s.settle()
	return true
}

// Cleared tells that a batch was accepted: it is to be called for each. For one that is no probe it
// does nothing.
func (b *Batcher[W]) Cleared(batch *Batch[W]) {
	p := batch.land()
	if p == nil {
		return
	}
	s := p.suspects
	if len(p.rest) > 0 {
		s.narrow = append(s.narrow, newBatch(batch.Group, p.rest))
	}
	if p.pooled {
		s.grow(len(batch.Slots))
	}
	s.settle()
}

// Drop tells that nothing more comes of a batch: its targets have ended for another reason than that
// one is bad, as a plan that does not allow the type. For one that is no probe it does nothing.
func (b *Batcher[W]) Drop(batch *Batch[W]) {
	if p := batch.land(); p != nil {
		p.suspects.distrust(p)
		p.settle()
	}
}

// takeBack keeps a probe for its time. Of two, pieces of one, the second goes to the pool.
func (b *Batcher[W]) takeBack(batch *Batch[W], p *probe[W]) {
	s := b.suspectsOf(batch.Group) // those of a piece may have been forgotten meanwhile
	if s.back == nil {
		s.back = batch
		(&probe[W]{suspects: s, rest: p.rest, pooled: p.pooled}).mark(batch)
	} else {
		s.toPool(batch.Slots)
		s.distrust(p)
	}
	s.settle()
}

// probe is what the slots of a batch lead to, nil for a batch that is none.
func (batch *Batch[W]) probe() *probe[W] {
	if len(batch.Slots) == 0 {
		return nil
	}
	return batch.Slots[0].probe
}

func (p *probe[W]) mark(batch *Batch[W]) {
	p.size = len(batch.Slots)
	for _, s := range batch.Slots {
		s.probe = p
	}
}

// land opens the gate behind a probe that was out, and gives what is known of it; nil for a batch that
// is none. When it is a piece, nothing is known of the rest.
func (batch *Batch[W]) land() *probe[W] {
	p := batch.probe()
	if p == nil {
		return nil
	}
	for _, s := range batch.Slots {
		s.probe = nil
	}
	if len(batch.Slots) != p.size {
		p.suspects.distrust(p)
	}
	p.open()
	return p
}

func (p *probe[W]) open() {
	if gt := p.suspects.gate; gt.out == p {
		gt.out = nil
	}
}

// shorten notes that a probe lost targets, and perhaps the bad ones.
func (p *probe[W]) shorten(batch *Batch[W]) {
	p.suspects.distrust(p)
	if len(batch.Slots) == 0 {
		p.open()
	}
	p.settle()
}

func (p *probe[W]) settle() {
	if p != nil {
		p.suspects.settle()
	}
}

func (s *suspects[W]) shrink(tested int) {
	s.chunk = max(chunkLeast, min(s.chunk, float64(tested))/shrinkBy)
}

func (s *suspects[W]) grow(tested int) {
	s.chunk = max(s.chunk, growBy*min(s.chunk, float64(tested)))
}

// remove takes out waiters everywhere but in the probe that is out, and the targets that nobody waits
// for any more. A set that loses one may have lost the bad one, so it goes to the pool.
func (s *suspects[W]) remove(drop func(W) bool) int {
	left := s.pool.remove(drop)
	left += s.removeOf(&s.narrow, drop) + s.removeOf(&s.refused, drop)
	if out := s.gate.out; out != nil && out.suspects == s {
		left += s.removeRest(out, drop)
	}
	if s.back != nil {
		left += s.removeRest(s.back.probe(), drop)
		left += s.back.Remove(drop)
	}
	if s.back != nil && len(s.back.Slots) == 0 {
		s.back = nil
	}
	s.settle()
	return left
}

func (s *suspects[W]) removeOf(sets *[]*Batch[W], drop func(W) bool) (left int) {
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

func (s *suspects[W]) removeRest(p *probe[W], drop func(W) bool) (left int) {
	if p.rest, left = cut(p.rest, drop); left > 0 {
		s.distrust(p)
	}
	return left
}
