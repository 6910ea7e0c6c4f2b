package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// tapped is a world of two zones, whose API refuses calls with a host that is not the zone's.
func tapped(t *testing.T, rate int) (*world, tap) {
	t.Helper()
	unknown, err := emulator.ParseUnknown([]string{"foreign-host=error"})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(c *emulator.Config) {
		c.Unknown = unknown
		c.Rate = rate
		c.Zones = map[string][]string{"zone-a": {"www.example.com"}, "zone-b": {"www.example.org"}}
	})
	w.cfg.Limits.CreatePerSecond = float64(rate)
	return w, w.tap(nil)
}

func TestBadTargets_AreFoundInFewCalls(t *testing.T) {
	t.Parallel()
	for bad, most := range map[int]int{0: 0, 1: 12, 5: 60} {
		t.Run(fmt.Sprintf("%d of 500", bad), func(t *testing.T) {
			t.Parallel()
			w, tp := tapped(t, 0)
			w.provision()
			where := make(map[int]bool)
			for _, i := range rand.New(rand.NewPCG(1, uint64(bad))).Perm(500)[:bad] {
				where[i] = true
			}
			for i := range 500 {
				target := url(i)
				if where[i] {
					target = fmt.Sprintf("https://foreign.example/%d", i)
				}
				w.request(purge.Bulk, purge.Request{ID: fmt.Sprintf("r%d", i), Zone: "zone-a", Targets: []string{target}})
			}
			w.start()
			failed := 0
			for id, o := range w.await(500) {
				switch {
				case o.Status == purge.Completed:
				case o.Status == purge.Failed && o.Failures[0].Code == "InvalidParameter.DomainNotFound":
					failed++
				default:
					t.Errorf("%s: %s (%v), want completed, or failed with EdgeOne's code", id, o.Status, o.Reason)
				}
			}
			if failed != bad {
				t.Errorf("%d requests failed, want %d", failed, bad)
			}
			if n := tp.extra(); n > most {
				t.Errorf("%d calls more than a clean run needs, want at most %d", n, most)
			}
			for id := range where {
				if !tp.alone(fmt.Sprintf("https://foreign.example/%d", id)) {
					t.Errorf("target %d was not refused alone", id)
				}
			}
		})
	}
}

// What is sent to find hundreds of bad targets goes behind whatever else there is to send.
func TestBadTargets_HoldUpNobodyElse(t *testing.T) {
	t.Parallel()
	for _, lane := range []purge.Lane{purge.Interactive, purge.Bulk} {
		t.Run(string(lane), func(t *testing.T) {
			t.Parallel()
			w, tp := tapped(t, 20)
			w.provision()
			many := purge.Request{ID: "bad", Zone: "zone-a"}
			for i := range 300 {
				many.Targets = append(many.Targets, fmt.Sprintf("https://foreign.example/%d", i))
			}
			w.request(purge.Bulk, many)
			w.start()
			w.until("the search", func() bool { return len(tp.all()) >= 5 })
			for i := range 20 {
				w.request(lane, purge.Request{
					ID: fmt.Sprintf("r%d", i), Zone: "zone-b", Targets: []string{fmt.Sprintf("https://www.example.org/%d", i)},
				})
			}
			asked := len(tp.all()) // for all of them; some may be done
			w.until("the other zone's events", func() bool { return w.count("PURGE_EVENTS") >= 20 })
			behind, left := 0, 20
			for i, c := range tp.all() {
				if c.Zone == "zone-b" {
					left -= len(c.Targets)
				} else if left > 0 && i >= asked {
					behind++
				}
			}
			if left != 0 || behind > 10 {
				t.Errorf("%d calls for zone-a went before the last of zone-b (%d left), want a few", behind, left)
			}
			if n := w.count("PURGE_EVENTS"); n != 20 {
				t.Errorf("%d events, want 20: the search takes longer", n)
			}
		})
	}
}
