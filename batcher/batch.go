package batcher

import "time"

// Slot is one target that waits, with all who wait for it.
type Slot[W any] struct {
	Target  string
	Waiters []W

	since  time.Time
	bytes  int
	urgent bool
	gone   bool      // moved or removed: the queue passes over it
	probe  *probe[W] // while it is in one
}

// Batch is what one call carries.
type Batch[W any] struct {
	Group  Group
	Slots  []*Slot[W]
	Urgent bool      // one of its targets is interactive
	Since  time.Time // when the oldest was added, of an urgent batch the oldest interactive one
	Tries  int       // how often it came back by Return

	notBefore time.Time
	waiters   int // of all slots
}

// newBatch makes a batch of slots; it is as urgent and as old as the most pressing of them.
func newBatch[W any](g Group, slots []*Slot[W]) *Batch[W] {
	batch := &Batch[W]{Group: g, Slots: slots}
	batch.rank()
	batch.count()
	return batch
}

// count brings waiters up to date.
func (batch *Batch[W]) count() {
	batch.waiters = 0
	for _, s := range batch.Slots {
		batch.waiters += len(s.Waiters)
	}
}

func (batch *Batch[W]) rank() {
	batch.Urgent, batch.Since = false, time.Time{}
	for _, s := range batch.Slots {
		first := s.urgent && !batch.Urgent
		older := s.urgent == batch.Urgent && (batch.Since.IsZero() || s.since.Before(batch.Since))
		if first || older {
			batch.Urgent, batch.Since = s.urgent, s.since
		}
	}
}

// Halve returns the two halves of a batch of at least two slots, to be sent apart.
func (batch *Batch[W]) Halve() (left, right *Batch[W]) {
	mid := len(batch.Slots) / 2
	return newBatch(batch.Group, batch.Slots[:mid:mid]), newBatch(batch.Group, batch.Slots[mid:])
}

// Remove takes out every waiter for whom drop is true, and each target that nobody waits for any
// more; it returns how many targets that were. A batch that it leaves empty needs no further word.
func (batch *Batch[W]) Remove(drop func(W) bool) int {
	p, left := batch.probe(), 0
	batch.Slots, left = cut(batch.Slots, drop)
	batch.count()
	if left == 0 {
		return 0
	}
	batch.rank()
	if p != nil {
		p.shorten(batch)
	}
	return left
}

// cut takes out waiters, and the slots without any left.
func cut[W any](slots []*Slot[W], drop func(W) bool) (keep []*Slot[W], left int) {
	keep = slots[:0]
	for _, s := range slots {
		if s.drop(drop); len(s.Waiters) > 0 {
			keep = append(keep, s)
		}
	}
	clear(slots[len(keep):])
	return keep, len(slots) - len(keep)
}
