package worker

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/edgepurge/edgepurge/internal/inflight"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// While dead letters cannot be stored, refused requests wait, a bounded number of them, and the
// others of their lane end. What waits ends once they can be stored.
func TestRefuse_OthersGoOnWithoutDeadLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.noDead = true
		k := w.worker()
		const bad, good = 60, 20
		for i := range uint64(bad) {
			w.lanes[purge.Bulk].deliveries <- record.Delivery{
				Subject: "purge.requests.bulk.test", Data: fmt.Appendf(nil, `{"id":"bad%d","targets":[]}`, i), Sequence: i + 1, Count: 1,
				Reply: fmt.Sprintf("bad.%d", i),
			}
			if i%3 == 0 {
				w.give(t, purge.Bulk, 1000+i, purge.Request{ID: fmt.Sprintf("good%d", i), Targets: []string{fmt.Sprintf("https://www.example.com/%d", i)}})
			}
		}
		stop := w.run(t, k)
		w.until(func() bool { return len(w.acked) == good })
		w.set(func() {
			if slices.ContainsFunc(w.acked, func(r string) bool { return strings.HasPrefix(r, "bad") }) {
				t.Error("a refused request was acked without its dead letter (I2)")
			}
			if len(w.events) > 0 {
				t.Errorf("%d events were published without their dead letters", len(w.events))
			}
			w.noDead = false
		})
		w.until(func() bool { return len(w.acked) == good+bad })
		if err := stop(); err != nil {
			t.Errorf("run: %v", err)
		}
		if len(w.letters) != bad || len(w.events) != bad {
			t.Errorf("got %d dead letters and %d events, want %d of each", len(w.letters), len(w.events), bad)
		}
	})
}

// A request that waits is held as its message alone. One that is not in the table is not held at
// all.
func TestRefuse_WhatWaitsIsSmall(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.noDead = true
	k := w.worker()
	named := record.Request{Source: "test", ID: "r", Total: 100}
	r := &request{cameBy: purge.Bulk, Request: inflight.New(named, purge.Request{Targets: make([]string, 100)})}
	r.FailAll([]record.Failure{{Index: 1}})
	r.message = new(record.Delivery)
	k.requests[r.Key()] = r
	k.table.weigh(r)
	reused := &request{cameBy: purge.Bulk, Request: inflight.New(named, purge.Request{})}
	wait, drop := k.recorder.conclude(t.Context(), []refusal{{Request: r}, {Request: reused}})
	if !wait[r] || !drop[reused] || len(wait)+len(drop) != 2 {
		t.Errorf("got %d that wait and %d that do not, want the one that is held to wait", len(wait), len(drop))
	}
	failures, _ := r.Failures()
	if failures != nil || r.Body.Targets != nil || r.message != nil || k.table.budget.Used(purge.Bulk) != 1 {
		t.Errorf("what waits keeps its targets and counts %d, though its letter has all of it", k.table.budget.Used(purge.Bulk))
	}
}
