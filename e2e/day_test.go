//go:build thorough

package e2e_test

import (
	"testing"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// A batch that is larger than a whole day's quota never goes out whole, and where the quota is not told nothing says so.
func TestBatch_LargerThanADayIsHalved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) { c.BatchQuota, c.DailyQuota = 0, 100 })
	w.cfg.EdgeOne.Version = oldAPI
	w.provision()
	r := purge.Request{ID: "many", Zone: "zone-a"}
	for i := range 150 {
		r.Targets = append(r.Targets, url(i))
	}
	w.request(purge.Bulk, r)
	w.start()
	if o := w.awaitDays(1)["many"]; o.Status != purge.Completed {
		t.Errorf("got %s (%v), want completed", o.Status, o.Reason)
	}
}
