package batcher

import "time"

// piles are the items by what may become of them.
type piles[W any] struct {
	later pile[W] // not before a time: by that time

	// May be sent now. The first three are by age, suspects take turns.
	urgent, full, few            pile[W] // few: bulk that neither fills a call nor came back
	urgentSuspects, bulkSuspects pile[W]
}

// ready is what could be sent now, the best of each kind, nil where there is none.
type ready[W any] struct {
	urgent, urgentSuspects, bulk, bulkSuspects *item[W]
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
// it, and tells what became of it: Return, Suspect, Cleared or Drop. Time does not go back: an
// earlier one than was told before counts as that.
func (b *Batcher[W]) Next(now time.Time) *Batch[W] {
	r := b.look(now)
	urgent := choose(b.probes.urgent, r.urgent, r.urgentSuspects)
	bulk := choose(b.probes.bulk, r.bulk, r.bulkSuspects)
	pick := choose(b.bulk, urgent, bulk)
	if pick == nil {
		return nil
	}
	b.bulk.note(pick == urgent && bulk != nil)
	if pick == urgent {
		b.probes.urgent.note(pick == r.urgent && r.urgentSuspects != nil)
	} else {
		b.probes.bulk.note(pick == r.bulk && r.bulkSuspects != nil)
	}
	batch := b.take(pick)
	b.waiting -= len(batch.Slots)
	return batch
}

// When tells from which time on Next would give a batch, if nothing is added and no probe is heard
// of; false when there is no such time.
func (b *Batcher[W]) When(now time.Time) (time.Time, bool) {
	if b.look(now) != (ready[W]{}) {
		return now, true
	}
	if it := b.piles.later.top(); it != nil {
		return it.key, true
	}
	return time.Time{}, false
}

// look brings the piles up to the given time.
func (b *Batcher[W]) look(now time.Time) ready[W] {
	b.now = later(b.now, now)
	for _, gr := range b.fresh {
		gr.changed = false
		b.file(&gr.ofUrgent)
		b.file(&gr.ofBulk)
	}
	clear(b.fresh)
	b.fresh = b.fresh[:0]
	b.first(&b.piles.later) // what is due goes to its pile
	return ready[W]{
		urgent: b.first(&b.piles.urgent), bulk: b.firstBulk(),
		urgentSuspects: b.piles.urgentSuspects.top(), bulkSuspects: b.piles.bulkSuspects.top(),
	}
}

// first is the first item of a pile that belongs there still: a limit may have risen.
func (b *Batcher[W]) first(p *pile[W]) *item[W] {
	for it := p.top(); it != nil; it = p.top() {
		if b.file(it); p.top() == it {
			return it
		}
	}
	return nil
}

// firstBulk lets what is full or has waited for longer than MaxQuiet go in order of age, so that a
// group that is full again and again does not stall one that never is (I7).
func (b *Batcher[W]) firstBulk() *item[W] {
	full := b.first(&b.piles.full)
	few := b.piles.few.top() // what was full may be there now
	if full == nil || few != nil && few.before(full) && !few.key.Add(b.cfg.MaxQuiet).After(b.now) {
		return few
	}
	return full
}

func (b *Batcher[W]) take(it *item[W]) *Batch[W] {
	switch {
	case it.batch != nil:
		b.leave(it.batch.Group, it)
		return it.batch
	case it.suspects != nil:
		return it.suspects.take()
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

func (b *Batcher[W]) isPaused(p *pile[W]) bool {
	if p == &b.piles.urgent || p == &b.piles.urgentSuspects {
		return b.paused.urgent
	}
	return b.paused.bulk
}

// file puts an item where it belongs at the latest time told.
func (b *Batcher[W]) file(it *item[W]) {
	var p *pile[W]
	var from, since time.Time
	switch {
	case it.batch != nil:
		p, from, since = b.sortBatch(it.batch)
	case it.suspects != nil:
		p, from = b.sortSuspects(it.suspects)
	case it == &it.group.ofUrgent:
		p, from, since = b.sortUrgent(it.group)
	default:
		p, from, since = b.sortBulk(it.group)
	}
	if b.isPaused(p) {
		p = nil
	}
	if from = later(from, it.hold.until); p != nil && from.After(b.now) {
		p, since = &b.piles.later, from
	}
	it.put(p, since)
}
