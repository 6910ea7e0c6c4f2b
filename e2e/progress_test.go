package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// What is done for requests before their ends is told where the configuration says so, and counts for nothing.
func TestProgress_IsToldWhereItIsAskedFor(t *testing.T) {
	t.Parallel()
	const day, batch, late = 300, 100, 700
	w := newWorld(t, func(c *emulator.Config) {
		c.Zones, c.BatchQuota, c.DailyQuota = twoZones, batch, day
	})
	w.cfg.Worker.Window, w.cfg.Events.Progress, w.cfg.EdgeOne.Timeout = 1000, true, patience
	w.provision()
	told, err := w.nc.SubscribeSync("purge.progress.>")
	if err != nil {
		t.Fatal(err)
	}
	wide := purge.Request{ID: "wide", Labels: map[string]string{"post": "4711"}}
	for i := range day {
		wide.Targets = append(wide.Targets, url(i))
	}
	w.request(purge.Bulk, wide)
	for i := range late {
		w.request(purge.Bulk, purge.Request{ID: fmt.Sprintf("late%d", i), Targets: []string{url(day + i)}})
	}
	stop := w.start()
	w.until("a parked request", func() bool { return w.count("PURGE_PARKED") > 0 })
	ends := w.awaitDays(1 + late)
	stop()

	submitted, parked := make(map[string]int), make(map[string]bool)
	jobs := make(map[string]bool) // of wide
	for {
		m, err := told.NextMsg(50 * time.Millisecond)
		if err != nil {
			break
		}
		e, err := purge.DecodeProgressEvent(m.Data)
		if err != nil {
			t.Fatalf("%s: %v", m.Data, err)
		}
		p := e.Data
		if want := (purge.Subjects{Prefix: "purge"}).Progress("test", p.Request); m.Subject != want || p.Source != "test" || p.Lane != purge.Bulk {
			t.Errorf("on %s: %s, want it on %s", m.Subject, m.Data, want)
		}
		if got := m.Header.Get("Content-Type"); got != purge.EventContentType {
			t.Errorf("got content type %q, want %q", got, purge.EventContentType)
		}
		if p.Status == purge.Parked {
			parked[p.Request] = true
			continue
		}
		if p.Attempt != 1 || p.Zone != "zone-a" {
			t.Errorf("%s: want the first attempt, in zone-a", m.Data)
		}
		submitted[p.Request] += p.Targets.Submitted
		if p.Request == "wide" {
			jobs[p.Job] = p.Targets.Total == day && p.Labels["post"] == "4711"
		}
	}
	for id, o := range ends {
		if submitted[id] != o.Targets.Total {
			t.Errorf("%s: %d targets were told to be submitted, want %d", id, submitted[id], o.Targets.Total)
		}
	}
	for _, id := range ends["wide"].Jobs {
		if !jobs[id] {
			t.Errorf("job %s was not told, or not with all of its request", id)
		}
	}
	if len(parked) == 0 {
		t.Error("no request was told to be parked")
	}
}

func TestProgress_IsNotToldUnasked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.provision()
	told, err := w.nc.SubscribeSync("purge.progress.>")
	if err != nil {
		t.Fatal(err)
	}
	w.load(20)
	stop := w.start()
	w.completed(20)
	stop()
	if err := w.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if n, _, err := told.Pending(); err != nil || n != 0 {
		t.Errorf("%d messages of progress (%v), want none", n, err)
	}
}
