package batcher_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/purge"
)

// hunter sends random targets, some of them bad, to an API that refuses each call with a bad one, while
// calls meet what else there is: errors that pass, expiry, halving, refusals of the whole batch.
type hunter struct {
	b      *batcher.Batcher[int]
	groups []batcher.Group
	limit  int
	now    time.Time
	bad    map[string]bool
	of     []string // target by waiter
	ends   map[int]string
	out    []*batcher.Batch[int]
}

func newHunter(t *rapid.T) *hunter {
	h := &hunter{
		now: at(0), limit: rapid.IntRange(1, 40).Draw(t, "limit"), ends: make(map[int]string), bad: make(map[string]bool),
		groups: []batcher.Group{urls("zone-a"), urls("zone-b")},
	}
	for _, hosts := range []string{"", "a.test"} {
		h.groups = append(h.groups, batcher.Group{Account: "main", Zone: "zone-a", Type: purge.Tag, Hosts: hosts})
	}
	h.b = batcher.New[int](batcher.Config{
		Limit: func(batcher.Group) int { return h.limit },
		Bytes: func(target string) int { return len(target) }, MaxBytes: 60,
		Linger: linger, Quiet: quiet, MaxQuiet: maxQuiet,
	})
	for _, target := range rapid.SliceOfN(rapid.StringMatching(`[a-e]{1,2}`), 0, 15).Draw(t, "bad") {
		h.bad[target] = true
	}
	return h
}

func (h *hunter) add(t *rapid.T) {
	g := rapid.SampledFrom(h.groups).Draw(t, "group")
	lane := rapid.SampledFrom([]purge.Lane{interactive, bulk, bulk}).Draw(t, "lane")
	for _, target := range rapid.SliceOfN(rapid.StringMatching(`[a-e]{1,2}`), 1, 25).Draw(t, "targets") {
		h.b.Add(h.now, g, lane, target, len(h.of))
		h.of = append(h.of, target)
	}
}

func (h *hunter) pass(t *rapid.T) {
	h.now = h.now.Add(time.Duration(rapid.SampledFrom([]int{1, 20, 250}).Draw(t, "ms")) * time.Millisecond)
}

func (h *hunter) hold(t *rapid.T) {
	g := rapid.SampledFrom(h.groups).Draw(t, "held")
	until := h.now.Add(time.Duration(rapid.IntRange(-5, 200).Draw(t, "for")) * time.Millisecond)
	h.b.Hold(g.Account, g.Zone, g.Type, until)
}

func (h *hunter) requota(t *rapid.T) { h.limit = rapid.IntRange(1, 40).Draw(t, "limit") }

// call sends a batch, and looks at what it carries.
func (h *hunter) call(t *rapid.T) {
	when, ok := h.b.When(h.now)
	batch := h.b.Next(h.now)
	if got := ok && !when.After(h.now); got != (batch != nil) {
		t.Fatalf("When says %t, Next gives %v", got, batch)
	}
	if batch == nil {
		return
	}
	seen := make(map[string]bool)
	for _, s := range batch.Slots {
		if seen[s.Target] {
			t.Fatalf("got %s twice in one call", s.Target)
		}
		seen[s.Target] = true
	}
	for _, o := range h.out {
		if batch.IsProbe() && o.IsProbe() && o.Group.Zone == batch.Group.Zone {
			t.Fatalf("got a second probe of %s while one is out", o.Group.Zone)
		}
	}
	h.out = append(h.out, batch)
}

func (h *hunter) receive(t *rapid.T) *batcher.Batch[int] {
	if len(h.out) == 0 {
		t.Skip("nothing on the wire")
	}
	i := rapid.IntRange(0, len(h.out)-1).Draw(t, "batch")
	batch := h.out[i]
	h.out = slices.Delete(h.out, i, i+1)
	return batch
}

// answer is what the API says to a call.
func (h *hunter) answer(t *rapid.T) { h.judge(t, h.receive(t)) }

func (h *hunter) judge(t *rapid.T, batch *batcher.Batch[int]) {
	sunk := slices.ContainsFunc(batch.Slots, func(s *batcher.Slot[int]) bool { return h.bad[s.Target] })
	switch {
	case !sunk:
		h.b.Cleared(batch)
		h.end(t, batch, "accepted")
	case !h.b.Bisect(batch):
		if len(batch.Slots) != 1 {
			t.Fatalf("got a batch of %d for found, want one target", len(batch.Slots))
		}
		h.end(t, batch, "refused")
	}
}

