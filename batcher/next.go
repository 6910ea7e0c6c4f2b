package batcher

import (
	"slices"
	"time"
)

// candidate is something that could be sent: a group's targets or a batch that came back.
type candidate[W any] struct {
	group  *group[W]
	resend int // index in the resend queue when group is nil
	urgent bool
	since  time.Time
	ripe   bool // full, or waiting for longer than MaxQuiet
}

// before lets the ripe go in order of age, so that a group that is full again and again does not
// stall one that never is (I7).
func (c *candidate[W]) before(o *candidate[W]) bool {
	if c.ripe != o.ripe {
		return c.ripe
	}
	return c.since.Before(o.since)
}

// Next gives the best batch to send at the given time, nil when none may be sent. The caller sends
// it, or hands it to Return.
func (b *Batcher[W]) Next(now time.Time) *Batch[W] {
	urgent, bulk, _ := b.look(now)
	pick := urgent
	if pick == nil || (bulk != nil && b.urgent >= agedShare-1) {
		pick = bulk
	}
	if pick == nil {
		return nil
	}
	batch := b.take(pick)
	b.waiting -= len(batch.Slots)
	if pick == urgent && bulk != nil {
		b.urgent++
	} else {
		b.urgent = 0
	}
	return batch
}

// When tells from which time on Next would give a batch, if nothing is added; false when nothing
// waits.
func (b *Batcher[W]) When(now time.Time) (time.Time, bool) {
	urgent, bulk, next := b.look(now)
	if urgent != nil || bulk != nil {
		return now, true
	}
	return next, !next.IsZero()
}

// look finds the best candidates of both kinds, or the earliest time at which there will be one.
func (b *Batcher[W]) look(now time.Time) (urgent, bulk *candidate[W], next time.Time) {
	offer := func(c candidate[W], ready time.Time) {
		if ready.After(now) {
			if next.IsZero() || ready.Before(next) {
				next = ready
			}
			return
		}
		best := &bulk
		if c.urgent {
			best = &urgent
		}
		if *best == nil || c.before(*best) {
			better := c
			*best = &better
		}
	}
	for i, batch := range b.resend {
		ready := later(batch.notBefore, b.heldUntil(batch.Group, now))
		offer(candidate[W]{resend: i, urgent: batch.Urgent, since: batch.Since, ripe: true}, ready)
	}
	for _, gr := range b.groups {
		held := b.heldUntil(gr.key, now)
		limit := b.limit(gr.key)
		full := gr.full(limit, b.cfg.MaxBytes)
		if s := gr.urgent.front(); s != nil {
			ready := s.since.Add(b.cfg.Linger)
			if full {
				ready = s.since
			}
			offer(candidate[W]{group: gr, urgent: true, since: s.since, ripe: true}, later(ready, held))
		}
		// The bulk of a group goes along with its interactive targets, unless there is no room.
		if s := gr.bulk.front(); s != nil && (gr.urgent.live == 0 || gr.crowded(s, limit, b.cfg.MaxBytes)) {
			due := s.since.Add(b.cfg.MaxQuiet)
			ready := sooner(gr.lastAdd.Add(b.cfg.Quiet), due)
			if full {
				ready = s.since
			}
			offer(candidate[W]{group: gr, since: s.since, ripe: full || !due.After(now)}, later(ready, held))
		}
	}
	return urgent, bulk, next
}

func (b *Batcher[W]) take(c *candidate[W]) *Batch[W] {
	if c.group == nil {
		batch := b.resend[c.resend]
		b.resend = slices.Delete(b.resend, c.resend, c.resend+1)
		return batch
	}
	gr := c.group
	batch := gr.take(b.limit(gr.key), b.cfg.MaxBytes, c.urgent)
	b.forget(gr)
	return batch
}

func (b *Batcher[W]) limit(g Group) int { return max(1, b.cfg.Limit(g)) }

func (b *Batcher[W]) heldUntil(g Group, now time.Time) time.Time {
	key := Group{Account: g.Account, Zone: g.Zone, Type: g.Type}
	until, ok := b.held[key]
	if ok && !until.After(now) {
		delete(b.held, key)
		return time.Time{}
	}
	return until
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
