package batcher

import "time"

// The classify methods return the heap of an item that may be sent, from when on it may, and since
// when it waits. Without a heap there is nothing to send.

func (b *Batcher[W]) classifyBatch(batch *Batch[W]) (p *itemHeap[W], from, since time.Time) {
	p = &b.heaps.full
	if batch.Urgent {
		p = &b.heaps.urgent
	}
	return p, batch.notBefore, batch.Since
}

func (b *Batcher[W]) classifyUrgent(gr *group[W]) (p *itemHeap[W], from, since time.Time) {
	s := gr.urgent.front()
	if s == nil {
		return nil, from, since
	}
	from = s.since.Add(b.cfg.Linger)
	if gr.full(b.limit(gr.key), b.cfg.MaxBytes) {
		from = s.since
	}
	return &b.heaps.urgent, from, s.since
}

// classifyBulk: the bulk of a group goes along with its interactive targets, unless there is no
// room.
func (b *Batcher[W]) classifyBulk(gr *group[W]) (p *itemHeap[W], from, since time.Time) {
	s := gr.bulk.front()
	if s == nil {
		return nil, from, since
	}
	limit := b.limit(gr.key)
	if gr.urgent.live > 0 && !b.paused.urgent && !gr.crowded(s, limit, b.cfg.MaxBytes) {
		return nil, from, since
	}
	if gr.full(limit, b.cfg.MaxBytes) {
		return &b.heaps.full, s.since, s.since
	}
	from = earlier(gr.lastAdd.Add(b.cfg.Quiet), s.since.Add(b.cfg.MaxQuiet))
	return &b.heaps.partial, from, s.since
}

// classifyBisection: a zone has one probe out at a time.
func (b *Batcher[W]) classifyBisection(s *bisection[W]) (p *itemHeap[W], from time.Time) {
	if s.probeSlot.out != nil || s.empty() {
		return nil, from
	}
	if s.back != nil {
		from = s.back.notBefore
	}
	if _, urgent := s.next(); urgent {
		return &b.heaps.urgentProbes, from
	}
	return &b.heaps.bulkProbes, from
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
