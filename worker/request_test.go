package worker

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/inflight"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/internal/zone"
	"github.com/edgepurge/edgepurge/purge"
)

// held makes a request that a worker holds, with its targets in line.
func held(w *Worker, home purge.Lane, id string, n int) *request {
	r := &request{
		Request: inflight.New(
			record.Request{Source: "test", ID: id, Lane: home, Type: purge.URL, Total: n},
			purge.Request{ID: id, Zone: "zone-a", Type: purge.URL, Targets: pages(n)},
		),
		cameBy: home, from: w.table.inbox.Lane(home, w.lanes[home]),
	}
	w.table.register(arrival{request: r, delivery: inbox.Delivery{Receipt: new(inbox.Receipt)}})
	r.receipts = nil // no message stands behind it
	w.admitter.place(r, nil)
	return r
}

func TestRetryDelay_Grows(t *testing.T) {
	for tries, most := range []time.Duration{300 * time.Millisecond, 600 * time.Millisecond, 1200 * time.Millisecond} {
		for range 100 {
			if d := retryDelay(tries); d < most/3 || d > most {
				t.Fatalf("try %d: got %v, want %v to %v", tries, d, most/3, most)
			}
		}
	}
	if d := retryDelay(1000); d < backoffMax/2 || d > backoffMax+backoffMax/2 {
		t.Errorf("got %v, want about %v", d, backoffMax)
	}
}

func TestRequest_CountsWhatIsFiledRecordedAndRefused(t *testing.T) {
	w := newWorld().worker()
	r := held(w, purge.Bulk, "a", 20)
	batch := w.batcher.Next(time.Now().Add(time.Hour))
	left, right := batch.Halve()
	answer := edgeone.Created{JobID: "job", Refused: []edgeone.Refusal{{Targets: []string{page(3)}, Reason: "no"}}}
	f := w.recorder.buildJob(left, answer, refusals(left, answer), time.Now())
	if r.Waiting() != 10 || r.Open() != 19 || !f.job.Shares[0].MultiJob || f.job.Rows != 9 {
		t.Errorf("filed: got %d in no job, %d in no record, job %+v", r.Waiting(), r.Open(), f.job)
	}
	w.recorder.recorded(f)
	if failures, sent := r.Failures(); r.Open() != 10 || len(failures) != 1 || failures[0].Code != record.CodeRefused || !sent || len(f.done) != 0 {
		t.Errorf("recorded: got %d in no record, failures %+v", r.Open(), failures)
	}
	if r.Body.Targets[0] != "" || r.Body.Targets[10] != page(10) || w.table.budget.Used(purge.Bulk) != r.Load() {
		t.Errorf("got a weight of %d and targets %q, want to let go of the recorded ones", w.table.budget.Used(purge.Bulk), r.Body.Targets)
	}
	f = w.recorder.buildJob(right, edgeone.Created{JobID: "next"}, refusedTargets{}, time.Now())
	w.recorder.recorded(f)
	if !r.Done() || len(f.done) != 1 || r.Ending() != inflight.InSeveralJobs {
		t.Errorf("got %d left, ending %v, want the request to be done", r.Open(), r.Ending())
	}
	w.table.forget(r)
	if w.table.budget.Used(purge.Bulk) != 0 {
		t.Errorf("got a weight of %d, want none", w.table.budget.Used(purge.Bulk))
	}
}

func TestRequest_LargeOnesWeighOnTheBulkWindow(t *testing.T) {
	w := newWorld().worker()
	many := held(w, purge.Interactive, "large", 3000)
	held(w, purge.Interactive, "small", 500)
	if i, b := w.table.budget.Room(purge.Interactive), w.table.budget.Room(purge.Bulk); i != 500 || b != 7000 {
		t.Errorf("got room for %d and %d, want 500 and 7000", i, b)
	}
	more := held(w, purge.Interactive, "more", 7000)
	if i, b := w.table.budget.Room(purge.Interactive), w.table.budget.Room(purge.Bulk); i != 0 || b != 0 {
		t.Errorf("got room for %d and %d, want none: large ones fill a window (I5)", i, b)
	}
	w.table.forget(many)
	w.table.forget(more)
	if i, b := w.table.budget.Room(purge.Interactive), w.table.budget.Room(purge.Bulk); i != 500 || b != 10_000 {
		t.Errorf("got room for %d and %d, want 500 and 10000", i, b)
	}
}

func TestExpire_EndsWhatWasNotSentInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.create = func(p edgeone.Purge) (edgeone.Created, error) {
			if p.Zone == "zone-lost" {
				return edgeone.Created{}, &edgeone.Error{Action: "CreatePurgeTask", Message: "reset", Sent: true}
			}
			return edgeone.Created{}, errDay
		}
		w.quota = func() (map[purge.Type]edgeone.Quota, error) { return rows(0), nil }
		stop := w.run(t, w.worker())
		soon := time.Now().Add(10 * time.Second)
		w.give(t, purge.Bulk, 1, purge.Request{ID: "spent", Zone: "zone-a", Targets: pages(2), Expires: soon})
		w.give(t, purge.Bulk, 2, purge.Request{ID: "lost", Zone: "zone-lost", Targets: pages(2), Expires: soon})
		w.give(t, purge.Bulk, 3, purge.Request{ID: "kept", Zone: "zone-a", Targets: pages(2)})
		wait.Sleep(t.Context(), time.Minute)
		if err := stop(); err != nil {
			t.Error(err)
		}
		for id, want := range map[string]purge.Status{"spent": purge.Expired, "lost": purge.Failed, "kept": ""} {
			if o := w.events[id]; o.Status != want {
				t.Errorf("%s: got %q, want %q", id, o.Status, want)
			}
		}
		if o := w.events["lost"]; o.Attempts != 1 || o.Reason == nil || o.Reason.Code != purge.CodeExpired {
			t.Errorf("lost: got %d attempts, reason %v, want one and %s", o.Attempts, o.Reason, purge.CodeExpired)
		}
		if len(w.letters) > 0 {
			t.Errorf("got dead letters %+v, want none", w.letters)
		}
	})
}

func TestExpire_InYearOneIsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		stop := w.run(t, w.worker())
		for i, field := range []string{`"expires":"0001-01-01T00:00:00Z",`, `"expires":"1999-12-31T23:59:59Z",`, `"time":"0001-01-01T00:00:00Z",`, ""} {
			w.lanes[purge.Bulk].deliveries <- record.Delivery{
				Subject: "purge.requests.bulk.test", Sequence: uint64(i + 1), Stored: time.Now(), Count: 1, Reply: strconv.Itoa(i),
				Data: fmt.Appendf(nil, `{"id":"r%d",%s"zone":"zone-a","targets":["https://a.example/%d"]}`, i, field, i),
			}
		}
		wait.Sleep(t.Context(), time.Minute)
		if err := stop(); err != nil {
			t.Error(err)
		}
		for id, want := range map[string]purge.Status{"r0": purge.Expired, "r1": purge.Expired, "r2": "", "r3": ""} { // the others are sent
			if o := w.events[id]; o.Status != want {
				t.Errorf("%s: got %q, want %q", id, o.Status, want)
			}
		}
		if o := w.events["r0"]; o.Reason == nil || !strings.Contains(o.Reason.Message, "0001-01-01T00:00:00Z") {
			t.Errorf("got reason %v, want the time of the message", o.Reason)
		}
	})
}

func TestRecord_ThatCanNotBeEncodedEndsItsTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.limit = 700 // less than the labels below take
		stop := w.run(t, w.worker())
		big := purge.Request{ID: "big", Targets: pages(2), Labels: make(map[string]string)}
		for i := range 10 {
			big.Labels[strconv.Itoa(i)] = fmt.Sprintf("%0100d", i)
		}
		w.give(t, purge.Bulk, 1, big)
		wait.Sleep(t.Context(), 10*time.Second)
		if err := stop(); err != nil {
			t.Error(err)
		}
		o := w.events["big"]
		if o.Status != purge.Failed || o.Reason == nil || o.Reason.Code != purge.CodeTooLarge || o.Targets.Failed != 2 {
			t.Errorf("got %s with %+v (%v), want failed for %s", o.Status, o.Targets, o.Reason, purge.CodeTooLarge)
		}
		if len(w.calls) != 1 || len(w.acked) != 1 || len(w.naked) != 0 {
			t.Errorf("%d calls, %v acked, %v given back, want the request to be done after one", len(w.calls), w.acked, w.naked)
		}
	})
}

func TestRejected_IsBuriedAlsoAfterItWaitedForItsZone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		asked := 0
		w.zone = func(string) (string, error) {
			if asked++; asked < 10 {
				return "", zone.ErrPending
			}
			return "", zone.ErrUnknown
		}
		stop := w.run(t, w.worker())
		w.give(t, purge.Bulk, 1, purge.Request{ID: "a", Targets: pages(1)})
		for range 10 {
			wait.Sleep(t.Context(), time.Second)
			w.updated <- struct{}{}
		}
		wait.Sleep(t.Context(), time.Minute)
		if err := stop(); err != nil {
			t.Error(err)
		}
		if o := w.events["a"]; o.Status != purge.Rejected || len(w.letters) != 1 {
			t.Fatalf("got %s and %d dead letters, want rejected and one", o.Status, len(w.letters))
		}
		l := w.letters[0]
		if l.Code != purge.CodeZoneNotFound || l.Sequence != 1 || len(l.Data) == 0 || l.Subject != "purge.requests.bulk.test" {
			t.Errorf("got %+v, want the original message and why", l)
		}
	})
}

func TestRefusals_HaveACode(t *testing.T) {
	for want, err := range map[string]*edgeone.Error{
		"LimitExceeded.BatchQuota": {Code: "LimitExceeded.BatchQuota", Sent: true},
		purge.CodeTooLarge:         {Status: http.StatusRequestEntityTooLarge, Sent: true},
		noJobCode:                  {Status: http.StatusOK, Sent: true},
	} {
		if got := codeOf(err); got != want {
			t.Errorf("%v: got %s, want %s", err, got, want)
		}
	}
}
