package batcher_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/purge"
)

// returned is a batch in the resend queue as it must be: its targets in order and its time.
type returned struct {
	batch     *batcher.Batch[int]
	entries   []entry
	notBefore time.Time
}

// machine makes random calls of a batcher beside the same calls of the model.
type machine struct {
	b       *batcher.Batcher[int]
	model   model
	groups  []batcher.Group
	now     time.Time
	next    int // number of the next waiter
	resend  []returned
	out     []returned // on the wire
	ended   []int      // waiters whose target was accepted, or who were removed
	passes  int        // urgent calls given since bulk that could go had one
	targets *rapid.Generator[string]
}

func newMachine(t *rapid.T) *machine {
	m := &machine{now: at(0), targets: rapid.StringMatching(`[ab]{1,3}|x{9}`)}
	m.model = model{
		limit: rapid.IntRange(1, 4).Draw(t, "limit"), maxBytes: rapid.IntRange(3, 8).Draw(t, "max bytes"),
		lines: make(map[batcher.Group]*line), held: make(map[batcher.Group]time.Time),
	}
	m.groups = []batcher.Group{urls("zone-a"), urls("zone-b")}
	for _, hosts := range []string{"", "a.test"} {
		m.groups = append(m.groups, batcher.Group{Account: "main", Zone: "zone-a", Type: purge.Tag, Hosts: hosts})
	}
	for _, g := range m.groups {
		m.model.lines[g] = &line{}
	}
	m.b = batcher.New[int](batcher.Config{
		Limit: func(batcher.Group) int { return m.model.limit },
		Bytes: func(target string) int { return len(target) }, MaxBytes: m.model.maxBytes,
		Linger: linger, Quiet: quiet, MaxQuiet: maxQuiet,
	})
	return m
}

func (m *machine) add(t *rapid.T) {
	g := rapid.SampledFrom(m.groups).Draw(t, "group")
	lane := rapid.SampledFrom([]purge.Lane{interactive, bulk, bulk}).Draw(t, "lane")
	for _, target := range rapid.SliceOfN(m.targets, 1, 6).Draw(t, "targets") {
		m.b.Add(m.now, g, lane, target, m.next)
		m.model.add(m.now, g, lane == interactive, target, m.next)
		m.next++
	}
}

// flood makes calls while interactive targets come faster than calls carry them.
func (m *machine) flood(t *rapid.T) {
	g := rapid.SampledFrom(m.groups).Draw(t, "flooded")
	for range rapid.IntRange(8, 25).Draw(t, "calls") {
		for _, target := range []string{"u1", "u2", "u3", "u4"} {
			m.b.Add(m.now, g, interactive, target, m.next)
			m.model.add(m.now, g, true, target, m.next)
			m.next++
		}
		m.call(t)
	}
}

func (m *machine) pass(t *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.SampledFrom([]int{1, 2, 19, 20, 100}).Draw(t, "ms")) * time.Millisecond)
}

func (m *machine) hold(t *rapid.T) {
	g := rapid.SampledFrom(m.groups).Draw(t, "held")
	until := m.now.Add(time.Duration(rapid.IntRange(-5, 200).Draw(t, "for")) * time.Millisecond)
	m.b.Hold(g.Account, g.Zone, g.Type, until)
	m.model.held[batcher.Group{Account: g.Account, Zone: g.Zone, Type: g.Type}] = until
}

// call asks for a batch, which goes on the wire.
func (m *machine) call(t *rapid.T) {
	urgent, since, bulkToo := m.ready()
	when, ok := m.b.When(m.now)
	batch := m.b.Next(m.now)
	if got := ok && !when.After(m.now); got != (batch != nil) || got != (urgent || bulkToo) {
		t.Fatalf("When says %t, Next gives %v, the model has urgent %t and bulk %t", got, batch, urgent, bulkToo)
	}
	if batch == nil {
		m.checkWhen(t, when, ok)
		return
	}
	aged := urgent && bulkToo && m.passes >= 9
	if m.passes++; !urgent || !bulkToo || aged {
		m.passes = 0
	}
	if urgent != batch.Urgent && !aged {
		t.Fatalf("got urgent %t, want %t: interactive first (I8)", batch.Urgent, urgent)
	}
	if urgent && !aged && !batch.Since.Equal(since) {
		t.Fatalf("got an urgent batch since %v, want the oldest, since %v", batch.Since, since)
	}
	m.out = append(m.out, m.taken(t, batch, !aged))
}

