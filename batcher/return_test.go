package batcher_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/purge"
)

// filled is a batcher with targets of one letter each, all of one zone and lane.
func filled(lane purge.Lane, limit int, letters string) *batcher.Batcher[string] {
	b := limited(limit, 1000)
	for target := range strings.SplitSeq(letters, "") {
		b.Add(at(0), urls("zone-a"), lane, target, "r1")
	}
	return b
}

func TestBatcher_ReturnedBatchIsJoinedByNobody(t *testing.T) {
	for _, lane := range []purge.Lane{interactive, bulk} {
		t.Run(string(lane), func(t *testing.T) {
			b := filled(lane, 4, "xy")
			b.Return(b.Next(at(much)), at(0))
			b.Add(at(1), urls("zone-a"), lane, "x", "r2")
			b.Add(at(1), urls("zone-a"), lane, "z", "r2")
			if got := b.Waiting(); got != 4 {
				t.Errorf("got %d targets waiting, want 4: the two x are two (I4)", got)
			}
			wantBatch(t, b.Next(at(much)), "x=r1 y=r1")
			wantBatch(t, b.Next(at(much)), "x=r2 z=r2")
		})
	}
}

func TestBatcher_ReturnedBatchStaysWhole(t *testing.T) {
	limit := 3
	b := batcher.New[string](batcher.Config{
		Limit: func(batcher.Group) int { return limit },
		Bytes: func(string) int { return 1 }, MaxBytes: 3,
	})
	for _, target := range []string{"a", "b", "c", "d"} {
		b.Add(at(0), urls("zone-a"), bulk, target, "r1")
	}
	b.Return(b.Next(at(0)), at(0))
	limit = 1
	wantBatch(t, b.Next(at(0)), "a=r1 b=r1 c=r1")
}

func TestBatcher_ReturnedBatchWaitsForItsTime(t *testing.T) {
	b := filled(interactive, 4, "x")
	first := b.Next(at(10))
	for tries := 1; tries <= 3; tries++ {
		due := at(1000 * tries)
		b.Return(first, due)
		if got := b.Waiting(); got != 1 {
			t.Errorf("got %d targets waiting, want 1", got)
		}
		wantBatch(t, b.Next(due.Add(-1)), "none")
		if got, ok := b.When(at(0)); !ok || !got.Equal(due) {
			t.Errorf("got a batch at %v, %t, want it at %v", got, ok, due)
		}
		again := b.Next(due)
		if again == nil || again.Tries != tries || !again.Urgent || !again.Since.Equal(at(0)) {
			t.Fatalf("got %+v, want the batch with %d tries", again, tries)
		}
		if got := b.Waiting(); got != 0 {
			t.Errorf("got %d targets waiting while the batch is out, want 0", got)
		}
	}
}

func TestBatcher_ReturnedBatchesKeepTheirOrder(t *testing.T) {
	b := filled(bulk, 1, "abc")
	first, second, third := b.Next(at(0)), b.Next(at(0)), b.Next(at(0))
	b.Return(first, at(50))
	b.Return(second, at(0))
	b.Return(third, at(0))
	wantBatch(t, b.Next(at(10)), "b=r1")
	wantBatch(t, b.Next(at(60)), "a=r1")
	wantBatch(t, b.Next(at(60)), "c=r1")
}

func TestBatch_HalvesCarryWhatTheyHold(t *testing.T) {
	b := limited(5, 1000)
	for i, target := range []string{"d", "e"} {
		b.Add(at(i), urls("zone-a"), bulk, target, "r1")
	}
	for i, target := range []string{"a", "b", "c"} {
		b.Add(at(5+i), urls("zone-a"), interactive, target, "r2")
	}
	whole := b.Next(at(much))
	whole.Tries = 7
	left, right := whole.Halve()
	wantBatch(t, left, "a=r2 b=r2")
	wantBatch(t, right, "c=r2 d=r1 e=r1")
	if !left.Since.Equal(at(5)) || !right.Since.Equal(at(7)) {
		t.Errorf("got halves since %v and %v, want %v and %v", left.Since, right.Since, at(5), at(7))
	}
	one, rest := right.Halve()
	wantBatch(t, one, "c=r2")
	wantBatch(t, rest, "d=r1 e=r1")
	for _, test := range []struct {
		part *batcher.Batch[string]
		want bool
	}{{left, true}, {right, true}, {one, true}, {rest, false}} {
		if p := test.part; p.Urgent != test.want || p.Group != whole.Group || p.Tries != 0 {
			t.Errorf("got %+v for %q, want urgent %t and no tries (I8)", p, show(p), test.want)
		}
	}
	left.Slots = append(left.Slots, rest.Slots...)
	wantBatch(t, right, "c=r2 d=r1 e=r1")
}

