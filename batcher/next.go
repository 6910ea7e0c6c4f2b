package batcher

import "time"

// heaps are the items by when and in which order they may be sent.
type heaps[W any] struct {
	delayed itemHeap[W] // not before a time: by that time

	// May be sent now. The first three are by age; bisections take turns.
	urgent, full, partial    itemHeap[W] // partial: bulk that neither fills a call nor came back
	urgentProbes, bulkProbes itemHeap[W]
}

// ready is what could be sent now, the best of each kind, nil where there is none.
type ready[W any] struct {
	urgent, urgentProbes, bulk, bulkProbes *item[W]
}

// share gives one thing precedence over another, but for one call in agedShare.
type share struct{ passed int } // calls given since the other had one

func choose[W any](s share, first, aged *item[W]) *item[W] {
	if first == nil || aged != nil && s.passed >= agedShare-1 {
		return aged
	}
	return first
}

func (s *share) note(passed bool) {
	if s.passed++; !passed {
		s.passed = 0
	}
}

// Next gives the best batch to send at the given time, nil when none may be sent. The caller sends
// it, and reports what became of it: Return, Bisect, Cleared or Drop. Time does not go back: a time
// before the last one counts as the last one.
func (b *Batcher[W]) Next(now time.Time) *Batch[W] {
	r := b.advance(now)
	urgent := choose(b.probes.urgent, r.urgent, r.urgentProbes)
	bulk := choose(b.probes.bulk, r.bulk, r.bulkProbes)
	pick := choose(b.bulk, urgent, bulk)
	if pick == nil {
		return nil
	}
	b.bulk.note(pick == urgent && bulk != nil)
	if pick == urgent {
		b.probes.urgent.note(pick == r.urgent && r.urgentProbes != nil)
	} else {
		b.probes.bulk.note(pick == r.bulk && r.bulkProbes != nil)
	}
	batch := b.take(pick)
	b.waiting -= len(batch.Slots)
	return batch
}

// When returns from which time on Next would return a batch, if nothing is added and no probe is
// answered; false when there is no such time.
func (b *Batcher[W]) When(now time.Time) (time.Time, bool) {
	if b.advance(now) != (ready[W]{}) {
		return now, true
	}
	if it := b.heaps.delayed.top(); it != nil {
		return it.key, true
	}
	return time.Time{}, false
}

// advance moves the items that have become due, and returns what could be sent.
func (b *Batcher[W]) advance(now time.Time) ready[W] {
	b.now = later(b.now, now)
	for _, gr := range b.fresh {
		gr.changed = false
		b.refile(&gr.ofUrgent)
		b.refile(&gr.ofBulk)
	}
	clear(b.fresh)
	b.fresh = b.fresh[:0]
	b.first(&b.heaps.delayed) // what is due goes to its heap
	return ready[W]{
		urgent: b.first(&b.heaps.urgent), bulk: b.firstBulk(),
		urgentProbes: b.heaps.urgentProbes.top(), bulkProbes: b.heaps.bulkProbes.top(),
	}
}

// first is the first item of a heap that still belongs there: a limit may have risen.
func (b *Batcher[W]) first(p *itemHeap[W]) *item[W] {
	for it := p.top(); it != nil; it = p.top() {
		if b.refile(it); p.top() == it {
			return it
		}
	}
	return nil
}

// firstBulk lets what is full or has waited for longer than MaxQuiet go in order of age, so that a
// group that is full again and again does not stall one that never is (I7).
func (b *Batcher[W]) firstBulk() *item[W] {
	full := b.first(&b.heaps.full)
	partial := b.heaps.partial.top() // what was full may be there now
	if full == nil || partial != nil && partial.before(full) && !partial.key.Add(b.cfg.MaxQuiet).After(b.now) {
		return partial
	}
	return full
}

func (b *Batcher[W]) take(it *item[W]) *Batch[W] {
	switch {
	case it.batch != nil:
		b.leave(it.batch.Group, it)
		return it.batch
	case it.bisection != nil:
		return it.bisection.take()
	}
	gr := it.group
	batch := gr.take(b.limit(gr.key), b.cfg.MaxBytes, b.order(it == &gr.ofUrgent)...)
	b.touch(gr)
	return batch
}

// order is that in which the queues of a group fill a call.
func (b *Batcher[W]) order(urgentFirst bool) []bool {
	switch {
	case b.paused.urgent:
		return []bool{false}
	case b.paused.bulk:
		return []bool{true}
	}
	return []bool{urgentFirst, !urgentFirst}
}

func (b *Batcher[W]) isPaused(p *itemHeap[W]) bool {
	if p == &b.heaps.urgent || p == &b.heaps.urgentProbes {
		return b.paused.urgent
	}
	return b.paused.bulk
}

// refile puts an item into the heap where it belongs now.
func (b *Batcher[W]) refile(it *item[W]) {
	var p *itemHeap[W]
	var from, since time.Time
	switch {
	case it.batch != nil:
		p, from, since = b.classifyBatch(it.batch)
	case it.bisection != nil:
		p, from = b.classifyBisection(it.bisection)
	case it == &it.group.ofUrgent:
		p, from, since = b.classifyUrgent(it.group)
	default:
		p, from, since = b.classifyBulk(it.group)
	}
	if b.isPaused(p) {
		p = nil
	}
	if from = later(from, it.hold.until); p != nil && from.After(b.now) {
		p, since = &b.heaps.delayed, from
	}
	it.put(p, since)
}
