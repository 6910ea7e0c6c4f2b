package batcher

import (
	"container/heap"
	"time"
)

// item is something that could be sent: a group's interactive or bulk targets, a batch that came
// back, or the bisection of a group. One of the three is set.
type item[W any] struct {
	group     *group[W]
	batch     *Batch[W]
	bisection *bisection[W]

	seq   uint64 // order among equals: of arrival, for a bisection of its last turn
	hold  *hold[W]
	place int // in the hold

	heap  *itemHeap[W] // nil: nothing to send
	index int          // in the heap
	key   time.Time
}

// before ranks the items of a heap. Of two that are equally old, what came back goes first.
func (it *item[W]) before(o *item[W]) bool {
	if c := it.key.Compare(o.key); c != 0 {
		return c < 0
	}
	if back := it.batch != nil; back != (o.batch != nil) {
		return back
	}
	return it.seq < o.seq
}

// itemHeap has the items by key, the first on top.
type itemHeap[W any] struct{ items []*item[W] }

// Len, Less, Swap, Push and Pop are for package heap.
func (p *itemHeap[W]) Len() int { return len(p.items) }

func (p *itemHeap[W]) Less(i, j int) bool { return p.items[i].before(p.items[j]) }

func (p *itemHeap[W]) Swap(i, j int) {
	p.items[i], p.items[j] = p.items[j], p.items[i]
	p.items[i].index, p.items[j].index = i, j
}

func (p *itemHeap[W]) Push(x any) {
	if it, ok := x.(*item[W]); ok {
		it.index = len(p.items)
		p.items = append(p.items, it)
	}
}

func (p *itemHeap[W]) Pop() any {
	last := len(p.items) - 1
	it := p.items[last]
	p.items[last] = nil
	p.items = p.items[:last]
	return it
}

// top is the first item, nil when there is none.
func (p *itemHeap[W]) top() *item[W] {
	if len(p.items) == 0 {
		return nil
	}
	return p.items[0]
}

// put moves an item to a heap, or to its new place there; nil takes it out.
func (it *item[W]) put(p *itemHeap[W], key time.Time) {
	if it.heap == p && p != nil {
		it.key = key
		heap.Fix(p, it.index)
		return
	}
	if it.heap != nil {
		heap.Remove(it.heap, it.index)
	}
	it.heap, it.key = p, key
	if p != nil {
		heap.Push(p, it)
	}
}

// hold is what Hold keeps back together: the items of one zone's type.
type hold[W any] struct {
	until time.Time
	items []*item[W]
}

// enter makes an item known; leave makes it forgotten.
func (b *Batcher[W]) enter(g Group, it *item[W]) {
	key := Group{Account: g.Account, Zone: g.Zone, Type: g.Type}
	h := b.holds[key]
	if h == nil {
		h = &hold[W]{}
		b.holds[key] = h
	}
	it.hold, it.place, it.seq = h, len(h.items), b.turn()
	h.items = append(h.items, it)
}

func (b *Batcher[W]) leave(g Group, it *item[W]) {
	it.put(nil, time.Time{})
	h := it.hold
	last := len(h.items) - 1
	h.items[it.place] = h.items[last]
	h.items[it.place].place = it.place
	h.items[last] = nil
	h.items = h.items[:last]
	b.release(Group{Account: g.Account, Zone: g.Zone, Type: g.Type}, h)
}

// release forgets a hold that keeps nothing back.
func (b *Batcher[W]) release(key Group, h *hold[W]) {
	if len(h.items) == 0 && !h.until.After(b.now) {
		delete(b.holds, key)
	}
}

// turn is the next number in the order of coming.
func (b *Batcher[W]) turn() uint64 {
	b.seq++
	return b.seq
}
