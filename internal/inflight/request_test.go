package inflight

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

func targets(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = target(i)
	}
	return all
}

// What EdgeOne failed of a job comes back as the part of each request that was in it; its other
// targets are recorded elsewhere.
func TestRetry_IsAShareOfAJob(t *testing.T) {
	t.Parallel()
	s := record.Share{
		Request: record.Request{ID: "a", Total: 5, Type: purge.URL}, Attempts: 2, Runs: [][3]int{{0, 1, 2}, {4, 4, 1}},
	}
	job := []string{"one", "two", "x", "y", "four"}
	r := NewRetry(&s, job)
	want := []string{"", "one", "two", "", "four"}
	if !slices.Equal(r.Body.Targets, want) || r.Waiting() != 3 || r.Attempts != 2 {
		t.Errorf("got %q with %d waiting after %d attempts, want %q", r.Body.Targets, r.Waiting(), r.Attempts, want)
	}
	if r.Waits(0) || !r.Waits(1) || r.Fail(0, "no", "", "") || r.Assign(3) {
		t.Error("targets that are not in the share are open")
	}
	for _, i := range []int{1, 2, 4} {
		if !r.Assign(i) {
			t.Fatalf("target %d is not open", i)
		}
	}
	if several, _ := r.Filed(); !several {
		t.Error("its job would be taken for the only record")
	}
	if r.Record(1, 2) || !r.Record(4, 1) || r.Ending() != InJobs {
		t.Errorf("done is %t, ends %v, want it to be done with its last target, in its jobs", r.Done(), r.Ending())
	}
}

// The empty targets of a request that was parked in part stand in records; those of a message are
// just not valid.
func TestFound_TellsWhatStandsInRecords(t *testing.T) {
	t.Parallel()
	body := purge.Request{Targets: []string{"", "one", "two"}}
	fresh := New(record.Request{Total: 3}, body)
	if fresh.Found(nil); fresh.Waiting() != 3 || fresh.Begun() {
		t.Errorf("%d wait, begun is %t, want all to wait", fresh.Waiting(), fresh.Begun())
	}
	parked := NewParked(&record.Parked{Request: record.Request{Total: 3}, Body: body, Partial: true})
	if parked.Found([]bool{false, true}); parked.Waiting() != 1 || !parked.Waits(2) || !parked.Begun() {
		t.Errorf("%d wait, begun is %t, want the last to wait", parked.Waiting(), parked.Begun())
	}
	if parked.Found([]bool{true, true, true}); !parked.Done() || parked.Ending() != InJobs {
		t.Errorf("done is %t, ends %v, want the records to make its event (I1)", parked.Done(), parked.Ending())
	}
}

func TestRequest_WeighsLessOnceItIsRecorded(t *testing.T) {
	t.Parallel()
	r := New(record.Request{Total: 20}, purge.Request{Targets: targets(20)})
	if r.Load() != 20 {
		t.Errorf("takes %d, want 20", r.Load())
	}
	for i := range 10 {
		r.Assign(i)
	}
	r.Fail(3, "refused", "no", "")
	r.Record(0, 10)
	if want := 11 + 9/recordedShare; r.Load() != want || r.Body.Targets[0] != "" || r.Body.Targets[3] == "" {
		t.Errorf("takes %d and has %q, want %d", r.Load(), r.Body.Targets[:4], want)
	}
	if r.Shed(); r.Body.Targets != nil || r.failures != nil {
		t.Error("what is not needed any more is kept")
	}
}

func TestRequest_OfAllHasOneTarget(t *testing.T) {
	t.Parallel()
	r := New(record.Request{Total: 1, Type: purge.All}, purge.Request{Type: purge.All})
	if !r.Waits(0) || !r.Assign(0) || r.Done() || !r.Record(0, 1) {
		t.Errorf("got %+v, want one target", r)
	}
	r = New(record.Request{Total: 1, Type: purge.All}, purge.Request{Type: purge.All})
	if r.Assign(0); !r.Fail(0, "no", "", "") || r.Ending() != InNoJob {
		t.Errorf("got %+v, want it to fail", r)
	}
}

// An event lists so many failures, and one that says that the request expired is always among them.
func TestTally_ListsWhatAnEventDoes(t *testing.T) {
	t.Parallel()
	const total = purge.MaxFailures + 50
	cases := map[string]int{"none": -1, "the first": 0, "one that is listed": 99, "the last": total - 1}
	for name, expired := range cases {
		r := New(record.Request{Total: total}, purge.Request{Targets: make([]string, total)})
		for i := range total {
			code := purge.CodeInvalidTarget
			if i == expired {
				code = purge.CodeExpired
			}
			r.Fail(i, code, "why", fmt.Sprintf("targets[%d]", i))
		}
		want := purge.Rejected
		if expired >= 0 {
			want = purge.Expired
		}
		tally := r.Tally()
		o := tally.Outcome(time.Time{})
		listed, omitted := len(o.Failures), o.FailuresOmitted
		if o.Status != want || listed != purge.MaxFailures || omitted != 50 || o.Targets.Failed != total {
			t.Errorf("%s expired: got %s, %d failures and %d more of %d, want %s",
				name, o.Status, listed, omitted, o.Targets.Failed, want)
		}
		if len(tally.Failures) > purge.MaxFailures {
			t.Errorf("%s expired: the tally lists %d failures, want at most %d",
				name, len(tally.Failures), purge.MaxFailures)
		}
	}
}
