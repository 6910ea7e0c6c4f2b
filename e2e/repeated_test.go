package e2e_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// An API that answers two calls with one job id loses no request, though the leader changes before either has its end.
func TestFailure_OneJobForTwoCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) { c.Zones = twoZones })
	var open atomic.Bool // tasks may end
	var calls atomic.Int64
	var first atomic.Value
	f := w.front(func(rw http.ResponseWriter, c *seen) bool {
		switch {
		case c.Action == describeTasks && !open.Load():
			refuse(rw, "InternalError")
			return true
		case c.Action != createPurge || calls.Add(1) > 2:
			return false
		}
		c.alter(t, rw, func(response map[string]any) {
			if id, ok := first.Load().(string); ok {
				response["JobId"] = id
				return
			}
			first.Store(response["JobId"])
		})
		return true
	})
	w.provision()
	stop := w.start()
	for i := range 2 {
		w.request(purge.Interactive, purge.Request{ID: fmt.Sprint("r", i), Targets: []string{url(i)}})
		w.until("the request to be acked", func() bool { return w.count("PURGE_REQUESTS") == 0 })
	}
	stop()
	open.Store(true)
	w.start()
	for id, o := range w.await(2) {
		if o.Status != purge.Completed {
			t.Errorf("%s: %s (%v), want completed", id, o.Status, o.Failures)
		}
	}
	if n := len(f.all(createPurge, ofZone("zone-a"))); n != 3 {
		t.Errorf("%d calls, want 3: the one that made no job of its own was made again", n)
	}
}