// ready returns what the model would have: an interactive target that may be sent, the oldest of such,
// and bulk for a call of its own.
func (m *machine) ready() (urgent bool, since time.Time, bulkToo bool) {
	offer := func(at time.Time) {
		if !urgent || at.Before(since) {
			urgent, since = true, at
		}
	}
	for _, g := range m.groups {
		if at, ok := m.model.urgentSince(m.now, g); ok {
			offer(at)
		}
		bulkToo = bulkToo || m.model.bulkMay(m.now, g)
	}
	for _, r := range m.resend {
		switch {
		case r.notBefore.After(m.now) || m.model.holds(m.now, r.batch.Group):
		case pressing(r.entries).urgent:
			offer(pressing(r.entries).since)
		default:
			bulkToo = true
		}
	}
	return urgent, since, bulkToo
}

// taken finds a batch in the model and takes it out there.
func (m *machine) taken(t *rapid.T, batch *batcher.Batch[int], urgentFirst bool) returned {
	if i := slices.IndexFunc(m.resend, func(r returned) bool { return r.batch == batch }); i >= 0 {
		r := m.resend[i]
		m.resend = slices.Delete(m.resend, i, i+1)
		if r.notBefore.After(m.now) {
			t.Fatalf("got %+v again at %v, want it not before %v", batch, m.now, r.notBefore)
		}
		wantEntries(t, batch, r.entries)
		return r
	}
	l := m.model.lines[batch.Group]
	r := returned{batch: batch, entries: m.model.take(l, urgentFirst)}
	wantEntries(t, batch, r.entries)
	given := func(e entry) bool { return find(r.entries, e.target) >= 0 }
	l.urgent, l.bulk = slices.DeleteFunc(l.urgent, given), slices.DeleteFunc(l.bulk, given)
	return r
}

func wantEntries(t *rapid.T, batch *batcher.Batch[int], want []entry) {
	got := make([]entry, len(batch.Slots))
	for i, s := range batch.Slots {
		got[i] = entry{target: s.Target, waiters: s.Waiters}
	}
	same := func(a, b entry) bool { return a.target == b.target && slices.Equal(a.waiters, b.waiters) }
	if !slices.EqualFunc(got, want, same) {
		t.Fatalf("got batch %v of %+v, want %v", got, batch.Group, want)
	}
	if p := pressing(want); batch.Urgent != p.urgent || !batch.Since.Equal(p.since) {
		t.Fatalf("got urgent %t since %v, want %t since %v", batch.Urgent, batch.Since, p.urgent, p.since)
	}
}

// checkWhen holds When to its word: a batch at the time it names, and none before.
func (m *machine) checkWhen(t *rapid.T, when time.Time, ok bool) {
	if !ok {
		if m.b.Waiting() > 0 {
			t.Fatalf("When knows no time for %d targets", m.b.Waiting())
		}
		return
	}
	now := m.now
	m.now = when.Add(-1)
	if urgent, _, bulkToo := m.ready(); urgent || bulkToo || m.b.Next(m.now) != nil {
		t.Fatalf("got a batch before %v, which When named", when)
	}
	if m.now = when; !when.After(now) {
		t.Fatalf("When names %v at %v, and there is no batch", when, now)
	}
	m.call(t)
}

// accept ends a batch on the wire.
func (m *machine) accept(t *rapid.T) {
	for _, e := range m.receive(t).entries {
		m.ended = append(m.ended, e.waiters...)
	}
}

