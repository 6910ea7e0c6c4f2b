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
	lastAdd time.Time
	waiters int // of all slots

	ofUrgent, ofBulk item[W]
	changed          bool // since it was classified
}

func newGroup[W any](key Group) *group[W] {
	g := &group[W]{key: key, slots: make(map[string]*Slot[W])}
	g.ofUrgent.group, g.ofBulk.group = g, g
	return g
}

// add reports whether the target is new in the group. A bulk target for which an interactive
// request comes moves to the interactive queue, as if it had come with it.
func (g *group[W]) add(now time.Time, target string, urgent bool, w W, bytes func(string) int) bool {
	g.lastAdd = now
	g.waiters++
	s := g.slots[target]
	if s == nil {
		s = &Slot[W]{Target: target, since: now, urgent: urgent, bytes: bytes(target), Waiters: []W{w}}
		g.slots[target] = s
		g.queue(urgent).push(s)
		return true
	}
	s.Waiters = append(s.Waiters, w)
	if urgent && !s.urgent {
		g.promote(s, now)
	}
	return false
}

func (g *group[W]) promote(s *Slot[W], now time.Time) {
	moved := *s
	g.bulk.lose(s)
	moved.urgent, moved.since = true, now
	g.slots[s.Target] = &moved
	g.urgent.push(&moved)
}

// join takes a slot back that was in a batch, or its waiters beside those of the same target; it
// reports whether the target is new in the group.
func (g *group[W]) join(s *Slot[W]) bool {
	have := g.slots[s.Target]
	g.waiters += len(s.Waiters)
	if have == nil {
		g.slots[s.Target] = s
		g.queue(s.urgent).push(s)
		return true
	}
	have.Waiters = append(have.Waiters, s.Waiters...)
	if s.urgent && !have.urgent {
		g.promote(have, s.since)
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
	return len(g.slots) >= limit || g.urgent.bytes+g.bulk.bytes >= maxBytes
}

// crowded reports whether the interactive targets leave no room in a call for the first bulk one.
func (g *group[W]) crowded(first *Slot[W], limit, maxBytes int) bool {
	return g.urgent.live >= limit || g.urgent.live > 0 && g.urgent.bytes+first.bytes > maxBytes
}

// take removes up to limit targets and maxBytes, from one queue after the other, each in its order:
// the interactive one where urgent says so. A single target larger than maxBytes goes alone.
func (g *group[W]) take(limit, maxBytes int, urgent ...bool) *Batch[W] {
	n := min(limit, len(g.slots))
	slots := make([]*Slot[W], 0, n)
	share := maxBytes
	for _, u := range urgent {
		q := g.queue(u)
		for len(slots) < n {
			s := q.front()
			if s == nil {
				break
			}
			if s.bytes > share && len(slots) > 0 {
				return newBatch(g.key, slots)
			}
			q.pop()
			delete(g.slots, s.Target)
			g.waiters -= len(s.Waiters)
			share -= s.bytes
			slots = append(slots, s)
		}
	}
	return newBatch(g.key, slots)
}

func (g *group[W]) remove(drop func(W) bool) int {
	left := 0
	for target, s := range g.slots {
		before := len(s.Waiters)
		s.drop(drop)
		g.waiters -= before - len(s.Waiters)
		if len(s.Waiters) > 0 {
			continue
		}
		g.queue(s.urgent).lose(s)
		delete(g.slots, target)
		left++
	}
	return left
}

func (s *Slot[W]) drop(drop func(W) bool) {
	s.Waiters = slices.DeleteFunc(s.Waiters, drop)
}
