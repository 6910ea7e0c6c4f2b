package batcher_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/purge"
)

// added is a target that comes at a moment, in milliseconds.
type added struct {
	at     int
	lane   purge.Lane
	target string
}

func TestBatcher_WaitsForCompany(t *testing.T) {
	tests := map[string]struct {
		targets []added
		due     time.Time
		want    string
	}{
		"interactive for the linger": {
			[]added{{0, interactive, "a"}}, at(0).Add(linger), "a=r",
		},
		"interactive, counted from the first": {
			[]added{{0, interactive, "a"}, {1, interactive, "b"}}, at(0).Add(linger), "a=r b=r",
		},
		"interactive, full": {
			[]added{{0, interactive, "a"}, {1, interactive, "b"}, {1, interactive, "c"}}, at(1), "a=r b=r c=r",
		},
		"interactive, full with bulk": {
			[]added{{0, bulk, "a"}, {1, bulk, "b"}, {1, interactive, "c"}}, at(1), "c=r a=r b=r",
		},
		"interactive, full by bytes": {
			[]added{{0, interactive, "a"}, {1, interactive, "b12345678"}}, at(1), "a=r b12345678=r",
		},
		"bulk until it is quiet": {
			[]added{{0, bulk, "a"}, {15, bulk, "b"}}, at(15).Add(quiet), "a=r b=r",
		},
		"bulk until it is quiet, repeats too": {
			[]added{{0, bulk, "a"}, {15, bulk, "a"}}, at(15).Add(quiet), "a=r,r",
		},
		"bulk at most so long": {
			[]added{{0, bulk, "a"}, {245, bulk, "b"}}, at(0).Add(maxQuiet), "a=r b=r",
		},
		"bulk, full": {
			[]added{{0, bulk, "a"}, {1, bulk, "b"}, {2, bulk, "c"}, {2, bulk, "d"}}, at(2), "a=r b=r c=r",
		},
		"bulk, full by bytes": {
			[]added{{0, bulk, "a"}, {3, bulk, "b123456789"}}, at(3), "a=r",
		},
		"promoted, counted from then": {
			[]added{{0, bulk, "a"}, {100, interactive, "a"}}, at(100).Add(linger), "a=r,r",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := limited(3, 10)
			last := 0
			for _, a := range test.targets {
				b.Add(at(a.at), urls("zone-a"), a.lane, a.target, "r")
				last = a.at
			}
			if test.due.After(at(last)) {
				if got, ok := b.When(at(last)); !ok || !got.Equal(test.due) {
					t.Errorf("got a batch at %v, %t, want it at %v", got, ok, test.due)
				}
				wantBatch(t, b.Next(test.due.Add(-1)), "none")
			}
			if got, ok := b.When(test.due); !ok || !got.Equal(test.due) {
				t.Errorf("got a batch at %v, %t, want it now, at %v", got, ok, test.due)
			}
			wantBatch(t, b.Next(test.due), test.want)
		})
	}
}

func TestBatcher_WhenSaysThatNothingWaits(t *testing.T) {
	b := limited(3, 10)
	if due, ok := b.When(at(0)); ok {
		t.Errorf("got a batch at %v, want none", due)
	}
	b.Hold("main", "zone-a", purge.URL, at(much))
	if due, ok := b.When(at(0)); ok {
		t.Errorf("got a batch at %v, want none: a hold alone is nothing to send", due)
	}
}

func TestBatcher_OldestInteractiveGroupGoesFirst(t *testing.T) {
	b := limited(2, 1000)
	b.Add(at(2), urls("zone-b"), interactive, "b1", "r")
	b.Add(at(1), urls("zone-a"), interactive, "a1", "r")
	for i := range 2 { // being full gives no precedence
		b.Add(at(3), urls("zone-c"), interactive, fmt.Sprint("c", i), "r")
	}
	for _, want := range []string{"a1=r", "b1=r", "c0=r c1=r", "none"} {
		wantBatch(t, b.Next(at(100)), want)
	}
}

func TestBatcher_PrefersBulkThatIsFullOrHasWaitedLong(t *testing.T) {
	fill := func() *batcher.Batcher[string] {
		b := limited(2, 1000)
		b.Add(at(0), urls("zone-few"), bulk, "few", "r")
		for i := range 2 {
			b.Add(at(10), urls("zone-full"), bulk, fmt.Sprint("full", i), "r")
		}
		return b
	}
	b := fill()
	wantBatch(t, b.Next(at(100)), "full0=r full1=r")
	wantBatch(t, b.Next(at(100)), "few=r")
	b = fill()
	wantBatch(t, b.Next(at(0).Add(maxQuiet)), "few=r")
	wantBatch(t, b.Next(at(0).Add(maxQuiet)), "full0=r full1=r")
}

