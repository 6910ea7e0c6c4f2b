package e2e_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// on is a URL of a zone's one host.
func on(zone, path string) string { return "https://" + zone + ".example/" + path }

// However many zones have spent their day, what waits for them leaves room for another (I7).
func TestFailure_DailyQuotaOfManyZones(t *testing.T) {
	const zones, day, requests = 15, 10, 120
	for _, lane := range []purge.Lane{purge.Interactive, purge.Bulk} {
		t.Run(string(lane), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *emulator.Config) {
				c.DailyQuota, c.Zones = day, map[string][]string{"zone-b": {"other.example"}}
				for i := range zones {
					c.Zones[fmt.Sprintf("zone-%d", i)] = []string{fmt.Sprintf("zone-%d.example", i)}
				}
			})
			w.cfg.Worker.Window, w.cfg.Worker.InteractiveWindow = 50_000, 1000
			if lane == purge.Bulk {
				w.cfg.Worker.Window, w.cfg.Worker.InteractiveWindow = 1000, 5000
			}
			w.provision()
			var all []purge.Request
			for i := range zones {
				zone := fmt.Sprintf("zone-%d", i)
				for j := range requests {
					all = append(all, purge.Request{ID: fmt.Sprintf("%s-%d", zone, j), Zone: zone, Targets: []string{on(zone, strconv.Itoa(j))}})
				}
			}
			w.requests(lane, all)
			w.start()
			w.until("all zones to have spent their day", func() bool { return w.count("PURGE_EVENTS") == day*zones })
			w.request(lane, purge.Request{ID: "other", Zone: "zone-b", Targets: []string{other(1)}})
			w.until("the event of another zone", func() bool { return w.count("PURGE_EVENTS") > day*zones })
			if o := w.events()["other"]; o.Status != purge.Completed {
				t.Errorf("the request of the other zone is %q, want completed", o.Status)
			}
			if kept := w.count("PURGE_REQUESTS") + w.count("PURGE_PARKED"); kept < (requests-day)*zones {
				t.Errorf("%d requests are kept, want %d", kept, (requests-day)*zones)
			}
		})
	}
}
