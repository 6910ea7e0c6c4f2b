package batcher

import "slices"

// suspects are the targets of one group that were refused in company: some are bad, and it is not
// known which. They are found by testing ever smaller sets in probes, calls that carry some of them:
// when a half of a set that holds a bad target passes, the other half holds it; when it is refused,
// nothing is known any more of the other half, which goes to the pool. The pool is tested in chunks
// whose size follows what is found.
type suspects[W any] struct {
	b    *Batcher[W]
	key  Group
	gate *gate[W]
	item item[W]

	back    *Batch[W]   // a probe that came back by Return: it goes first, as it was
	narrow  []*Batch[W] // sets that hold a bad target, found by probes: the last one next
	pool    group[W]    // nothing is known of these
	refused []*Batch[W] // sets that hold a bad target, refused before there was a probe: in order
	chunk   float64     // targets of the pool to test at once; below 1: one
}

// gate lets the suspects of a zone send one probe at a time.
type gate[W any] struct {
	out *probe[W] // nil: none
	all map[Group]*suspects[W]
}

// probe is what is known of a batch of suspects. Its slots lead to it, for the caller may take the
// batch apart.
type probe[W any] struct {
	suspects *suspects[W]
	size     int
	rest     []*Slot[W] // if the whole batch passes, one of these is bad
	pooled   bool       // it is a chunk of the pool
}

// A chunk that is refused makes the next a quarter, one that passes doubles it, and below one target
// it takes several that pass until two are tested together again. Of the rules tried in simulation,
// this one is near the best for few bad targets and for many, scattered or side by side: the numbers
// are in TestSuspects_AreFoundInFewCalls.
const (
	chunkAll   = 1 << 20 // more than a call carries
	chunkLeast = 1. / 8
	shrinkBy   = 4
	growBy     = 2
)

func (b *Batcher[W]) suspectsOf(g Group) *suspects[W] {
	key := Group{Account: g.Account, Zone: g.Zone}
	gt := b.gates[key]
	if gt == nil {
		gt = &gate[W]{all: make(map[Group]*suspects[W])}
		b.gates[key] = gt
	}
	s := gt.all[g]
	if s == nil {
		s = &suspects[W]{b: b, key: g, gate: gt, chunk: chunkAll, pool: group[W]{key: g, slots: make(map[string]*Slot[W])}}
		s.item.suspects = s
		gt.all[g] = s
		b.enter(g, &s.item)
	}
	return s
}

func (s *suspects[W]) empty() bool {
	return s.back == nil && len(s.narrow) == 0 && len(s.pool.slots) == 0 && len(s.refused) == 0
}

// next tells which set is tested next, nil for the pool, and whether it has an interactive target:
// such go first. A set is narrowed down to the end, then comes the pool, then what was refused later.
func (s *suspects[W]) next() (set *Batch[W], urgent bool) {
	if s.back != nil {
		return s.back, s.back.Urgent
	}
	for _, urgent := range []bool{true, false} {
		of := func(set *Batch[W]) bool { return set.Urgent == urgent }
		for _, set := range slices.Backward(s.narrow) {
			if of(set) {
				return set, urgent
			}
		}
		if s.pool.queue(urgent).live > 0 {
			return nil, urgent
		}
		if i := slices.IndexFunc(s.refused, of); i >= 0 {
			return s.refused[i], urgent
		}
	}
	return nil, false
}

// take gives what is tested next.
func (s *suspects[W]) take() *Batch[W] {
	limit := s.b.limit(s.key)
	set, _ := s.next()
	batch, p := set, &probe[W]{suspects: s}
	switch set {
	case nil:
		batch = s.pool.take(min(limit, max(1, int(s.chunk))), s.b.cfg.MaxBytes, true, false)
		p.pooled = true
	case s.back:
		p, s.back = batch.probe(), nil
	default:
		is := func(o *Batch[W]) bool { return o == set }
		s.narrow, s.refused = slices.DeleteFunc(s.narrow, is), slices.DeleteFunc(s.refused, is)
		n := min(max(1, len(set.Slots)/2), limit)
		batch, p.rest = newBatch(s.key, set.Slots[:n:n]), set.Slots[n:]
	}
	p.mark(batch)
	s.gate.out = p
	s.item.seq = s.b.turn() // the suspects of other zones have theirs first
	s.settle()
	return batch
}

// distrust puts the rest of a probe into the pool: whether it holds a bad target is not known.
func (s *suspects[W]) distrust(p *probe[W]) {
	s.toPool(p.rest)
	p.rest = nil
}

// toPool puts slots into the pool. Those of one target become one: neither is in a call, so that the
// next is after both (I4), and no call carries a target twice.
func (s *suspects[W]) toPool(slots []*Slot[W]) {
	for _, slot := range slots {
		if !s.pool.join(slot) {
			s.b.waiting--
		}
	}
}

// settle files the suspects of the zone anew, for one has changed or the gate did.
func (s *suspects[W]) settle() {
	gt := s.gate
	for g, o := range gt.all {
		s.b.file(&o.item)
		if o.empty() && (gt.out == nil || gt.out.suspects != o) {
			delete(gt.all, g)
			s.b.leave(g, &o.item)
		}
	}
	if key := (Group{Account: s.key.Account, Zone: s.key.Zone}); len(gt.all) == 0 && s.b.gates[key] == gt {
		delete(s.b.gates, key)
	}
}
