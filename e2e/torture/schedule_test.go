package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSchedule_FollowsFromTheSeed(t *testing.T) {
	t.Parallel()
	s := settle(7, time.Minute, 0)
	if diff := cmp.Diff(schedule(s), schedule(settle(7, time.Minute, 0))); diff != "" {
		t.Errorf("the same seed drew another schedule:\n%s", diff)
	}
	if cmp.Equal(schedule(s), schedule(settle(8, time.Minute, s.Nodes))) {
		t.Error("another seed drew the same schedule")
	}
}

func TestSchedule_StaysWithinTheRun(t *testing.T) {
	t.Parallel()
	seen := make(map[kind]bool)
	for seed := range uint64(40) {
		s := settle(seed, time.Minute, 0)
		last := time.Duration(0)
		for _, f := range schedule(s) {
			seen[f.Kind] = true
			if f.At < last || f.At+f.For > s.Length {
				t.Errorf("seed %d: %s at %v for %v, want it after %v and over by %v", seed, f.Kind, f.At, f.For, last, s.Length)
			}
			if s.Nodes == 1 && (f.Kind == killLeader || f.Kind == killAll) {
				t.Errorf("seed %d: %s with one server", seed, f.Kind)
			}
			last = f.At
		}
	}
	for _, c := range courses() {
		if !seen[c.kind] {
			t.Errorf("no schedule has %s", c.kind)
		}
	}
}

func TestSettle_CallerMayChooseTheServers(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{1, 3} {
		if got := settle(1, time.Minute, nodes).Nodes; got != nodes {
			t.Errorf("got %d servers, want %d", got, nodes)
		}
	}
}
