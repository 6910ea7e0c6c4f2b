package e2e_test

import (
	"testing"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// A newer edgepurge stored records that this one can't read. They are left alone as they are, whoever
// starts and stops, and an error in the log names them; what does not need them goes on. A request whose
// progress is among them is kept until the record can be read.
func TestFailure_RecordOfANewerVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) { c.Zones = twoZones })
	w.provision()
	newer := map[string]string{
		"purge.jobs.main.zone-a.future.salt.0":                     "{\"v\":99,\"job\":\"future\"}\n[]\n",
		"purge.jobs.main.zone-a.garbage.salt.0":                    "no record at all",
		"purge.marks.test.spans.salt":                              `{"v":99,"request":"another shape"}`,
		"purge.parked.main.zone-a.purge_url.bulk.test.parked.salt": `{"v":99}`,
	}
	for subject, data := range newer {
		w.putRecord(subject, data)
	}
	q := record.Queue{Account: "main", Zone: "zone-a", Type: purge.URL, Lane: purge.Bulk}
	if _, err := w.broker().Parked.Open(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	logs, alerts := observer.New(zap.ErrorLevel)
	for round := range 2 {
		stop := w.startLogging(zap.New(logs))
		w.request(purge.Bulk, purge.Request{ID: "spans", Targets: []string{url(1), other(1)}})
		w.load(20 * (round + 1))
		w.until("the events of the others", func() bool { return w.count("PURGE_EVENTS") >= 20*(round+1) })
		w.until("the request that spans to be sent", func() bool { return w.count("PURGE_REQUESTS") == 0 })
		for _, alert := range []string{"stored job left alone", "progress record left alone", "parked request left alone"} {
			w.until("an error in the log: "+alert, func() bool { return alerts.FilterMessage(alert).Len() > 0 })
		}
		stop()
	}
	for subject, data := range newer {
		if got := w.stored(subject); got != data {
			t.Errorf("%s holds %q now, want %q", subject, got, data)
		}
	}
	if _, told := w.events()["spans"]; told {
		t.Error("a request was told whose progress is not known")
	}
	w.remove("PURGE_PROGRESS", "purge.marks.test.spans.salt") // in place of a leader that can read it
	w.start()
	w.until("the event of the request that spans", func() bool { return w.count("PURGE_EVENTS") == 41 })
	if o := w.events()["spans"]; o.Status != purge.Completed || o.Targets.Total != 2 {
		t.Errorf("spans: %s with %+v (%v), want completed", o.Status, o.Targets, o.Reason)
	}
}

// remove deletes what is stored under a subject.
func (w *world) remove(stream, subject string) {
	w.t.Helper()
	s, err := w.js.Stream(w.t.Context(), stream)
	if err != nil {
		w.t.Fatal(err)
	}
	m, err := s.GetLastMsgForSubject(w.t.Context(), subject)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := s.DeleteMsg(w.t.Context(), m.Sequence); err != nil {
		w.t.Fatal(err)
	}
}

// putRecord stores a record as edgepurge does.
func (w *world) putRecord(subject, data string) {
	w.t.Helper()
	m := nats.NewMsg(subject)
	m.Header.Set("Edgepurge-Version", "99")
	m.Data = []byte(data)
	if _, err := w.js.PublishMsg(w.t.Context(), m); err != nil {
		w.t.Fatal(err)
	}
}

// stored gives what is stored under a subject; empty when nothing is.
func (w *world) stored(subject string) string {
	w.t.Helper()
	for _, stream := range []string{"PURGE_JOBS", "PURGE_PROGRESS", "PURGE_PARKED"} {
		s, err := w.js.Stream(w.t.Context(), stream)
		if err != nil {
			w.t.Fatal(err)
		}
		if m, err := s.GetLastMsgForSubject(w.t.Context(), subject); err == nil {
			return string(m.Data)
		}
	}
	return ""
}
