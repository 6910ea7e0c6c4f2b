package batcher_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/purge"
)

// naive is the batcher without an index: it looks at everything each time. It has no bisection.
type naive struct {
	model

	limits map[batcher.Group]int
	born   map[batcher.Group]int // when a line came to be, to tell equals apart
	seq    int
	resend []*naiveBatch
	passed int
}

type naiveBatch struct {
	group     batcher.Group
	entries   []entry
	notBefore time.Time
	tries     int
}

// naiveItem is what could be sent.
type naiveItem struct {
	batch *naiveBatch
	group batcher.Group
	since time.Time
	ripe  bool
	seq   int
}

func (a naiveItem) before(b naiveItem) bool {
	switch {
	case a.ripe != b.ripe:
		return a.ripe
	case !a.since.Equal(b.since):
		return a.since.Before(b.since)
	case (a.batch != nil) != (b.batch != nil):
		return a.batch != nil
	}
	return a.seq < b.seq
}

// use has the model go by the limit of a group.
func (n *naive) use(g batcher.Group) *line {
	n.limit = n.limits[g]
	return n.lines[g]
}

func (n *naive) Add(now time.Time, g batcher.Group, urgent bool, target string, w int) {
	if l := n.use(g); len(l.urgent)+len(l.bulk) == 0 {
		n.seq++
		n.born[g] = n.seq
	}
	n.add(now, g, urgent, target, w)
}

// look gives the best candidates of both lanes, and the time of the next.
func (n *naive) look(now time.Time) (urgent, bulkOnly *naiveItem, next time.Time) {
	offer := func(it naiveItem, isUrgent bool, from time.Time) {
		until := n.held[batcher.Group{Account: it.group.Account, Zone: it.group.Zone, Type: it.group.Type}]
		if until.After(from) {
			from = until
		}
		if from.After(now) {
			if next.IsZero() || from.Before(next) {
				next = from
			}
			return
		}
		best := &bulkOnly
		if isUrgent {
			best = &urgent
		}
		if *best == nil || it.before(**best) {
			*best = &it
		}
	}
	for i, r := range n.resend {
		p := pressing(r.entries)
		offer(naiveItem{batch: r, group: r.group, since: p.since, ripe: true, seq: i}, p.urgent, r.notBefore)
	}
	for g := range n.lines {
		l := n.use(g)
		full := n.full(l)
		if len(l.urgent) > 0 {
			from := l.urgent[0].since
			if !full {
				from = from.Add(linger)
			}
			offer(naiveItem{group: g, since: l.urgent[0].since, ripe: true, seq: n.born[g]}, true, from)
		}
		if len(l.bulk) > 0 && (len(l.urgent) == 0 || len(n.take(l, true)) <= len(l.urgent)) {
			since := l.bulk[0].since
			from, due := l.lastAdd.Add(quiet), since.Add(maxQuiet)
			switch {
			case full:
				from = since
			case due.Before(from):
				from = due
			}
			offer(naiveItem{group: g, since: since, ripe: full || !due.After(now), seq: n.born[g]}, false, from)
		}
	}
	return urgent, bulkOnly, next
}

func (n *naive) When(now time.Time) (time.Time, bool) {
	urgent, bulkOnly, next := n.look(now)
	if urgent != nil || bulkOnly != nil {
		return now, true
	}
	return next, !next.IsZero()
}

func (n *naive) Next(now time.Time) *naiveBatch {
	urgent, bulkOnly, _ := n.look(now)
	pick := urgent
	if urgent == nil || bulkOnly != nil && n.passed >= 9 {
		pick = bulkOnly
	}
	if pick == nil {
		return nil
	}
	if n.passed++; pick != urgent || bulkOnly == nil {
		n.passed = 0
	}
	if pick.batch != nil {
		n.resend = slices.DeleteFunc(n.resend, func(r *naiveBatch) bool { return r == pick.batch })
		return pick.batch
	}
	l := n.use(pick.group)
	batch := &naiveBatch{group: pick.group, entries: n.take(l, pick == urgent)}
	given := func(e entry) bool { return find(batch.entries, e.target) >= 0 }
	l.urgent, l.bulk = slices.DeleteFunc(l.urgent, given), slices.DeleteFunc(l.bulk, given)
	return batch
}

// pair is the batcher and the naive one, which get the same calls.
type pair struct {
	b      *batcher.Batcher[int]
	n      naive
	groups []batcher.Group
	now    time.Time
	next   int // number of the next waiter
	out    []*batcher.Batch[int]
	like   []*naiveBatch // of these
}

