package main

import (
	"reflect"
	"slices"
	"testing"

	"github.com/edgepurge/edgepurge/purge"
)

// drawn takes messages that don't depend on the clock.
func drawn(seed uint64, n int) []message {
	l := newLoad(seed)
	var list []message
	for range n {
		if m := l.next(); m.Want != wantInTime {
			list = append(list, m)
		}
	}
	return list
}

func TestLoad_FollowsFromTheSeed(t *testing.T) {
	t.Parallel()
	if !reflect.DeepEqual(drawn(3, 500), drawn(3, 500)) {
		t.Error("the same seed drew other messages")
	}
	if reflect.DeepEqual(drawn(3, 500), drawn(4, 500)) {
		t.Error("another seed drew the same messages")
	}
}

// What the load says of a message is what a worker reads in it.
func TestLoad_SaysWhatItsMessagesAre(t *testing.T) {
	t.Parallel()
	seen := make(map[want]int)
	bodies := make(map[string]string)
	repeated, reused := 0, 0
	for _, m := range drawn(5, 8000) {
		seen[m.Want]++
		r, err := purge.Decode(m.body, m.contentType)
		id := purge.PickID(r, m.Source, m.msgID)
		if m.Want == wantRejected {
			continue
		}
		if err != nil || id != m.ID || len(r.Targets) != m.Total {
			t.Fatalf("message %d: read as %q with %d targets, %v; want %q with %d", m.N, id, len(r.Targets), err, m.ID, m.Total)
		}
		canonical := make(map[string]bool)
		for _, target := range r.Targets {
			if c, err := purge.Canonical(r.Type, target); err == nil {
				canonical[c] = true
			}
		}
		for _, target := range m.Targets {
			if !canonical[target] {
				t.Fatalf("message %d: %s is none of its targets", m.N, target)
			}
		}
		if before, ok := bodies[m.Source+"/"+m.ID]; ok && m.ID != "" {
			if before == string(m.body) {
				repeated++
			} else {
				reused++
			}
			continue
		}
		bodies[m.Source+"/"+m.ID] = string(m.body)
	}
	for _, w := range []want{wantCompleted, wantPartial, wantRejected, wantRefused} {
		if seen[w] == 0 {
			t.Errorf("no message wants %s", w)
		}
	}
	if repeated == 0 || reused == 0 {
		t.Errorf("%d repeats and %d reused ids, want some of both", repeated, reused)
	}
}

func TestLoad_IsLargeAndSmall(t *testing.T) {
	t.Parallel()
	var sizes []int
	for _, m := range drawn(6, 5000) {
		sizes = append(sizes, m.Total)
	}
	slices.Sort(sizes)
	if median, most := sizes[len(sizes)/2], sizes[len(sizes)-1]; median != 1 || most < 300 || most > 701 {
		t.Errorf("median %d and most %d targets, want 1 and up to 700", median, most)
	}
}
