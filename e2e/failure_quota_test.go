package e2e_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// on is a URL of a zone's one host.
func on(zone, path string) string { return "https://" + zone + ".example/" + path }

// However many zones have spent their day, what waits for them leaves room for another (I7).
func TestFailure_DailyQuotaOfManyZones(t *testing.T) {
	t.Parallel()
	const zones, day, requests = 15, 10, 120
	for name, windows := range map[string][2]int{"interactive": {50_000, 1000}, "bulk": {1000, 5000}, "bulk, small": {100, 100}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lane := purge.Lane(strings.TrimSuffix(name, ", small"))
			w := newWorld(t, func(c *emulator.Config) {
				c.DailyQuota, c.Zones = day, map[string][]string{"zone-b": {"other.example"}}
				for i := range zones {
					c.Zones[fmt.Sprintf("zone-%d", i)] = []string{fmt.Sprintf("zone-%d.example", i)}
				}
			})
			w.cfg.Worker.Window, w.cfg.Worker.InteractiveWindow = windows[0], windows[1]
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

// EdgeOne takes the targets and says afterwards that the day was spent. They are kept, and their group
// waits for the next day; the rest of the job, other types and other zones are not affected.
func TestFailure_TaskQuotaExceeded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) { c.Zones = twoZones })
	var spent atomic.Bool
	spent.Store(true)
	f := w.front(func(rw http.ResponseWriter, c *seen) bool {
		ofDay := c.Action == describeQuota || c.Action == describeTasks
		if c.Zone != "zone-a" || !ofDay || !spent.Load() {
			return false
		}
		c.alter(t, rw, spendDay)
		return true
	})
	w.provision()
	const n = 5 // of each: of a job of few targets all rows are read
	for i := range n {
		w.request(purge.Bulk, purge.Request{ID: fmt.Sprintf("r%d", i), Zone: "zone-a", Targets: []string{url(i)}})
		w.request(purge.Bulk, purge.Request{ID: fmt.Sprintf("late%d", i), Zone: "zone-a", Targets: []string{url(i) + "/late"}})
	}
	w.start()
	w.until("the events of what was in time", func() bool { return w.count("PURGE_EVENTS") == n })
	w.until("the rest to be kept", func() bool {
		s, err := w.js.Stream(t.Context(), "PURGE_JOBS")
		return err == nil && s.CachedInfo().State.LastSeq == 2 && s.CachedInfo().State.Msgs == 1
	})
	w.until("the quota to be read again", func() bool { return len(f.all(describeQuota, ofZone("zone-a"))) >= 2 })
	calls := func(c *seen) bool { return c.Zone == "zone-a" && c.Type == apiTypes[purge.URL] }
	before := len(f.all(createPurge, calls))
	for i := range n {
		w.request(purge.Bulk, purge.Request{ID: fmt.Sprintf("next%d", i), Zone: "zone-a", Targets: []string{url(100 + i)}})
		w.request(purge.Bulk, purge.Request{ID: fmt.Sprintf("tag%d", i), Zone: "zone-a", Type: purge.Tag, Targets: []string{fmt.Sprintf("t%d", i)}})
		w.request(purge.Bulk, purge.Request{ID: fmt.Sprintf("other%d", i), Zone: "zone-b", Targets: []string{other(i)}})
	}
	w.until("the events of what has a day of its own", func() bool { return w.count("PURGE_EVENTS") >= 3*n })
	if more := len(f.all(createPurge, calls)) - before; more != 0 {
		t.Errorf("%d calls were made for what waits for its day", more)
	}
	spent.Store(false)
	w.until("the events of what came after", func() bool { return w.count("PURGE_EVENTS") >= 4*n })
	ends := 4 * n
	if thorough { // what was kept is tried after a minute
		ends = len(w.await(5 * n))
	}
	for id, o := range w.events() {
		if o.Status != purge.Completed || o.Attempts != 1 {
			t.Errorf("%s: %s after %d attempts (%v), want completed after one", id, o.Status, o.Attempts, o.Reason)
		}
	}
	if told := w.count("PURGE_EVENTS"); told != ends {
		t.Errorf("%d events, want %d", told, ends)
	}
}

// spendDay makes an answer that of a day that was spent meanwhile.
func spendDay(response map[string]any) {
	tasks, _ := response["Tasks"].([]any)
	for _, task := range tasks {
		row, _ := task.(map[string]any)
		if target, _ := row["Target"].(string); strings.HasSuffix(target, "/late") && row["Status"] == "success" {
			row["Status"], row["FailType"] = "failed", "quotaExceeded"
		}
	}
	quotas, _ := response["PurgeQuota"].([]any)
	for _, quota := range quotas {
		if row, _ := quota.(map[string]any); row["Type"] == apiTypes[purge.URL] {
			row["DailyAvailable"] = 0
		}
	}
}
