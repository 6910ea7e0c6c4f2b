package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// faults are what the emulator can do to calls, jobs and tasks, a share of them each.
var faults = []struct {
	name   string
	shares map[string]float64
	change func(*config.Config)
	// judge finds fault with the events; nil: everything completes.
	judge func(*testing.T, *world, map[string]purge.Outcome)
}{
	{name: "error5xx", shares: map[string]float64{"error5xx": 0.3}},
	{name: "reset", shares: map[string]float64{"reset": 0.3}},
	{name: "lost-answer", shares: map[string]float64{"lost-answer": 0.3}},
	{name: "html", shares: map[string]float64{"html": 0.3}},
	{name: "empty", shares: map[string]float64{"empty": 0.3}},
	{name: "throttle", shares: map[string]float64{"throttle": 0.3}},
	{name: "timeout", shares: map[string]float64{"timeout": 0.25}, change: impatient},
	{name: "slow, not waited for", shares: map[string]float64{"slow": 0.25}, change: impatient},
	{name: "slow, waited for", shares: map[string]float64{"slow": 0.2}, change: func(c *config.Config) { c.EdgeOne.Timeout = 30 * time.Second }},
	{name: "task-failed", shares: map[string]float64{"task-failed": 0.3}, judge: told},
	{name: "task-timeout", shares: map[string]float64{"task-timeout": 0.2}, judge: told},
	{name: "task-failed, always", shares: map[string]float64{"task-failed": 1}, judge: failed},
	{name: "unseen", shares: map[string]float64{"unseen": 0.3}, change: func(c *config.Config) { c.Tracker.Deadline = 3 * time.Second }, judge: givenUp},
}

// impatient gives calls up long before a slow answer comes.
func impatient(c *config.Config) { c.EdgeOne.Timeout = 400 * time.Millisecond }

// told compares the events with what the API says was purged.
func told(t *testing.T, w *world, events map[string]purge.Outcome) {
	t.Helper()
	found := w.purged()
	for _, r := range faulty() {
		r.Type = purge.URL
		judge(t, r, events[r.ID], func(row string) bool { return found[row] })
	}
}

func failed(t *testing.T, _ *world, events map[string]purge.Outcome) {
	t.Helper()
	for id, o := range events {
		if o.Status != purge.Failed || o.Reason == nil || o.Targets.Failed != o.Targets.Total {
			t.Errorf("%s: %s with %+v (%v), want failed", id, o.Status, o.Targets, o.Reason)
		}
	}
}

// counted takes any end whose counts fit it: what was purged by a call whose answer is lost, or by a job
// that is not shown, may be told as failed.
func counted(t *testing.T, _ *world, events map[string]purge.Outcome) {
	t.Helper()
	for _, r := range faulty() {
		o := events[r.ID]
		want := purge.Partial
		switch o.Targets {
		case purge.Counts{Total: len(r.Targets), Succeeded: len(r.Targets)}:
			want = purge.Completed
		case purge.Counts{Total: len(r.Targets), Failed: len(r.Targets)}:
			want = purge.Failed
		}
		if o.Status != want || o.Targets.Succeeded+o.Targets.Failed != len(r.Targets) {
			t.Errorf("%s: %s with %+v, want %s", r.ID, o.Status, o.Targets, want)
		}
	}
}

// givenUp is counted, with the reason.
func givenUp(t *testing.T, w *world, events map[string]purge.Outcome) {
	t.Helper()
	counted(t, w, events)
	for id, o := range events {
		for _, f := range o.Failures {
			if f.Code != purge.CodeDeadline {
				t.Errorf("%s: %s failed as %s, want %s", id, f.Target, f.Code, purge.CodeDeadline)
			}
		}
	}
}

// faulty is the load: many requests of one target, and one of many.
func faulty() []purge.Request {
	load := []purge.Request{{ID: "many", Zone: "zone-a"}}
	for i := range 100 {
		load[0].Targets = append(load[0].Targets, url(1000+i))
	}
	for i := range 199 {
		load = append(load, purge.Request{ID: fmt.Sprintf("r%d", i), Zone: "zone-a", Targets: []string{url(i)}})
	}
	return load
}

// One test runs all its worlds at once: they mostly wait.
func TestAPIFaults_LoseNothing(t *testing.T) {
	t.Parallel()
	worlds := make([]*world, len(faults))
	for i, f := range some(faults, 0, 2, 6, 9, 11, 12) {
		w := newWorld(t, func(c *emulator.Config) { c.Faults, c.BatchQuota = f.shares, 20 })
		if f.change != nil {
			f.change(&w.cfg)
		}
		w.provision()
		w.requests(purge.Bulk, faulty())
		w.start()
		worlds[i] = w
	}
	for i, f := range some(faults, 0, 2, 6, 9, 11, 12) {
		t.Run(f.name, func(t *testing.T) {
			w := worlds[i]
			w.t = t
			events := w.await(len(faulty()))
			if f.judge != nil {
				f.judge(t, w, events)
				return
			}
			for id, o := range events {
				if o.Status != purge.Completed {
					t.Errorf("%s: %s with %+v (%v), want completed", id, o.Status, o.Targets, o.Reason)
				}
			}
		})
	}
}