func TestBatcher_FullGroupsDoNotStallAFew(t *testing.T) {
	b := limited(2, 1000)
	b.Add(at(0), urls("zone-few"), bulk, "few", "r")
	for call := range 20 {
		now := at(call * 50)
		for i := range 4 { // twice as many as a call takes
			b.Add(now, urls("zone-full"), bulk, fmt.Sprint(call, "-", i), "r")
		}
		if batch := b.Next(now); batch.Group.Zone == "zone-few" {
			return
		}
	}
	t.Error("got no call for the zone with one target within a second, want one (I7)")
}

// flood makes so many calls from a moment on, in milliseconds, while three interactive targets of
// zone-a come for each, and gives for each call whether it had no interactive target.
func flood(b *batcher.Batcher[string], from, calls int) []bool {
	bulkOnly := make([]bool, calls)
	for call := range calls {
		now := at(from + 50*call)
		for i := range 3 {
			b.Add(now, urls("zone-a"), interactive, fmt.Sprint("urgent", now, i), "now")
		}
		bulkOnly[call] = !b.Next(now).Urgent
	}
	return bulkOnly
}

func TestBatcher_BulkGetsItsAgedShare(t *testing.T) {
	const calls = 100
	backlog := func(b *batcher.Batcher[string], g batcher.Group) {
		for i := range calls {
			b.Add(at(0), g, bulk, fmt.Sprint("bulk", i), "later")
		}
	}
	tests := map[string]func(b *batcher.Batcher[string]){
		"of another zone":   func(b *batcher.Batcher[string]) { backlog(b, urls("zone-b")) },
		"of the same group": func(b *batcher.Batcher[string]) { backlog(b, urls("zone-a")) },
		"of both": func(b *batcher.Batcher[string]) {
			backlog(b, urls("zone-a"))
			backlog(b, urls("zone-b"))
		},
		"that came back": func(b *batcher.Batcher[string]) {
			backlog(b, urls("zone-b"))
			for range calls / 2 {
				defer b.Return(b.Next(at(500)), at(600))
			}
		},
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			b := limited(2, 1000)
			prepare(b)
			last, got := -1, 0
			for call, bulkOnly := range flood(b, 1000, calls) {
				if !bulkOnly {
					continue
				}
				if last >= 0 && call-last < 10 {
					t.Errorf("got bulk-only calls %d and %d, want at most one in ten (I8)", last, call)
				}
				last, got = call, got+1
			}
			if got != calls/10 {
				t.Errorf("got %d bulk-only calls in %d, want %d", got, calls, calls/10)
			}
		})
	}
}

func TestBatcher_AgedShareIsNotSavedUp(t *testing.T) {
	b := limited(2, 1000)
	flood(b, 1000, 50) // no bulk waits
	for i := range 4 {
		b.Add(at(0), urls("zone-b"), bulk, fmt.Sprint("bulk", i), "later")
	}
	for call, bulkOnly := range flood(b, 5000, 10) {
		if want := call == 9; bulkOnly != want {
			t.Errorf("call %d: got bulk-only %t, want %t", call, bulkOnly, want)
		}
	}
}

func TestBatcher_BulkThatGoesAlongGetsNoCallOfItsOwn(t *testing.T) {
	b := limited(4, 1000)
	for i := range 200 {
		b.Add(at(0), urls("zone-a"), bulk, fmt.Sprint("bulk", i), "later")
	}
	for call, bulkOnly := range flood(b, 1000, 50) { // room for one in each
		if bulkOnly {
			t.Errorf("call %d had no interactive target, want bulk to fill up only", call)
		}
	}
}

func TestBatcher_AgedShareOfACrowdedGroupIsFilledUp(t *testing.T) {
	b := limited(2, 1000)
	b.Add(at(0), urls("zone-a"), bulk, "bulk", "later")
	flood(b, 1000, 9)
	b.Add(at(5000), urls("zone-a"), interactive, "urgent", "now")
	batch := b.Next(at(5000))
	if got := batch.Slots[0].Target; got != "bulk" || len(batch.Slots) != 2 || !batch.Urgent {
		t.Errorf("got %q, want the bulk target and an interactive one beside it", show(batch))
	}
}

func TestBatcher_InteractiveThatMayNotBeSentDoesNotHoldBulkBack(t *testing.T) {
	tests := map[string]func(b *batcher.Batcher[string]){
		"held": func(b *batcher.Batcher[string]) {
			b.Hold("main", "zone-a", purge.URL, at(much))
			b.Add(at(0), urls("zone-a"), interactive, "urgent", "now")
		},
		"backing off": func(b *batcher.Batcher[string]) {
			b.Add(at(0), urls("zone-a"), interactive, "urgent", "now")
			b.Return(b.Next(at(10)), at(much))
		},
		"lingering": func(b *batcher.Batcher[string]) {
			b.Add(at(100), urls("zone-a"), interactive, "urgent", "now")
		},
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			b := limited(2, 1000)
			prepare(b)
			b.Add(at(0), urls("zone-b"), bulk, "bulk", "later")
			wantBatch(t, b.Next(at(101)), "bulk=later")
			wantBatch(t, b.Next(at(101)), "none")
		})
	}
}
