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

func TestBadTarget_IsIsolatedInFewCalls(t *testing.T) {
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

func TestRefusedCredentials_KeepTheRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) { c.SecretID, c.SecretKey = "AKIDOTHER", "other" })
	w.provision()
	for i := range 10 {
		w.request(purge.Bulk, purge.Request{ID: fmt.Sprintf("r%d", i), Zone: "zone-a", Targets: []string{url(i)}})
	}
	w.start()
	w.until("a refused call", func() bool { return w.api.Stats().CreateCalls > 0 })
	if n := w.count("PURGE_REQUESTS"); n != 10 {
		t.Errorf("%d requests are kept, want 10", n)
	}
	if n := w.count("PURGE_EVENTS"); n != 0 {
		t.Errorf("%d events, want none", n)
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
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("the heir sent %v after the stop, want at once", took)
	}
	w.completed(2000)
	if s := w.api.Stats(); s.Targets != 2000 || s.Throttled != 0 {
		t.Errorf("%d targets submitted, %d calls refused; want 2000 and 0", s.Targets, s.Throttled)
	}
}

func TestNATSRestart_LosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) { c.BatchQuota = 20; c.Rate = 20; c.TaskTime = time.Second })
	w.cfg.Limits.CreatePerSecond = 20
	w.provision()
	w.load(600)
	w.start()
	for i := range 3 {
		w.until("progress", func() bool { return w.api.Stats().CreateCalls >= int64(5*(i+1)) })
		w.stopNATS()
		w.startNATS()
	}
	w.completed(600)
}

func TestRequestStreamMadeAnew_IsServedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.provision()
	w.start()
	w.publish(purge.Bulk, "test", []byte(`{"targets":["https://www.example.com/1"]}`))
	w.await(1)
	if err := w.js.DeleteStream(t.Context(), "PURGE_REQUESTS"); err != nil {
		t.Fatal(err)
	}
	w.until("the stream", func() bool {
		_, err := w.js.Consumer(t.Context(), "PURGE_REQUESTS", "bulk")
		return err == nil
	})
	w.publish(purge.Bulk, "test", []byte(`{"targets":["https://www.example.com/2"]}`))
	w.completed(2)
}