func (h *hunter) end(t *rapid.T, batch *batcher.Batch[int], how string) {
	for _, s := range batch.Slots {
		for _, w := range s.Waiters {
			h.endOf(t, w, how)
		}
	}
}

func (h *hunter) endOf(t *rapid.T, w int, how string) {
	if was := h.ends[w]; was != "" {
		t.Fatalf("waiter %d was %s, and is now %s", w, was, how)
	}
	h.ends[w] = how
}

func (h *hunter) stumble(t *rapid.T) {
	batch := h.receive(t)
	notBefore := h.now.Add(time.Duration(rapid.IntRange(-10, 100).Draw(t, "backoff")) * time.Millisecond)
	if len(batch.Slots) > 1 && rapid.Bool().Draw(t, "halve") {
		left, right := batch.Halve()
		h.b.Return(left, notBefore)
		h.b.Return(right, notBefore)
		return
	}
	h.b.Return(batch, notBefore)
}

// part keeps some of a batch back that is sent otherwise, as when a day has room for some.
func (h *hunter) part(t *rapid.T) {
	batch := h.receive(t)
	n := rapid.IntRange(0, len(batch.Slots)-1).Draw(t, "first")
	h.b.Return(&batcher.Batch[int]{Group: batch.Group, Slots: batch.Slots[n:]}, h.now)
	if n > 0 {
		h.judge(t, &batcher.Batch[int]{Group: batch.Group, Slots: batch.Slots[:n:n]})
	}
}

func (h *hunter) refuseAll(t *rapid.T) {
	batch := h.receive(t)
	h.b.Drop(batch)
	h.end(t, batch, "dropped")
}

func (h *hunter) expire(t *rapid.T) {
	salt, rest := rapid.IntRange(2, 6).Draw(t, "one in"), rapid.IntRange(0, 5).Draw(t, "which")
	drop := func(w int) bool {
		if w%salt != rest {
			return false
		}
		h.endOf(t, w, "expired")
		return true
	}
	if len(h.out) == 0 || rapid.Bool().Draw(t, "in line") {
		h.b.Remove(drop)
		return
	}
	i := rapid.IntRange(0, len(h.out)-1).Draw(t, "batch")
	if h.out[i].Remove(drop); len(h.out[i].Slots) == 0 {
		h.out = slices.Delete(h.out, i, i+1)
	}
}

func (h *hunter) check(t *rapid.T) {
	if got, want := h.b.Waiting(), h.b.Counted(); got != want {
		t.Fatalf("got %d targets waiting, %d of them there", got, want)
	}
	for _, g := range h.groups {
		each := 0
		h.b.Each(g.Account, g.Zone, g.Type, func(int) { each++ })
		if got := h.b.WaitersOf(g.Account, g.Zone, g.Type); got != each {
			t.Fatalf("%s: WaitersOf gives %d, Each %d", g.Zone, got, each)
		}
	}
}

// drain answers all that is left.
func (h *hunter) drain(t *rapid.T) {
	for calls := 0; h.b.Waiting() > 0 || len(h.out) > 0; calls++ {
		h.now = h.now.Add(time.Second)
		h.call(t)
		if len(h.out) > 0 {
			batch := h.out[0]
			h.out = h.out[1:]
			h.judge(t, batch)
		}
		if h.check(t); calls > 20*len(h.of)+100 {
			t.Fatalf("%d targets wait after %d calls", h.b.Waiting(), calls)
		}
	}
	for w, target := range h.of {
		switch how := h.ends[w]; {
		case how == "":
			t.Fatalf("waiter %d has no end", w)
		case how == "accepted" && h.bad[target], how == "refused" && !h.bad[target]:
			t.Fatalf("%s is %s; bad are %s", target, how, strings.Join(slices.Sorted(maps.Keys(h.bad)), " "))
		}
	}
	for _, g := range h.groups {
		h.b.Hold(g.Account, g.Zone, g.Type, time.Time{})
	}
	if n := h.b.Kept(); n != 0 {
		t.Fatalf("got %d things kept for nothing (I5)", n)
	}
}

func TestBisection_AreFoundWhateverHappens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHunter(t)
		t.Repeat(map[string]func(*rapid.T){
			"": h.check, "add": h.add, "pass": h.pass, "hold": h.hold, "limit": h.requota, "call": h.call, "call again": h.call,
			"answer": h.answer, "answer again": h.answer, "answer once more": h.answer, "stumble": h.stumble, "part": h.part,
			"refuse all": h.refuseAll, "expire": h.expire,
		})
		h.drain(t)
	})
}
