package e2e_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// large is a request of so many targets.
func large(id string, n int) purge.Request {
	r := purge.Request{ID: id}
	for i := range n {
		r.Targets = append(r.Targets, url(i))
	}
	return r
}

func TestLargeInteractiveRequests_DoNotKeepUrgentOnesOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) { c.Zones, c.DailyQuota = twoZones, 1 })
	w.cfg.Worker.InteractiveWindow = 1000
	w.provision()
	for i := range 3 { // none of them can be sent for a day
		w.request(purge.Interactive, large(fmt.Sprintf("large%d", i), 1500))
	}
	w.start()
	w.until("a refused call", func() bool { return w.api.Stats().CreateCalls > 0 })
	w.request(purge.Interactive, purge.Request{ID: "urgent", Targets: []string{other(1)}})
	w.until("the urgent one's event", func() bool { return w.count("PURGE_EVENTS") == 1 })
	if o := w.events()["urgent"]; o.Status != purge.Completed {
		t.Errorf("urgent: %s (%v), want completed", o.Status, o.Reason)
	}
}

func TestRequestLargerThanItsWindow_IsTaken(t *testing.T) {
	t.Parallel()
	for _, lane := range []purge.Lane{purge.Bulk, purge.Interactive} {
		t.Run(string(lane), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			w.cfg.Worker.Window, w.cfg.Worker.InteractiveWindow = 100, 100
			w.provision()
			w.load(10)
			w.request(lane, large("large", 2000))
			w.request(lane, large("too", 2000))
			for i := range 10 {
				w.request(lane, purge.Request{ID: fmt.Sprintf("after%d", i), Targets: []string{url(i)}})
			}
			w.start()
			w.completed(22)
		})
	}
}

// However much waits, no more of it is held than the window has room for (I5).
func TestWindow_BoundsWhatIsHeld(t *testing.T) {
	t.Parallel()
	const window, backlog = 500, 4000
	w := newWorld(t, nil)
	w.cfg.Worker.Window = window
	w.cfg.EdgeOne.Timeout = patience
	release := make(chan struct{})
	f := w.front(func(_ http.ResponseWriter, c *seen) bool {
		if c.Action == createPurge {
			select {
			case <-release:
			case <-c.in.Context().Done():
			}
		}
		return false
	})
	w.provision()
	w.load(backlog)
	w.start()
	w.until("a call", func() bool { return len(f.all(createPurge, nil)) > 0 })
	held := func() int {
		c, err := w.js.Consumer(t.Context(), "PURGE_REQUESTS", string(purge.Bulk))
		if err != nil {
			t.Fatal(err)
		}
		return c.CachedInfo().NumAckPending
	}
	w.until("most of a window to be held", func() bool { return held() > window/2 })
	pulls := time.Now()
	w.until("some more turns of pulling", func() bool { return held() > window || time.Since(pulls) > time.Second })
	if n := held(); n > window {
		t.Errorf("%d requests of one target are held, want at most %d", n, window)
	}
	close(release)
	w.completed(backlog)
}
