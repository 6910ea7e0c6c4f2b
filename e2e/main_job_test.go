package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

func url(n int) string { return fmt.Sprintf("https://www.example.com/page/%d", n) }

func TestRequestsForOneURL_AreOneTarget(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.provision()
	for i := range 100 {
		w.request(purge.Bulk, purge.Request{ID: fmt.Sprintf("r%d", i), Targets: []string{url(1)}})
	}
	w.start()
	for id, o := range w.await(100) {
		if o.Status != purge.Completed || o.Targets.Succeeded != 1 {
			t.Errorf("%s: %s with %+v, want completed", id, o.Status, o.Targets)
		}
	}
	if s := w.api.Stats(); s.Targets != 1 || s.CreateCalls != 1 {
		t.Errorf("%d targets in %d calls, want 1 in 1", s.Targets, s.CreateCalls)
	}
}

func TestLargeRequest_SpansJobsAndEndsOnce(t *testing.T) {
	t.Parallel()
	for _, lane := range []purge.Lane{purge.Bulk, purge.Interactive} {
		t.Run(string(lane), func(t *testing.T) {
			w := newWorld(t, nil)
			w.provision()
			r := purge.Request{ID: "large", Labels: map[string]string{"k": "v"}}
			for i := range 3000 {
				r.Targets = append(r.Targets, url(i))
			}
			w.request(lane, r)
			w.start()
			o := w.await(1)["large"]
			if o.Status != purge.Completed || o.Targets != (purge.Counts{Total: 3000, Succeeded: 3000}) {
				t.Errorf("got %s with %+v", o.Status, o.Targets)
			}
			jobs := 6
			if s := w.api.Stats(); s.CreateCalls > s.Jobs {
				jobs = 8 // the quota was not read in time: the whole was refused, and halved until its parts fit
			}
			if len(o.Jobs) != jobs || o.Lane != lane || o.Labels["k"] != "v" || o.Attempts != 1 {
				t.Errorf("got %d jobs, lane %s, labels %v, attempts %d", len(o.Jobs), o.Lane, o.Labels, o.Attempts)
			}
		})
	}
}

func TestSameID_IsOnePurgeAndOneEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) { c.TaskTime = time.Second })
	w.provision()
	r := purge.Request{ID: "post-1", Targets: []string{url(1)}}
	w.request(purge.Bulk, r) // both wait together, on two lanes
	w.request(purge.Interactive, r)
	w.start()
	w.until("the job", func() bool { return w.api.Stats().Jobs == 1 })
	w.request(purge.Interactive, r) // in flight
	w.until("the third to be acked", func() bool { return w.count("PURGE_REQUESTS") == 0 })
	w.await(1)
	w.request(purge.Interactive, r) // ended
	w.await(1)
	if s := w.api.Stats(); s.Targets != 1 {
		t.Errorf("%d targets submitted, want 1", s.Targets)
	}
	if n := w.count("PURGE_DEAD"); n != 0 {
		t.Errorf("%d dead letters, want none", n)
	}
}

func TestReusedID_BecomesADeadLetter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.provision()
	w.request(purge.Bulk, purge.Request{ID: "x", Targets: []string{url(1)}})
	w.request(purge.Bulk, purge.Request{ID: "x", Targets: []string{url(2)}}) // while the first waits
	w.start()
	w.await(1)
	w.request(purge.Bulk, purge.Request{ID: "x", Targets: []string{url(3)}}) // when it has ended
	w.until("two dead letters", func() bool { return w.count("PURGE_DEAD") == 2 })
	w.await(1)
	w.each("PURGE_DEAD", func(m jetstream.Msg) {
		if got, want := m.Subject(), "purge.dead.id-reused.test"; got != want {
			t.Errorf("dead letter on %s, want %s", got, want)
		}
	})
	if s := w.api.Stats(); s.DistinctTargets != 1 {
		t.Errorf("%d targets submitted, want only the first request's", s.DistinctTargets)
	}
}

