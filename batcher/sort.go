package batcher

import "time"

// The sorters tell to which pile an item belongs once it may be sent, from when on it may, and since
// when it waits. No pile: there is nothing to send.

func (b *Batcher[W]) sortBatch(batch *Batch[W]) (p *pile[W], from, since time.Time) {
	p = &b.piles.full
	if batch.Urgent {
		p = &b.piles.urgent
	}
	return p, batch.notBefore, batch.Since
}

func (b *Batcher[W]) sortUrgent(gr *group[W]) (p *pile[W], from, since time.Time) {
	s := gr.urgent.front()
	if s == nil {
		return nil, from, since
	}
	from = s.since.Add(b.cfg.Linger)
	if gr.full(b.limit(gr.key), b.cfg.MaxBytes) {
		from = s.since
	}
	return &b.piles.urgent, from, s.since
}

// sortBulk: the bulk of a group goes along with its interactive targets, unless there is no room.
func (b *Batcher[W]) sortBulk(gr *group[W]) (p *pile[W], from, since time.Time) {
	s := gr.bulk.front()
	if s == nil {
		return nil, from, since
	}
	limit := b.limit(gr.key)
	if gr.urgent.live > 0 && !b.paused.urgent && !gr.crowded(s, limit, b.cfg.MaxBytes) {
		return nil, from, since
	}
	if gr.full(limit, b.cfg.MaxBytes) {
		return &b.piles.full, s.since, s.since
	}
	from = sooner(gr.lastAdd.Add(b.cfg.Quiet), s.since.Add(b.cfg.MaxQuiet))
	return &b.piles.few, from, s.since
}

// sortSuspects: a zone has one probe out at a time.
func (b *Batcher[W]) sortSuspects(s *suspects[W]) (p *pile[W], from time.Time) {
	if s.gate.out != nil || s.empty() {
		return nil, from
	}
	if s.back != nil {
		from = s.back.notBefore
	}
	if _, urgent := s.next(); urgent {
		return &b.piles.urgentSuspects, from
	}
	return &b.piles.bulkSuspects, from
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func sooner(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
