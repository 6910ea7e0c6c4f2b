package batcher

import (
	"slices"
	"time"
)

// group holds the waiting targets that may share a call.
type group[W any] struct {
	key     Group
	slots   map[string]*Slot[W]
	urgent  queue[W]
	bulk    queue[W]
	bytes   int
	lastAdd time.Time
}

// add reports whether the target is new in the group. A bulk target for which an interactive
// request comes moves to the interactive queue, as if it had come with it.
func (g *group[W]) add(now time.Time, target string, urgent bool, w W, bytes func(string) int) bool {
	g.lastAdd = now
	s := g.slots[target]
	if s == nil {
		s = &Slot[W]{Target: target, since: now, urgent: urgent, bytes: bytes(target), Waiters: []W{w}}
		g.slots[target] = s
		g.bytes += s.bytes
		g.queue(urgent).push(s)
		return true
	}
	s.Waiters = append(s.Waiters, w)
	if urgent && !s.urgent {
		moved := *s
		s.gone = true // the bulk queue passes over it
		moved.urgent, moved.since = true, now
		g.slots[target] = &moved
		g.urgent.push(&moved)
	}
	return false
}

func (g *group[W]) queue(urgent bool) *queue[W] {
	if urgent {
		return &g.urgent
	}
	return &g.bulk
}

func (g *group[W]) full(limit, maxBytes int) bool {
	return len(g.slots) >= limit || g.bytes >= maxBytes
}

// take removes up to limit targets and maxBytes, interactive ones first, each queue in its order.
// A single target larger than maxBytes goes alone.
func (g *group[W]) take(limit, maxBytes int) *Batch[W] {
	n := min(limit, len(g.slots))
	batch := &Batch[W]{Group: g.key, Slots: make([]*Slot[W], 0, n)}
	share := maxBytes
	for _, q := range []*queue[W]{&g.urgent, &g.bulk} {
		for len(batch.Slots) < n {
			s := q.front()
			if s == nil {
				break
			}
			if s.bytes > share && len(batch.Slots) > 0 {
				return batch
			}
			q.pop()
			delete(g.slots, s.Target)
			g.bytes -= s.bytes
			share -= s.bytes
			batch.Slots = append(batch.Slots, s)
			batch.Urgent = batch.Urgent || s.urgent
		}
	}
	return batch
}

func (g *group[W]) remove(drop func(W) bool) int {
	left := 0
	for target, s := range g.slots {
		s.drop(drop)
		if len(s.Waiters) > 0 {
			continue
		}
		s.gone = true
		g.bytes -= s.bytes
		delete(g.slots, target)
		left++
	}
	return left
}

func (s *Slot[W]) drop(drop func(W) bool) {
	s.Waiters = slices.DeleteFunc(s.Waiters, drop)
}

// queue is a first-in, first-out line of slots; those marked gone are passed over.
type queue[W any] struct{ line []*Slot[W] }

func (q *queue[W]) push(s *Slot[W]) {
	q.line = append(q.line, s)
}

// front is the first slot that is not gone, nil when there is none.
func (q *queue[W]) front() *Slot[W] {
	for len(q.line) > 0 && q.line[0].gone {
		q.line[0] = nil
		q.line = q.line[1:]
	}
	if len(q.line) == 0 {
		q.line = nil
		return nil
	}
	return q.line[0]
}

func (q *queue[W]) pop() {
	q.line[0] = nil
	q.line = q.line[1:]
}
