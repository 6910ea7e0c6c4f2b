package batcher

import "slices"

// bisection finds the bad ones among targets of one group that were refused together. They are
// found by testing ever smaller sets in probes, calls that carry some of them: when a half of a set
// that holds a bad target passes, the other half holds it; when it is refused, nothing is known any
// more of the other half, which goes to the pool. The pool is tested in chunks whose size follows
// what is found.
type bisection[W any] struct {
	b         *Batcher[W]
	key       Group
	probeSlot *probeSlot[W]
	item      item[W]

	back    *Batch[W]   // a probe that came back by Return: it goes first, as it was
	narrow  []*Batch[W] // sets that hold a bad target, found by probes: the last one next
	pool    group[W]    // nothing is known of these
	refused []*Batch[W] // sets that hold a bad target, refused before there was a probe: in order
	chunk   float64     // targets of the pool to test at once; below 1: one
}

// probeSlot lets the bisections of a zone send one probe at a time.
type probeSlot[W any] struct {
	out *probe[W] // nil: none
	all map[Group]*bisection[W]
}

// probe is what is known of a batch of a bisection. Its slots point to it, because the caller may
// take the batch apart.
type probe[W any] struct {
	bisection *bisection[W]
	size      int
	rest      []*Slot[W] // if the whole batch passes, one of these is bad
	pooled    bool       // it is a chunk of the pool
}

// A chunk that is refused makes the next a quarter, one that passes doubles it, and below one
// target it takes several that pass until two are tested together again. Of the rules tried in
// simulation, this one is near the best for few bad targets and for many, scattered or side by
// side: the numbers are in TestBisection_TakesFewCalls.
const (
	chunkMax = 1 << 20 // more than a call carries
	chunkMin = 1. / 8
	shrinkBy = 4
	growBy   = 2
)

func (b *Batcher[W]) bisectionOf(g Group) *bisection[W] {
	key := Group{Account: g.Account, Zone: g.Zone}
	ps := b.probeSlots[key]
	if ps == nil {
		ps = &probeSlot[W]{all: make(map[Group]*bisection[W])}
		b.probeSlots[key] = ps
	}
	s := ps.all[g]
	if s == nil {
		s = &bisection[W]{b: b, key: g, probeSlot: ps, chunk: chunkMax, pool: group[W]{key: g, slots: make(map[string]*Slot[W])}}
		s.item.bisection = s
		ps.all[g] = s
		b.enter(g, &s.item)
	}
	return s
}

func (s *bisection[W]) empty() bool {
	return s.back == nil && len(s.narrow) == 0 && len(s.pool.slots) == 0 && len(s.refused) == 0
}

// next returns the set that is tested next, nil for the pool, and whether it has an interactive
// target: such go first. A set is narrowed down to the end, then comes the pool, then what was
// refused later.
func (s *bisection[W]) next() (set *Batch[W], urgent bool) {
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
func (s *bisection[W]) take() *Batch[W] {
	limit := s.b.limit(s.key)
	set, _ := s.next()
	batch, p := set, &probe[W]{bisection: s}
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
	p.attach(batch)
	s.probeSlot.out = p
	s.item.seq = s.b.turn() // the bisections of other zones go first
	s.refile()
	return batch
}

// poolRest puts the rest of a probe into the pool: whether it holds a bad target is not known.
func (s *bisection[W]) poolRest(p *probe[W]) {
	s.toPool(p.rest)
	p.rest = nil
}

// toPool puts slots into the pool. Those of one target become one: neither is in a call, so that
// the next is after both (I4), and no call carries a target twice.
func (s *bisection[W]) toPool(slots []*Slot[W]) {
	for _, slot := range slots {
		if !s.pool.join(slot) {
			s.b.waiting--
		}
	}
}

// refile classifies the bisections of the zone again, because one of them or the probe slot
// changed.
func (s *bisection[W]) refile() {
	ps := s.probeSlot
	for g, o := range ps.all {
		s.b.refile(&o.item)
		if o.empty() && (ps.out == nil || ps.out.bisection != o) {
			delete(ps.all, g)
			s.b.leave(g, &o.item)
		}
	}
	if key := (Group{Account: s.key.Account, Zone: s.key.Zone}); len(ps.all) == 0 && s.b.probeSlots[key] == ps {
		delete(s.b.probeSlots, key)
	}
}
