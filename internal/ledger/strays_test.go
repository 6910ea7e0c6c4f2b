package ledger_test

import "testing"

// An owner that was stopped wakes up and stores a job that the next one has not seen.
func TestLedger_FindsWhatNobodyFollows(t *testing.T) {
	b := newBroker(t)
	next := newLedger(b)
	if jobs, err := next.Load(t.Context()); err != nil || len(jobs) != 0 {
		t.Fatalf("loaded %v, %v", jobs, err)
	}
	strays := func() int {
		t.Helper()
		found, err := next.Strays(t.Context())
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