func TestBatcher_TakesHalvesBack(t *testing.T) {
	b := filled(bulk, 5, "abcde")
	left, right := b.Next(at(0)).Halve()
	b.Return(left, at(0))
	b.Return(right, at(0))
	if got := b.Waiting(); got != 5 {
		t.Errorf("got %d targets waiting, want 5", got)
	}
	wantBatch(t, b.Next(at(0)), "a=r1 b=r1")
	wantBatch(t, b.Next(at(0)), "c=r1 d=r1 e=r1")
}

func TestBatch_RemoveLeavesTheRest(t *testing.T) {
	b := limited(5, 1000)
	b.Add(at(0), urls("zone-a"), interactive, "a", "r1")
	b.Add(at(1), urls("zone-a"), bulk, "b", "r1")
	b.Add(at(2), urls("zone-a"), bulk, "b", "r2")
	b.Add(at(3), urls("zone-a"), bulk, "c", "r3")
	batch := b.Next(at(much))
	if got := batch.Remove(func(w string) bool { return w == "r1" }); got != 1 {
		t.Errorf("got %d targets removed, want 1", got)
	}
	wantBatch(t, batch, "b=r2 c=r3")
	if batch.Urgent || !batch.Since.Equal(at(1)) {
		t.Errorf("got urgent %t since %v, want bulk since %v: the urgent target is gone", batch.Urgent, batch.Since, at(1))
	}
	if got := batch.Remove(func(string) bool { return true }); got != 2 || len(batch.Slots) != 0 {
		t.Errorf("got %d removed and %d left, want 2 and 0", got, len(batch.Slots))
	}
}

func TestBatcher_HoldsByAccountZoneAndType(t *testing.T) {
	held := batcher.Group{Account: "main", Zone: "zone-a", Type: purge.Tag, Hosts: "a.test"}
	groups := map[string]batcher.Group{
		"same":          held,
		"other hosts":   {Account: "main", Zone: "zone-a", Type: purge.Tag, Hosts: "b.test"},
		"other method":  {Account: "main", Zone: "zone-a", Type: purge.Tag, Method: "delete"},
		"other account": {Account: "spare", Zone: "zone-a", Type: purge.Tag},
		"other zone":    {Account: "main", Zone: "zone-b", Type: purge.Tag},
		"other type":    {Account: "main", Zone: "zone-a", Type: purge.URL},
	}
	b := limited(9, 1000)
	b.Hold(held.Account, held.Zone, held.Type, at(500))
	for name, g := range groups {
		b.Add(at(0), g, interactive, name, "r")
	}
	got := drain(b, at(499))
	want := map[string]bool{"other account": true, "other zone": true, "other type": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("given while held (-want +got):\n%s", diff)
	}
	if due, ok := b.When(at(499)); !ok || !due.Equal(at(500)) {
		t.Errorf("got a batch at %v, %t, want it at the end of the hold", due, ok)
	}
	got = drain(b, at(500))
	want = map[string]bool{"same": true, "other hosts": true, "other method": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("given after the hold (-want +got):\n%s", diff)
	}
}

// drain takes all that may be sent and gives the targets.
func drain(b *batcher.Batcher[string], now time.Time) map[string]bool {
	targets := make(map[string]bool)
	for batch := b.Next(now); batch != nil; batch = b.Next(now) {
		for _, s := range batch.Slots {
			targets[s.Target] = true
		}
	}
	return targets
}

func TestBatcher_HoldKeepsReturnedBatchesToo(t *testing.T) {
	b := filled(interactive, 4, "x")
	batch := b.Next(at(10))
	g := batch.Group
	b.Hold(g.Account, g.Zone, g.Type, at(300))
	b.Return(batch, at(100))
	b.Add(at(20), g, interactive, "y", "r2")
	wantBatch(t, b.Next(at(299)), "none")
	if due, ok := b.When(at(20)); !ok || !due.Equal(at(300)) {
		t.Errorf("got a batch at %v, %t, want it at the end of the hold", due, ok)
	}
	b.Return(b.Next(at(300)), at(400)) // the hold does not shorten what the batch has to wait
	wantBatch(t, b.Next(at(300)), "y=r2")
	wantBatch(t, b.Next(at(399)), "none")
	wantBatch(t, b.Next(at(400)), "x=r1")
}

func TestBatcher_HoldIsTakenBack(t *testing.T) {
	for name, until := range map[string]time.Time{"by a time in the past": at(1), "by now": at(20), "by none": {}} {
		t.Run(name, func(t *testing.T) {
			b := filled(interactive, 4, "x")
			g := urls("zone-a")
			b.Hold(g.Account, g.Zone, g.Type, at(much))
			wantBatch(t, b.Next(at(20)), "none")
			b.Hold(g.Account, g.Zone, g.Type, until)
			wantBatch(t, b.Next(at(20)), "x=r1")
		})
	}
}