func newPair(t *rapid.T) *pair {
	p := &pair{now: at(0), n: naive{limits: make(map[batcher.Group]int), born: make(map[batcher.Group]int)}}
	p.n.model = model{
		maxBytes: rapid.IntRange(3, 8).Draw(t, "max bytes"),
		lines:    make(map[batcher.Group]*line), held: make(map[batcher.Group]time.Time),
	}
	for _, zone := range []string{"zone-a", "zone-b", "zone-c"} {
		for _, hosts := range []string{"", "a.test"} {
			g := batcher.Group{Account: "main", Zone: zone, Type: purge.Tag, Hosts: hosts}
			p.groups = append(p.groups, g)
			p.n.lines[g] = &line{}
			p.n.limits[g] = rapid.IntRange(1, 5).Draw(t, "limit")
		}
	}
	p.b = batcher.New[int](batcher.Config{
		Limit: func(g batcher.Group) int { return p.n.limits[g] },
		Bytes: func(target string) int { return len(target) }, MaxBytes: p.n.maxBytes,
		Linger: linger, Quiet: quiet, MaxQuiet: maxQuiet,
	})
	return p
}

func (p *pair) add(t *rapid.T) {
	g := rapid.SampledFrom(p.groups).Draw(t, "group")
	lane := rapid.SampledFrom([]purge.Lane{interactive, bulk, bulk}).Draw(t, "lane")
	for _, target := range rapid.SliceOfN(rapid.StringMatching(`[ab]{1,3}|x{9}`), 1, 6).Draw(t, "targets") {
		p.b.Add(p.now, g, lane, target, p.next)
		p.n.Add(p.now, g, lane == interactive, target, p.next)
		p.next++
	}
}

func (p *pair) pass(t *rapid.T) {
	p.now = p.now.Add(time.Duration(rapid.SampledFrom([]int{1, 2, 19, 20, 100, 250}).Draw(t, "ms")) * time.Millisecond)
}

func (p *pair) hold(t *rapid.T) {
	g := rapid.SampledFrom(p.groups).Draw(t, "held")
	until := p.now.Add(time.Duration(rapid.IntRange(-5, 200).Draw(t, "for")) * time.Millisecond)
	p.setHold(g, until)
}

func (p *pair) setHold(g batcher.Group, until time.Time) {
	p.b.Hold(g.Account, g.Zone, g.Type, until)
	p.n.held[batcher.Group{Account: g.Account, Zone: g.Zone, Type: g.Type}] = until
}

// read changes a limit, as when quotas are read, after which the type is let go.
func (p *pair) read(t *rapid.T) {
	g := rapid.SampledFrom(p.groups).Draw(t, "read")
	p.n.limits[g] = rapid.IntRange(1, 5).Draw(t, "limit")
	p.setHold(g, time.Time{})
}

// rise raises a limit without a word.
func (p *pair) rise(t *rapid.T) {
	p.n.limits[rapid.SampledFrom(p.groups).Draw(t, "raised")]++
}

func (p *pair) giveBack(t *rapid.T) {
	if len(p.out) == 0 {
		t.Skip("nothing on the wire")
	}
	i := rapid.IntRange(0, len(p.out)-1).Draw(t, "batch")
	notBefore := p.now.Add(time.Duration(rapid.IntRange(-10, 100).Draw(t, "backoff")) * time.Millisecond)
	p.b.Return(p.out[i], notBefore)
	p.like[i].notBefore = notBefore
	p.like[i].tries++
	p.n.resend = append(p.n.resend, p.like[i])
	p.out, p.like = slices.Delete(p.out, i, i+1), slices.Delete(p.like, i, i+1)
}

func (p *pair) remove(t *rapid.T) {
	salt := rapid.IntRange(2, 5).Draw(t, "one in")
	gone := func(w int) bool { return w%salt == 0 }
	p.b.Remove(gone)
	for _, l := range p.n.lines {
		l.urgent, _ = drop(l.urgent, gone)
		l.bulk, _ = drop(l.bulk, gone)
	}
	for _, r := range p.n.resend {
		r.entries, _ = drop(r.entries, gone)
	}
	p.n.resend = slices.DeleteFunc(p.n.resend, func(r *naiveBatch) bool { return len(r.entries) == 0 })
}

// call compares what both give.
func (p *pair) call(t *rapid.T) {
	got, ok := p.b.When(p.now)
	want, wantOK := p.n.When(p.now)
	if ok != wantOK || !got.Equal(want) {
		t.Fatalf("When says %v, %t, want %v, %t", got, ok, want, wantOK)
	}
	batch, like := p.b.Next(p.now), p.n.Next(p.now)
	if batch == nil && like == nil {
		return
	}
	if batch == nil || like == nil || batch.Group != like.group || batch.Tries != like.tries {
		t.Fatalf("got batch %+v, want %+v", batch, like)
	}
	wantEntries(t, batch, like.entries)
	p.out, p.like = append(p.out, batch), append(p.like, like)
}

func TestBatcher_IsLikeANaiveOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPair(t)
		t.Repeat(map[string]func(*rapid.T){
			"add": p.add, "add more": p.add, "pass": p.pass, "hold": p.hold, "read": p.read, "rise": p.rise,
			"call": p.call, "call again": p.call, "give back": p.giveBack, "remove": p.remove,
		})
		for p.now = p.now.Add(time.Hour); p.b.Waiting() > 0; {
			p.call(t)
		}
		for _, g := range p.groups {
			p.setHold(g, time.Time{})
		}
		if got := p.b.Kept(); got != 0 {
			t.Fatalf("got %d things kept for nothing (I5)", got)
		}
	})
}