func TestBadMessages_AreRejectedAndHarmNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.provision()
	bad := []string{
		"", "garbage", "{", "[]", "null", "\xff\xfe", `{"id":"a"}`, `{"targets":"x"}`,
		`{"id":"b","targets":["https://www.example.com/"],"colour":"red"}`,
		`{"id":"c","targets":["ftp://www.example.com/"]}`,
		`{"id":"d","targets":["https://www.example.com/"],"prefetch":true}`,
		`{"id":"e","targets":["https://www.example.com/"],"account":"other"}`,
		strings.Repeat(`{"targets":`, 20000),
		`{"id":"f","targets":[` + strings.Repeat(`"x",`, 100000) + `"x"]}`,
	}
	for i, data := range bad {
		w.publish([]purge.Lane{purge.Bulk, purge.Interactive}[i%2], "test", []byte(data))
	}
	w.request(purge.Bulk, purge.Request{ID: "good", Targets: []string{url(1)}})
	w.start()
	events := w.await(len(bad) + 1)
	if o := events["good"]; o.Status != purge.Completed {
		t.Errorf("the good request: %s", o.Status)
	}
	for id, o := range events {
		if id != "good" && (o.Status != purge.Rejected || o.Reason == nil) {
			t.Errorf("%s: %s with reason %v, want rejected with one", id, o.Status, o.Reason)
		}
	}
	for id, code := range map[string]string{
		"b": purge.CodeUnknownField, "c": purge.CodeInvalidTarget, "d": purge.CodeUnsupported, "e": purge.CodePolicy,
	} {
		if r := events[id].Reason; r == nil || r.Code != code {
			t.Errorf("%s: reason %v, want %s", id, r, code)
		}
	}
	dead := make(map[string]bool)
	w.each("PURGE_DEAD", func(m jetstream.Msg) { dead[string(m.Data())] = true })
	for _, data := range bad[:9] {
		if !dead[data] {
			t.Errorf("no dead letter holds %.40q", data)
		}
	}
}

func TestInvalidTarget_DoesNotSinkItsNeighbours(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.provision()
	w.request(purge.Interactive, purge.Request{ID: "p", Targets: []string{url(1), "nonsense", url(2)}})
	w.start()
	o := w.await(1)["p"]
	if o.Status != purge.Partial || o.Targets != (purge.Counts{Total: 3, Succeeded: 2, Failed: 1}) {
		t.Errorf("got %s with %+v", o.Status, o.Targets)
	}
	if len(o.Failures) != 1 || o.Failures[0].Target != "nonsense" || o.Failures[0].Code != purge.CodeInvalidTarget {
		t.Errorf("failures %+v", o.Failures)
	}
	if o.Reason == nil || o.Reason.Field != "targets[1]" {
		t.Errorf("reason %+v, want one for targets[1]", o.Reason)
	}
}

func TestExpired_IsNotSubmitted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.provision()
	w.request(purge.Bulk, purge.Request{ID: "late", Targets: []string{url(1), url(2)}, Expires: time.Now().Add(-time.Second)})
	w.request(purge.Bulk, purge.Request{ID: "fine", Targets: []string{url(2)}, Expires: time.Now().Add(time.Hour)})
	w.start()
	events := w.await(2)
	if o := events["late"]; o.Status != purge.Expired {
		t.Errorf("late: %s", o.Status)
	}
	if o := events["fine"]; o.Status != purge.Completed {
		t.Errorf("fine: %s", o.Status)
	}
	if s := w.api.Stats(); s.Targets != 1 {
		t.Errorf("%d targets submitted, want 1", s.Targets)
	}
}

func TestUnknownZone_IsRejected(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) {
		c.Zones = map[string][]string{"zone-a": {"www.example.com", "*.wild.example"}}
	})
	w.provision()
	w.request(purge.Bulk, purge.Request{ID: "ours", Targets: []string{url(1), "https://x.wild.example/"}})
	w.request(purge.Bulk, purge.Request{ID: "mixed", Targets: []string{url(2), "https://foreign.example/"}})
	w.request(purge.Bulk, purge.Request{ID: "foreign", Targets: []string{"https://foreign.example/"}})
	w.start()
	events := w.await(3)
	for id, want := range map[string]purge.Status{"ours": purge.Completed, "mixed": purge.Partial, "foreign": purge.Rejected} {
		if o := events[id]; o.Status != want {
			t.Errorf("%s: %s, want %s (%v)", id, o.Status, want, o.Reason)
		}
	}
	if r := events["foreign"].Reason; r == nil || r.Code != purge.CodeZoneNotFound {
		t.Errorf("reason %v, want %s", r, purge.CodeZoneNotFound)
	}
}