// giveBack returns a batch from the wire, whole or in halves.
func (m *machine) giveBack(t *rapid.T) {
	r := m.receive(t)
	notBefore := m.now.Add(time.Duration(rapid.IntRange(-10, 100).Draw(t, "backoff")) * time.Millisecond)
	parts := []returned{r}
	if len(r.entries) > 1 && rapid.Bool().Draw(t, "halve") {
		left, right := r.batch.Halve()
		mid := len(left.Slots)
		parts = []returned{{batch: left, entries: r.entries[:mid]}, {batch: right, entries: r.entries[mid:]}}
		if want := len(r.entries) / 2; mid != want {
			t.Fatalf("got a half of %d, want %d", mid, want)
		}
		wantEntries(t, left, parts[0].entries)
		wantEntries(t, right, parts[1].entries)
	}
	for _, p := range parts {
		p.notBefore = notBefore
		m.b.Return(p.batch, notBefore)
		m.resend = append(m.resend, p)
	}
}

func (m *machine) receive(t *rapid.T) returned {
	if len(m.out) == 0 {
		t.Skip("nothing on the wire")
	}
	i := rapid.IntRange(0, len(m.out)-1).Draw(t, "batch")
	r := m.out[i]
	m.out = slices.Delete(m.out, i, i+1)
	return r
}

func (m *machine) remove(t *rapid.T) {
	salt := rapid.IntRange(2, 5).Draw(t, "one in")
	gone := func(w int) bool { return w%salt == 0 }
	waiting := m.inLine()
	var asked []int
	got := m.b.Remove(func(w int) bool {
		asked = append(asked, w)
		return gone(w)
	})
	slices.Sort(asked)
	if diff := cmp.Diff(waiting, asked); diff != "" {
		t.Fatalf("waiters asked (-want +got):\n%s", diff)
	}
	m.ended = append(m.ended, slices.DeleteFunc(waiting, func(w int) bool { return !gone(w) })...)
	want := 0
	cut := func(entries *[]entry) {
		left, dropped := drop(*entries, gone)
		*entries, want = left, want+dropped
	}
	for _, g := range m.groups {
		cut(&m.model.lines[g].urgent)
		cut(&m.model.lines[g].bulk)
	}
	for i := range m.resend {
		cut(&m.resend[i].entries)
	}
	m.resend = slices.DeleteFunc(m.resend, func(r returned) bool { return len(r.entries) == 0 })
	if got != want {
		t.Fatalf("got %d targets removed, want %d", got, want)
	}
}

// waiting gives all entries of the model that are not on the wire.
func (m *machine) waiting() []entry {
	var all []entry
	for l := range maps.Values(m.model.lines) {
		all = slices.Concat(all, l.urgent, l.bulk)
	}
	for _, r := range m.resend {
		all = append(all, r.entries...)
	}
	return all
}

// inLine gives the waiters of these, sorted.
func (m *machine) inLine() []int {
	var all []int
	for _, e := range m.waiting() {
		all = append(all, e.waiters...)
	}
	slices.Sort(all)
	return all
}

func (m *machine) check(t *rapid.T) {
	if got, want := m.b.Waiting(), len(m.waiting()); got != want {
		t.Fatalf("got %d targets waiting, want %d", got, want)
	}
	if got, most := m.b.Lined(), 2*m.b.Waiting()+2*len(m.groups); got > most {
		t.Fatalf("got %d places for %d targets, want at most %d (I5)", got, m.b.Waiting(), most)
	}
}

// end lets all go that is left, and looks for every waiter in exactly one place.
func (m *machine) end(t *rapid.T) {
	m.now = m.now.Add(time.Hour)
	for m.b.Waiting() > 0 {
		m.call(t)
	}
	for len(m.out) > 0 {
		for _, e := range m.out[0].entries {
			m.ended = append(m.ended, e.waiters...)
		}
		m.out = m.out[1:]
	}
	slices.Sort(m.ended)
	want := make([]int, m.next)
	for i := range want {
		want[i] = i
	}
	if !slices.Equal(m.ended, want) {
		t.Fatalf("got the ends of waiters %v, want each of %d once", m.ended, m.next)
	}
}

func TestBatcher_IsItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t)
		t.Repeat(map[string]func(*rapid.T){
			"": m.check, "add": m.add, "add more": m.add, "pass": m.pass, "flood": m.flood, "hold": m.hold, "call": m.call,
			"call again": m.call, "accept": m.accept, "give back": m.giveBack, "remove": m.remove,
		})
		m.end(t)
	})
}
