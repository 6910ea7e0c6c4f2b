package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// load publishes n requests of one URL each.
func (w *world) load(n int) {
	w.t.Helper()
	all := make([]purge.Request, n)
	for i := range all {
		all[i] = purge.Request{ID: fmt.Sprintf("r%d", i), Targets: []string{url(i)}}
	}
	w.requests(purge.Bulk, all)
}

// completed waits for n events and reports every one that is not completed.
func (w *world) completed(n int) {
	w.t.Helper()
	for id, o := range w.await(n) {
		if o.Status != purge.Completed {
			w.t.Errorf("%s: %s (%v), want completed", id, o.Status, o.Reason)
		}
	}
}

// One bad target among 500 is found in about a dozen calls, and fails alone.
func TestFailure_OneBadTarget(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) { c.Zones = map[string][]string{"zone-a": {"www.example.com"}} })
	w.provision()
	for i := range 499 {
		w.request(purge.Bulk, purge.Request{ID: fmt.Sprintf("r%d", i), Zone: "zone-a", Targets: []string{url(i)}})
	}
	w.request(purge.Bulk, purge.Request{ID: "bad", Zone: "zone-a", Targets: []string{"https://foreign.example/"}})
	w.start()
	events := w.await(500)
	if o := events["bad"]; o.Status != purge.Failed || o.Failures[0].Code != "InvalidParameter.DomainNotFound" {
		t.Errorf("bad: %s (%+v), want failed with EdgeOne's code", o.Status, o.Failures)
	}
	delete(events, "bad")
	for id, o := range events {
		if o.Status != purge.Completed {
			t.Errorf("%s: %s (%v), want completed", id, o.Status, o.Reason)
		}
	}
	if n := w.api.Stats().CreateCalls; n > 16 {
		t.Errorf("%d calls, want about 12: halves of 500 down to one, and what is left of them", n)
	}
}

func TestDrain_HandsOverWithoutLossOrRepeat(t *testing.T) {
	w := newWorld(t, func(c *emulator.Config) { c.BatchQuota = 50; c.Rate = 20 })
	w.cfg.Limits.CreatePerSecond, w.cfg.Limits.DescribePerSecond = 20, 20
	w.provision()
	w.load(2000)
	first := w.start()
	w.until("some calls", func() bool { return w.api.Stats().CreateCalls >= 5 })
	w.start()
	begin := time.Now()
	first()
	if took := time.Since(begin); took > w.cfg.Worker.Drain {
		t.Errorf("the drain took %v, want less than %v", took, w.cfg.Worker.Drain)
	}
	calls := w.api.Stats().CreateCalls
	w.until("the heir's first call", func() bool { return w.api.Stats().CreateCalls > calls })
	// A lease that nobody hands over lasts two seconds at least, and who then has it waits for another one.
	if took := time.Since(begin); took > 2900*time.Millisecond {
		t.Errorf("the heir sent %v after the stop, want at once", took)
	}
	w.completed(2000)
	if s := w.api.Stats(); s.Targets != 2000 || s.Throttled > 2 { // a busy machine delays a call now and then
		t.Errorf("%d targets submitted, %d calls refused; want 2000 and hardly any", s.Targets, s.Throttled)
	}
}

// The stream of requests is deleted and made anew: messages have the numbers of old ones, and yet are
// other requests.
func TestFailure_RequestStreamMadeAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.provision()
	w.start()
	w.publish(purge.Bulk, "test", []byte(`{"targets":["https://www.example.com/1"]}`))
	old := w.await(1)
	if err := w.js.DeleteStream(t.Context(), "PURGE_REQUESTS"); err != nil {
		t.Fatal(err)
	}
	w.until("the stream", func() bool {
		_, err := w.js.Consumer(t.Context(), "PURGE_REQUESTS", "bulk")
		return err == nil
	})
	w.publish(purge.Bulk, "test", []byte(`{"targets":["https://www.example.com/2"]}`))
	w.completed(2)
	if s := w.api.Stats(); s.DistinctTargets != 2 {
		t.Errorf("%d targets were purged, want that of the old request and that of the new one", s.DistinctTargets)
	}
	for id := range old {
		if _, still := w.events()[id]; !still {
			t.Errorf("the event of the old request %s is gone", id)
		}
	}
}
