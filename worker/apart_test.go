package worker

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/edgepurge/edgepurge/internal/inflight"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// While dead letters cannot be stored, refused requests wait, a bounded number of them, and the others of their
// lane end. What waits ends once they can be stored.
func TestApart_OthersGoOnWithoutDeadLetters(t *testing.T) {
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

// What is beyond the bound is not held: it comes again by itself.
func TestApart_IsBounded(t *testing.T) {
	t.Parallel()
	k := newWorld().worker()
	var open []refused
	for i := range apartMost + 10 {
		r := &request{cameBy: purge.Bulk, Request: inflight.New(
			record.Request{Source: "test", ID: strconv.Itoa(i), Total: 100}, purge.Request{Targets: make([]string, 100)},
		)}
		r.FailAll([]record.Failure{{Index: 1}})
		r.message = new(record.Delivery)
		k.requests[r.Key()] = r
		open = append(open, refused{request: r})
	}
	wait, drop := make(map[*request]bool), make(map[*request]bool)
	k.setApart(open, wait, drop)
	if len(wait) != apartMost || len(drop) != 10 || k.budget.Used(purge.Bulk) != apartMost {
		t.Errorf("%d wait, %d do not, they weigh %d, want %d, 10, %d", len(wait), len(drop), k.budget.Used(purge.Bulk), apartMost, apartMost)
	}
	for r := range wait {
		if failures, _ := r.Failures(); failures != nil || r.Body.Targets != nil || r.message != nil {
			t.Fatal("what waits apart keeps its targets, though its letter has all of it")
		}
	}
	large := &request{cameBy: purge.Bulk, Request: inflight.New(record.Request{Source: "test", ID: "large"}, purge.Request{})}
	k.requests[large.Key()] = large
	k.apart.waiting = nil
	clear(wait)
	k.setApart([]refused{{request: large, letter: record.DeadLetter{Data: make([]byte, apartBytes+1)}}}, wait, drop)
	if len(wait) > 0 {
		t.Error("more bytes wait than may")
	}
}
