package batcher_test

import (
	"slices"
	"testing"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/purge"
)

func TestBatcher_PausedLanesAreNotSent(t *testing.T) {
	b := limited(3, 1000)
	b.Add(at(0), urls("zone-a"), interactive, "u1", "r")
	b.Add(at(0), urls("zone-a"), bulk, "b1", "r")
	b.Add(at(0), urls("zone-b"), interactive, "u2", "r")
	b.Add(at(0), urls("zone-b"), interactive, "u3", "r")
	b.Pause(interactive, true)
	wantBatch(t, b.Next(at(much)), "b1=r")
	wantBatch(t, b.Next(at(much)), "none")
	if at, ok := b.When(at(much)); ok {
		t.Errorf("something may go at %v, want nothing while it is paused", at)
	}
	b.Add(at(much), urls("zone-a"), bulk, "b2", "r")
	b.Pause(bulk, true)
	b.Pause(interactive, false)
	wantBatch(t, b.Next(at(much+1)), "u1=r")
	batch := b.Next(at(much + 1))
	wantBatch(t, batch, "u2=r u3=r")
	b.Return(batch, at(much))
	b.Pause(interactive, true)
	wantBatch(t, b.Next(at(2*much)), "none")
	b.Pause(bulk, false)
	b.Pause(interactive, false)
	wantBatch(t, b.Next(at(2*much)), "u2=r u3=r")
	wantBatch(t, b.Next(at(2*much)), "b2=r")
}

func TestBatcher_PausedBisectionsWait(t *testing.T) {
	b := limited(3, 1000)
	for _, target := range []string{"x", "y"} {
		b.Add(at(0), urls("zone-a"), bulk, target, "r")
	}
	b.Bisect(b.Next(at(much)))
	b.Pause(bulk, true)
	wantBatch(t, b.Next(at(much)), "none")
	b.Pause(bulk, false)
	wantBatch(t, b.Next(at(much)), "x=r")
}

func TestBatcher_TellsWhoWaitsInAZone(t *testing.T) {
	b := limited(2, 1000)
	visited := func(zone string) []string {
		var all []string
		b.Each("main", zone, purge.URL, func(w string) { all = append(all, w) })
		slices.Sort(all)
		return all
	}
	other := urls("zone-a")
	other.Method = "delete"
	for i, g := range []batcher.Group{urls("zone-a"), urls("zone-a"), urls("zone-a"), urls("zone-a"), urls("zone-a"), other, urls("zone-b")} {
		b.Add(at(0), g, bulk, string(rune('a'+i)), string(rune('a'+i)))
	}
	b.Add(at(0), other, interactive, "f", "twin")
	want := []string{"a", "b", "c", "d", "e", "f", "twin"}
	check := func(what string) {
		t.Helper()
		if got := visited("zone-a"); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
		if got := b.WaitingOf("main", "zone-a", purge.URL); got != 6 {
			t.Errorf("%s: got %d targets, want 6", what, got)
		}
		if got := b.WaitersOf("main", "zone-a", purge.URL); got != len(want) {
			t.Errorf("%s: got %d waiters, want %d", what, got, len(want))
		}
	}
	check("in line")
	b.Hold("main", "zone-b", purge.URL, at(much))
	var out []*batcher.Batch[string]
	for batch := b.Next(at(100)); batch != nil; batch = b.Next(at(100)) {
		out = append(out, batch)
	}
	if got := b.WaitingOf("main", "zone-a", purge.URL); got != 0 || len(visited("zone-a")) != 0 {
		t.Errorf("got %d targets of batches that are out, want none", got)
	}
	for i, batch := range out {
		if i%2 == 0 && b.Bisect(batch) {
			continue
		}
		b.Return(batch, at(200))
	}
	check("come back")
	if got := visited("zone-b"); !slices.Equal(got, []string{"g"}) {
		t.Errorf("zone-b: got %v", got)
	}
}
