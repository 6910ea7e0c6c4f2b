package ledger_test

import (
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/record"
)

// A leader that was stopped wakes up and stores a job that the next one has not seen.
func TestLedger_FindsWhatNobodyFollows(t *testing.T) {
	b := newBroker(t)
	next := newLedger(b)
	if jobs, err := next.Load(t.Context()); err != nil || len(jobs) != 0 {
		t.Fatalf("loaded %v, %v", jobs, err)
	}
	strays := func() int {
		t.Helper()
		found, err := next.OrphanedJobs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	own, late := jobOf("job-1"), jobOf("job-2")
	put(own, request("own", 1), false, 0)
	put(late, request("late", 1), false, 0)
	must(t, next, own)
	if n := strays(); n != 0 {
		t.Errorf("got %d strays of one's own, want none", n)
	}
	must(t, newLedger(b), late)
	if n := strays(); n != 0 {
		t.Errorf("got %d strays at first sight, want none: it may be stored right now", n)
	}
	if n := strays(); n != 1 {
		t.Errorf("got %d strays, want the late job", n)
	}
	if n := strays(); n != 0 {
		t.Errorf("got %d strays, want none twice", n)
	}
	if f := find(t, next, false, request("late", 1)); len(f) != 1 {
		t.Errorf("found %v, want the late request", f)
	}
}

// The leader before this one may end jobs that this one has loaded: they are not counted among those
// that it follows.
func TestLedger_FindsWhatNobodyFollowsThoughOthersWereEnded(t *testing.T) {
	b := newBroker(t)
	before, next := newLedger(b), newLedger(b)
	first, late := jobOf("job-1"), jobOf("job-2")
	put(first, request("first", 1), false, 0)
	put(late, request("late", 1), false, 0)
	must(t, before, first)
	loaded, err := next.Load(t.Context())
	if err != nil || len(loaded) != 1 {
		t.Fatalf("loaded %v, %v", loaded, err)
	}
	out := record.Outcome{Finished: time.Now()}
	for _, l := range []*ledger.Ledger{before, next} {
		if err := l.End(t.Context(), loaded[0], out); err != nil {
			t.Fatal(err)
		}
	}
	must(t, before, late)
	found := 0
	for range 3 {
		strays, err := next.OrphanedJobs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		found += len(strays)
	}
	if found != 1 {
		t.Errorf("got %d strays, want the late job", found)
	}
}

// What failed in such a job is not sent again for a request that was done meanwhile by another.
func TestLedger_SendsNothingAgainOfWhatIsPublished(t *testing.T) {
	store := newMemory()
	l := newPatient(store)
	first, second := jobOf("job-1"), jobOf("job-2")
	r := request("r", 1)
	put(first, r, false, 0)
	put(second, r, false, 0)
	jobs := must(t, l.Ledger, first, second)
	ended(t, l.Ledger, jobs[1], record.Outcome{})
	ended(t, l.Ledger, jobs[0], record.Outcome{Rest: record.Result{Code: "taskFailed", Retryable: true}})
	if len(l.again) != 0 {
		t.Errorf("%d things are to be sent again, want none: the request is told", len(l.again))
	}
}
