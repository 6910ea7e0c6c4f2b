package e2e_test

import (
	"fmt"
	"testing"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// twoZones has a zone of the usual URLs and another.
var twoZones = map[string][]string{"zone-a": {"www.example.com"}, "zone-b": {"other.example"}}

func other(n int) string { return fmt.Sprintf("https://other.example/page/%d", n) }

func TestDailyQuota_TakesWhatFitsAndKeepsTheRestForTheNextDay(t *testing.T) {
	t.Parallel()
	for _, u := range []string{"daily=all", "daily=part"} {
		t.Run(u, func(t *testing.T) {
			t.Parallel()
			unknown, err := emulator.ParseUnknown([]string{u})
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, func(c *emulator.Config) {
				c.Unknown, c.Zones = unknown, twoZones
				c.BatchQuota, c.DailyQuota = 80, 100
			})
			w.cfg.EdgeOne.Timeout = patience
			w.provision()
			w.load(150)
			w.request(purge.Bulk, purge.Request{ID: "other", Targets: []string{other(1)}})
			w.start()
			// All that fits, and the other zone, which does not wait for the next day (I7).
			w.until("the targets that fit", func() bool { return w.count("PURGE_EVENTS") == 101 })
			if o := w.events()["other"]; o.Status != purge.Completed {
				t.Errorf("the other zone's request: %q before the day ends, want completed", o.Status)
			}
			w.api.NextDay()
			for id, o := range w.await(151) {
				if o.Status != purge.Completed {
					t.Errorf("%s: %s (%v), want completed", id, o.Status, o.Reason)
				}
			}
			// 80 and 1, the refused 70, the 20 that fit, the 50 that wait; on a slow machine some of them in parts.
			if s := w.api.Stats(); s.CreateCalls > 15 || s.DistinctTargets != 151 {
				t.Errorf("%d targets in %d calls, want 151 in about 5", s.DistinctTargets, s.CreateCalls)
			}
		})
	}
}

func TestSpentDay_IsNotAskedForAgainAndAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) {
		c.Zones, c.DailyQuota, c.BatchQuota = twoZones, 10, 500
	})
	w.provision()
	var many []string
	for i := range 100 {
		many = append(many, url(i))
	}
	w.request(purge.Bulk, purge.Request{ID: "many", Targets: many})
	w.start()
	w.until("the ten that fit", func() bool { return w.api.Stats().Targets == 10 })
	quotas := func() int64 { return w.api.Stats().ByAction["DescribeContentQuota"] }
	before := quotas()
	w.until("two more readings of the quota", func() bool { return quotas() >= before+2 })
	if n := w.api.Stats().CreateCalls; n > 3 {
		t.Errorf("%d calls, want no more than the refused one and that of what fits", n)
	}
	w.request(purge.Interactive, purge.Request{ID: "other", Targets: []string{other(1)}})
	w.until("the other zone's event", func() bool { return w.count("PURGE_EVENTS") == 1 })
}
