package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

func TestRejectedRequests_BecomeDeadLetters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) { c.Zones = map[string][]string{"zone-a": {"www.example.com"}} })
	w.provision()
	want := map[string]string{
		`{"id": "form", "zone": "zone-a", "targets": ["nonsense", "ftp://www.example.com/"]}`: "purge.dead.invalid-target.test",
		`{"id": "zone", "targets": ["https://foreign.example/"]}`:                             "purge.dead.zone-not-found.test",
		`{"id": "both", "targets": ["https://foreign.example/", "nonsense"]}`:                 "purge.dead.zone-not-found.test",
		`{"id": "all", "type": "all"}`:                                                        "purge.dead.zone-not-found.test",
		`{"id": "unknown", "targets": ["https://www.example.com/"], "colour": "red"}`:         "purge.dead.unknown-field.test",
		`{"id": "odd", "targets": ["https://www.example.com/", 5]}`:                           "purge.dead.malformed.test",
		`{"id": "cut", "targets": ["https://www.example.com/`:                                 "purge.dead.malformed.test",
	}
	for data := range want {
		w.publish(purge.Bulk, "test", []byte(data))
	}
	w.request(purge.Bulk, purge.Request{ID: "partly", Targets: []string{url(1), "nonsense", "https://foreign.example/"}})
	w.start()
	events := w.await(len(want) + 1)
	if o := events["partly"]; o.Status != purge.Partial {
		t.Errorf("partly: %s, want partial", o.Status)
	}
	delete(events, "partly")
	for id, o := range events {
		if o.Status != purge.Rejected {
			t.Errorf("%s: %s, want rejected", id, o.Status)
		}
	}
	// How many targets there are is told where it is known.
	for id, total := range map[string]int{"form": 2, "zone": 1, "unknown": 1, "odd": 0, "cut": 0} {
		if got := events[id].Targets.Total; got != total {
			t.Errorf("%s: %d targets, want %d", id, got, total)
		}
	}
	letters := 0
	w.each("PURGE_DEAD", func(m jetstream.Msg) {
		letters++
		if got := want[string(m.Data())]; got != m.Subject() {
			t.Errorf("%s: dead letter on %s, want %s", m.Data(), m.Subject(), got)
		}
		if m.Headers().Get("Edgepurge-Message") == "" {
			t.Errorf("%s: the dead letter does not say why", m.Data())
		}
	})
	if letters != len(want) {
		t.Errorf("%d dead letters, want %d", letters, len(want))
	}
}

func TestExpired_AfterALostAnswerIsFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) { c.Faults = map[string]float64{"lost-answer": 1} })
	w.provision()
	w.start()
	var o purge.Outcome
	for i, lasting := 1, 4*time.Second; o.Times.Submitted.IsZero() && lasting < patience; i, lasting = i+1, 2*lasting {
		id := fmt.Sprintf("r%d", i) // one that expired before it was sent, as on a slow machine, says nothing
		w.request(purge.Interactive, purge.Request{
			ID: id, Zone: "zone-emulator", Targets: []string{url(i)}, Expires: time.Now().Add(lasting),
		})
		o = w.await(i)[id]
	}
	if o.Status != purge.Failed || o.Attempts != 1 || o.Times.Submitted.IsZero() {
		t.Errorf("got %s after %d attempts, submitted %v, want failed: it may have been purged", o.Status, o.Attempts, o.Times.Submitted)
	}
	if o.Reason == nil || o.Reason.Code != purge.CodeExpired {
		t.Errorf("reason %v, want %s", o.Reason, purge.CodeExpired)
	}
}

func TestTagsWithTooManyHosts_AreRejected(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.provision()
	r := purge.Request{ID: "hosts", Zone: "zone-emulator", Type: purge.Tag, Targets: []string{"blog"}}
	for range 50_000 {
		r.Hosts = append(r.Hosts, "www.example.com")
	}
	w.request(purge.Bulk, r)
	w.start()
	o := w.await(1)["hosts"]
	if o.Status != purge.Rejected || o.Reason == nil || o.Reason.Code != purge.CodeTooLarge || o.Reason.Field != "hosts" {
		t.Errorf("got %s (%v), want rejected for its hosts", o.Status, o.Reason)
	}
}
