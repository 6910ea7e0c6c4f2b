package worker

import (
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/limiter"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

// pause is how long the account pauses when its credentials were refused.
const pause = 10 * time.Second

// Zones without permission are probed one every ten seconds, and another zone has its turn between
// them; once one of them is accepted, all are tried at once.
func TestDenied_ZonesStallNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var mended atomic.Bool
		w.create = func(p edgeone.Purge) (edgeone.Created, error) {
			if p.Zone != "zone-good" && !mended.Load() {
				return edgeone.Created{}, &edgeone.Error{Code: "UnauthorizedOperation.CamUnauthorized", Sent: true}
			}
			return accept(p)
		}
		w.pace = limiter.New(20)
		k := w.worker()
		stop := w.run(t, k)
		const zones = 8
		for i := range zones {
			w.give(t, purge.Interactive, uint64(i+1), purge.Request{ID: fmt.Sprintf("r%d", i), Zone: fmt.Sprintf("zone-%d", i), Targets: pages(2)})
		}
		w.until(func() bool { return len(w.calls) > 0 })
		w.give(t, purge.Bulk, 100, purge.Request{ID: "good", Zone: "zone-good", Targets: pages(2)})
		begin := time.Now()
		w.until(func() bool { return len(w.acked) == 1 || time.Since(begin) > time.Hour })
		if took := time.Since(begin); took > 2*(zones+1)*pause {
			t.Errorf("the good zone was sent after %v, want in its turn, within %v", took, 2*(zones+1)*pause)
		}
		before, after := 0, 0
		w.set(func() { before = len(w.calls) })
		wait.Sleep(t.Context(), 10*time.Minute)
		if w.set(func() { after = len(w.calls) }); after-before < 20 || after-before > 61+zones {
			t.Errorf("%d probes in ten minutes, want about one every %v", after-before, pause)
		}
		mended.Store(true)
		begin = time.Now()
		w.until(func() bool { return len(w.acked) == zones+1 || time.Since(begin) > time.Hour })
		if took := time.Since(begin); took > 2*pause {
			t.Errorf("all were sent %v after the permissions were mended, want within %v", took, 2*pause)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A refusal pauses the account, unless it carries out other calls just then.
func TestDenied_PausesTheAccountOnlyInDoubt(t *testing.T) {
	for code, want := range map[string]int{
		"UnauthorizedOperation.CamUnauthorized": 5,
		"AuthFailure.SecretIdNotFound":          1,
	} {
		t.Run(code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.create = func(p edgeone.Purge) (edgeone.Created, error) {
					if p.Zone == "zone-bad" {
						return edgeone.Created{}, &edgeone.Error{Code: code, Sent: true}
					}
					return accept(p)
				}
				w.pace = limiter.New(20)
				k := w.worker()
				stop := w.run(t, k)
				w.give(t, purge.Bulk, 1, purge.Request{ID: "first", Zone: "zone-good", Targets: pages(1)})
				w.until(func() bool { return len(w.acked) == 1 })
				w.give(t, purge.Bulk, 2, purge.Request{ID: "bad", Zone: "zone-bad", Targets: pages(1)})
				w.until(func() bool {
					return slices.ContainsFunc(w.calls, func(p edgeone.Purge) bool { return p.Zone == "zone-bad" })
				})
				wait.Sleep(t.Context(), time.Second)
				for i := range 4 {
					w.give(t, purge.Bulk, uint64(3+i), purge.Request{ID: strconv.Itoa(i), Zone: "zone-good", Targets: []string{page(100 + i)}})
					wait.Sleep(t.Context(), time.Second)
				}
				n := 0
				if w.set(func() { n = len(w.acked) }); n != want {
					t.Errorf("%d requests of the good zone were done, want %d", n, want)
				}
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
