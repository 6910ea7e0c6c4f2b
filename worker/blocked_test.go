package worker

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/quota"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

// longest is how long a zone that refuses its calls is left alone at most.
const longest = 30 * time.Second

// A zone that refuses its calls for a while is probed by one call at a time, and rarely; another
// goes on, and once the zone takes calls again, that is noticed soon.
func TestBlocked_IsProbedByOneCallAtATime(t *testing.T) {
	for name, refusal := range map[string]*edgeone.Error{
		"transient": {Code: "InvalidParameter.ZoneIsGrayPublishing", Sent: true},
		"throttled": {Code: "LimitExceeded.RateLimitExceeded", Sent: true},
		"ambiguous": {Status: 502, Sent: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				var refuses atomic.Bool
				var flying, most atomic.Int64
				refuses.Store(true)
				w.create = func(p edgeone.Purge) (edgeone.Created, error) {
					if p.Zone != "zone-bad" || !refuses.Load() {
						return accept(p)
					}
					most.Store(max(most.Load(), flying.Add(1)))
					defer flying.Add(-1)
					wait.Sleep(context.Background(), 200*time.Millisecond)
					return edgeone.Created{}, refusal
				}
				stop := w.run(t, w.worker())
				w.give(t, purge.Bulk, 1, purge.Request{ID: "bad", Zone: "zone-bad", Targets: pages(9000)})
				wait.Sleep(t.Context(), 5*time.Minute)
				before := 0
				w.set(func() { before = len(w.calls) })
				most.Store(0)
				wait.Sleep(t.Context(), 20*time.Minute)
				w.set(func() {
					if n := len(w.calls) - before; n < 33 || n > 42 {
						t.Errorf("%d calls in 20 minutes, want about one every %v", n, longest)
					}
				})
				if most.Load() != 1 {
					t.Errorf("%d calls at a time, want 1", most.Load())
				}
				w.give(t, purge.Bulk, 2, purge.Request{ID: "good", Zone: "zone-good", Targets: pages(1)})
				wait.Sleep(t.Context(), 2*time.Second)
				w.set(func() {
					if len(w.acked) != 1 {
						t.Errorf("acked %v, want the request of the other zone", w.acked)
					}
				})
				refuses.Store(false)
				wait.Sleep(t.Context(), 2*longest)
				w.set(func() {
					if len(w.acked) != 2 {
						t.Errorf("acked %v, want both", w.acked)
					}
				})
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A zone whose calls are not answered leaves room for those of another.
func TestBlocked_CallsWithoutAnAnswerLeaveRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.quota = func() (map[purge.Type]edgeone.Quota, error) {
			return map[purge.Type]edgeone.Quota{purge.URL: {Batch: 10, Daily: 100_000, DailyAvailable: 100_000}}, nil
		}
		answer := make(chan struct{})
		k := w.worker()
		w.create = func(p edgeone.Purge) (edgeone.Created, error) {
			k.OnWire()
			if p.Zone == "zone-bad" {
				<-answer
			}
			return accept(p)
		}
		stop := w.run(t, k)
		w.give(t, purge.Bulk, 1, purge.Request{ID: "bad", Zone: "zone-bad", Targets: pages(2000)})
		wait.Sleep(t.Context(), time.Minute)
		w.set(func() {
			if len(w.calls) != quota.MaxCalls {
				t.Errorf("%d calls are in flight, want %d", len(w.calls), quota.MaxCalls)
			}
		})
		w.give(t, purge.Bulk, 2, purge.Request{ID: "good", Zone: "zone-good", Targets: pages(1)})
		wait.Sleep(t.Context(), 2*time.Second)
		w.set(func() {
			if len(w.acked) != 1 {
				t.Errorf("acked %v, want the request of the other zone", w.acked)
			}
		})
		close(answer)
		w.until(func() bool { return len(w.acked) == 2 })
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
