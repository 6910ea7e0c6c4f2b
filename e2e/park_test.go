package e2e_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// spent is an installation with a small window whose first zone has a day of 600 targets.
func spent(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, func(c *emulator.Config) {
		c.Zones, c.BatchQuota, c.DailyQuota = twoZones, 100, 600
	})
	w.cfg.Worker.Window = 1000 // of which 100 may wait for a day
	// What may have been sent is not parked: no answer may be lost only because the machine is slow.
	w.cfg.EdgeOne.Timeout = patience
	w.provision()
	return w
}

// A zone has spent its day: what waits for it is parked in order, and comes back; nothing else is affected.
func TestFailure_DailyQuota(t *testing.T) {
	t.Parallel()
	w := spent(t)
	w.load(1500)
	stop := w.start()
	w.until("all but a hundred requests to be parked", func() bool {
		return w.count("PURGE_PARKED") >= 700 && w.count("PURGE_REQUESTS") <= 100
	})
	w.checkOrder()

	// The other zone is not affected; what is parked is known and not done twice.
	w.request(purge.Bulk, purge.Request{ID: "other", Targets: []string{other(1)}})
	w.request(purge.Interactive, purge.Request{ID: "urgent", Targets: []string{url(5000)}})
	w.request(purge.Bulk, purge.Request{ID: "r1400", Targets: []string{url(1400)}})
	w.until("the other zone's event", func() bool { return w.events()["other"].Status == purge.Completed })

	stop() // the next leader goes on with the queues
	w.start()
	for id, o := range w.awaitDays(1502) {
		if o.Status != purge.Completed {
			t.Errorf("%s: %s (%v), want completed", id, o.Status, o.Reason)
		}
	}
	w.until("an empty PURGE_PARKED", func() bool { return w.count("PURGE_PARKED") == 0 })
	if s := w.api.Stats(); s.Targets != s.DistinctTargets || s.DistinctTargets != 1502 {
		t.Errorf("%d targets were sent, %d distinct, want 1502 once each", s.Targets, s.DistinctTargets)
	}
	w.until("the queues to go", func() bool { return w.consumers("PURGE_PARKED") == 0 })
}

// checkOrder wants the parked requests in the order in which they came, but for what came back from calls.
func (w *world) checkOrder() {
	w.t.Helper()
	s, err := w.js.Stream(w.t.Context(), "PURGE_PARKED")
	if err != nil {
		w.t.Fatal(err)
	}
	last, jumps := -1, 0
	for sequence := uint64(1); ; sequence++ {
		m, err := s.GetMsg(w.t.Context(), sequence, jetstream.WithGetMsgSubject(">"))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			break
		}
		if err != nil {
			w.t.Fatal(err)
		}
		sequence = m.Sequence
		tokens := strings.Split(m.Subject, ".")
		n, err := strconv.Atoi(strings.TrimPrefix(tokens[len(tokens)-2], "r"))
		if err != nil {
			w.t.Errorf("parked %s", m.Subject)
		}
		if n < last {
			jumps++
		}
		last = n
	}
	stats := w.api.Stats()
	if refused := int(stats.CreateCalls - stats.Jobs); jumps > 2*refused {
		w.t.Errorf("the order of the parked requests is broken %d times after %d refused calls", jumps, refused)
	}
}

func (w *world) consumers(stream string) int {
	s, err := w.js.Stream(w.t.Context(), stream)
	if err != nil {
		return -1
	}
	return s.CachedInfo().State.Consumers
}

func TestPause_StopsALane(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.provision()
	b := w.broker()
	if _, err := b.Control.Pause(t.Context(), purge.Bulk); err != nil {
		t.Fatal(err)
	}
	w.load(20)
	w.request(purge.Interactive, purge.Request{ID: "urgent", Targets: []string{url(5000)}})
	stop := w.start()
	w.until("the urgent event", func() bool { return w.count("PURGE_EVENTS") == 1 })
	if s := w.api.Stats(); s.Targets != 1 || w.count("PURGE_REQUESTS") != 20 {
		t.Errorf("%d targets were sent, %d requests wait, want 1 and 20", s.Targets, w.count("PURGE_REQUESTS"))
	}
	stop()
	w.start()
	if _, err := b.Control.Resume(t.Context(), purge.Bulk); err != nil {
		t.Fatal(err)
	}
	w.completed(21)

	// A pause takes hold while it runs.
	if _, err := b.Control.Pause(t.Context(), purge.Interactive); err != nil {
		t.Fatal(err)
	}
	w.until("the lane not to be pulled", func() bool {
		c, err := w.js.Consumer(t.Context(), "PURGE_REQUESTS", "interactive")
		return err == nil && c.CachedInfo().NumWaiting == 0
	})
	w.request(purge.Interactive, purge.Request{ID: "late", Targets: []string{url(6000)}})
	w.request(purge.Bulk, purge.Request{ID: "bulk", Targets: []string{url(7000)}})
	w.until("the bulk event", func() bool { return w.count("PURGE_EVENTS") == 22 })
	if _, done := w.events()["late"]; done {
		t.Error("sent while its lane was paused")
	}
	if _, err := b.Control.Resume(t.Context(), purge.Interactive); err != nil {
		t.Fatal(err)
	}
	w.completed(23)
}

// While zones can't be told, what waits for them does not fill the window, and others go on.
func TestFailingLookups_ParkWhatWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) { c.Zones = twoZones })
	w.cfg.Worker.Window = 1000 // of which 100 may wait for their zone
	tp := w.tap(func(c call) string {
		if c.Action == describeZones {
			return "InternalError"
		}
		return ""
	})
	w.provision()
	for i := range 1500 {
		w.request(purge.Bulk, purge.Request{ID: "waits" + strconv.Itoa(i), Targets: []string{url(i)}})
	}
	w.request(purge.Bulk, purge.Request{ID: "goes", Zone: "zone-b", Targets: []string{other(1)}})
	stop := w.start()
	w.until("the event of what names its zone", func() bool { return w.events()["goes"].Status == purge.Completed })
	w.until("all but a hundred requests to be parked", func() bool {
		return w.count("PURGE_PARKED") == 1400 && w.count("PURGE_REQUESTS") == 100
	})
	stop()
	tp.heal()
	w.start()
	for id, o := range w.await(1501) {
		if o.Status != purge.Completed {
			t.Errorf("%s: %s (%v), want completed", id, o.Status, o.Reason)
		}
	}
	w.until("an empty PURGE_PARKED", func() bool { return w.count("PURGE_PARKED") == 0 && w.consumers("PURGE_PARKED") == 0 })
	if s := w.api.Stats(); s.Targets != 1501 {
		t.Errorf("%d targets were sent, want 1501, each once", s.Targets)
	}
}
