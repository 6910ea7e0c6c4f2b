package ledger_test

import (
	"fmt"
	"math"
	"testing"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/record"
)

// Jobs whose records were removed are stored again from memory, and end as what they are: also
// where new jobs have got their numbers, and where nobody noticed yet.
func TestLedger_StoresAgainWhatWasRemoved(t *testing.T) {
	t.Parallel()
	for _, anew := range []bool{false, true} {
		for _, noticed := range []bool{false, true} {
			t.Run(fmt.Sprintf("anew %t, noticed %t", anew, noticed), func(t *testing.T) {
				t.Parallel()
				store := newMemory()
				l := newLedger(store)
				const n = 5
				requests := make([]record.Request, 2*n)
				jobs := make([]*record.Job, 2*n)
				for i := range jobs {
					requests[i] = request(fmt.Sprintf("r%d", i), i+2) // of as many targets, to tell them apart
					jobs[i] = jobOf(fmt.Sprintf("job%d", i))
					for index := range requests[i].Total {
						if index == 0 {
							put(jobs[i], requests[i], false, index)
							continue
						}
						s := &jobs[i].Shares[0]
						s.Add(len(jobs[i].Targets), index)
						jobs[i].Targets = append(jobs[i].Targets, target(requests[i], index, false))
					}
					jobs[i].Rows = len(jobs[i].Targets)
				}
				before := must(t, l, jobs[:n]...)
				store.jobs.wipe(anew)
				after := must(t, l, jobs[n:]...)
				if noticed {
					if err := l.Recover(t.Context(), math.MaxUint64); err != nil {
						t.Fatal(err)
					}
					if got, _ := store.jobs.Count(t.Context()); got != 2*n {
						t.Errorf("%d jobs are stored, want %d", got, 2*n)
					}
					next := newLedger(store) // a leader that takes over
					if all, err := next.Load(t.Context()); err != nil || len(all) != 2*n {
						t.Errorf("the next leader finds %d jobs, %v, want %d", len(all), err, 2*n)
					}
				}
				for _, job := range append(before, after...) {
					ended(t, l, job, record.Outcome{})
				}
				for _, r := range requests {
					o, err := store.events.Find(t.Context(), []record.Key{r.Key()})
					if got := o[r.Key()]; err != nil || got.Targets.Succeeded != r.Total {
						t.Errorf("%s: got %d targets succeeded, %v, want %d", r.ID, got.Targets.Succeeded, err, r.Total)
					}
				}
				if got, _ := store.jobs.Count(t.Context()); got != 0 {
					t.Errorf("%d jobs are left", got)
				}
			})
		}
	}
}

// What failed of a job whose record was removed is sent again all the same.
func TestLedger_KeepsWhatIsLeftOfARemovedJob(t *testing.T) {
	t.Parallel()
	store := newMemory()
	var again []record.InFlight
	l := ledger.New(ledger.Config{Instance: "test", Attempts: 3, Retry: func(j record.InFlight) { again = append(again, j) }}, store.stores(), zap.NewNop())
	r := request("a", 1)
	j := jobOf("job")
	put(j, r, false, 0)
	f := must(t, l, j)[0]
	store.jobs.wipe(true)
	ended(t, l, f, record.Outcome{Rest: record.Result{Code: badCode, Retryable: true}})
	if len(again) != 1 {
		t.Fatalf("%d jobs are to be sent again, want 1", len(again))
	}
	left, err := l.RetryPart(t.Context(), again[0].Sequences[0])
	if err != nil || left == nil || len(left.Targets) != 1 {
		t.Errorf("got %v, %v, want the one target", left, err)
	}
}

// A replica that is not sure that it leads stores nothing again: the next leader may have ended the
// job.
func TestLedger_StoresNothingAgainWithoutTheLease(t *testing.T) {
	t.Parallel()
	store := newMemory()
	l := ledger.New(ledger.Config{Instance: "test", Leads: func() bool { return false }}, store.stores(), zap.NewNop())
	r := request("a", 1)
	j := jobOf("job")
	put(j, r, false, 0)
	must(t, l, j)
	store.jobs.wipe(false)
	if err := l.Recover(t.Context(), math.MaxUint64); err == nil {
		t.Error("got no error, want it to be left to the leader")
	}
	if got, _ := store.jobs.Count(t.Context()); got != 0 {
		t.Errorf("%d jobs are stored again", got)
	}
}
