package e2e_test

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// remake deletes the stream of the requests and makes it anew at once, as an operator's tool would.
func (w *world) remake() {
	w.t.Helper()
	s, err := w.js.Stream(w.t.Context(), "PURGE_REQUESTS")
	if err != nil {
		w.t.Fatal(err)
	}
	var consumers []jetstream.ConsumerConfig
	for info := range s.ListConsumers(w.t.Context()).Info() {
		consumers = append(consumers, info.Config)
	}
	if err := w.js.DeleteStream(w.t.Context(), "PURGE_REQUESTS"); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.js.CreateStream(w.t.Context(), s.CachedInfo().Config); err != nil {
		w.t.Fatal(err)
	}
	for _, c := range consumers {
		if _, err := w.js.CreateConsumer(w.t.Context(), "PURGE_REQUESTS", c); err != nil {
			w.t.Fatal(err)
		}
	}
}

// The same while a worker holds requests of the old stream: an ack of them would take away new ones.
func TestFailure_RequestStreamMadeAnewWhileHeld(t *testing.T) {
	t.Parallel()
	for _, full := range []bool{false, true} { // with a full window, nobody asks the broker for messages
		t.Run(fmt.Sprintf("full window %t", full), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *emulator.Config) { c.Zones, c.DailyQuota = twoZones, 100 })
			if full {
				w.cfg.Worker.Window, w.cfg.Worker.InteractiveWindow = 100, 100
			}
			w.provision()
			w.request(purge.Bulk, large("spends", 100))
			w.start()
			w.await(1)
			for _, lane := range []purge.Lane{purge.Bulk, purge.Interactive} {
				n := 60
				if full {
					n = 1 // and it is as large as the window
					w.request(lane, large(string(lane), 100))
				}
				for i := range 100 { // these are held, for nothing of their zone can be sent
					w.request(lane, purge.Request{ID: fmt.Sprintf("%s%d", lane, i), Targets: []string{url(1000 + i)}})
				}
				w.until("them to be held", func() bool {
					c, err := w.js.Consumer(w.t.Context(), "PURGE_REQUESTS", string(lane))
					return err == nil && c.CachedInfo().NumAckPending >= n
				})
			}
			w.remake()
			for i := range 50 {
				w.request(purge.Bulk, purge.Request{ID: fmt.Sprintf("new%d", i), Targets: []string{other(i)}})
			}
			w.until("the events of the new ones", func() bool { return w.count("PURGE_EVENTS") >= 51 })
			for i := range 50 {
				if o, ok := w.events()[fmt.Sprintf("new%d", i)]; !ok || o.Status != purge.Completed {
					t.Errorf("new%d: %s, want completed", i, o.Status)
				}
			}
			w.until("an empty PURGE_REQUESTS", func() bool { return w.count("PURGE_REQUESTS") == 0 })
		})
	}
}
