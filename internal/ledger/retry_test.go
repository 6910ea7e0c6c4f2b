package ledger_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// patient is a ledger that gives targets three attempts, and what it says is to be sent again.
type patient struct {
	*ledger.Ledger

	again []record.InFlight
}

func newPatient(store durable) *patient {
	p := new(patient)
	p.Ledger = ledger.New(ledger.Config{Instance: "test", Attempts: 3, Retry: func(j record.InFlight) {
		p.again = append(p.again, j)
	}}, store.stores(), zap.NewNop())
	return p
}

// failing is the outcome of bad targets that another attempt may help.
func failing(requests ...record.Request) record.Outcome {
	out := outcome(requests...)
	for i := range out.Rows {
		if r := &out.Rows[i].Result; r.Code != "" {
			r.Retryable = true
		}
	}
	return out
}

// resend does what the worker does with the one thing that is to be sent again.
func (p *patient) resend(t *testing.T, id string) record.InFlight {
	t.Helper()
	if len(p.again) != 1 {
		t.Fatalf("%d things are to be sent again, want 1", len(p.again))
	}
	sequence := p.again[0].Sequences[0]
	p.again = nil
	left, err := p.RetryPart(t.Context(), sequence)
	if err != nil || left == nil {
		t.Fatalf("read what is left: %v, %v", left, err)
	}
	next := *left
	next.ID, next.Due = id, time.Time{}
	next.Shares = slices.Clone(left.Shares)
	for i := range next.Shares {
		next.Shares[i].Attempts++
	}
	job := must(t, p.Ledger, &next)[0]
	if err := p.Drop(t.Context(), left, sequence); err != nil {
		t.Fatal(err)
	}
	return job
}

func TestLedger_KeepsWhatFailedForAnotherAttempt(t *testing.T) {
	store := newMemory()
	l := newPatient(store)
	good, mixed := request("good", 2), request("mixed", 9)
	job := jobOf("job-1")
	put(job, good, false, 0, 1)
	put(job, mixed, false, 0, 1, 2, 3, 4, 5, 6, 7, 8)
	stored := must(t, l.Ledger, job)[0]
	ended(t, l.Ledger, stored, failing(good, mixed))

	told := store.events.published(t, "ghost")
	if _, early := told[mixed.Key()]; early || len(told) != 1 {
		t.Errorf("told %v, want good alone", told)
	}
	left, err := l.RetryPart(t.Context(), l.again[0].Sequences[0])
	if err != nil {
		t.Fatal(err)
	}
	want := []string{target(mixed, 2, true), target(mixed, 5, true), target(mixed, 8, true)}
	if diff := cmp.Diff(want, left.Targets); diff != "" {
		t.Errorf("targets to be sent again (-want +got):\n%s", diff)
	}
	if wait := time.Until(left.Due); wait < time.Second || wait > 3*time.Second {
		t.Errorf("due in %v, want about 2 s", wait)
	}
	if len(left.Shares) != 1 || left.Shares[0].Attempts != 1 || !left.Shares[0].MultiJob {
		t.Errorf("shares are %+v, want one that spans, of one attempt", left.Shares)
	}
	if f := find(t, l.Ledger, true, mixed)[mixed.Key()]; !f.AllRecorded() || f.Ended {
		t.Errorf("the request is found as %+v, want all of it held", f)
	}

	// Another process takes over.
	next := newPatient(store)
	jobs, err := next.Load(t.Context())
	if err != nil || len(jobs) != 1 || !jobs[0].IsRetryPart() {
		t.Fatalf("loaded %+v, %v, want what is left", jobs, err)
	}
	next.again = jobs
	ended(t, next.Ledger, next.resend(t, "job-2"), record.Outcome{})
	o := store.events.published(t, "ghost")[mixed.Key()].Data
	if o.Status != purge.Completed || o.Attempts != 2 || !slices.Equal(o.Jobs, []string{"job-1", "job-2"}) {
		t.Errorf("event says %s after %d attempts in %v, want completed after 2", o.Status, o.Attempts, o.Jobs)
	}
	if left := parts(t, store); len(left) != 0 || len(next.again) != 0 {
		t.Errorf("parts %v are left, %v to be sent", left, next.again)
	}
	if n := next.Indexed(); n != 0 {
		t.Errorf("%d requests are in the index, want none", n)
	}
}

func TestLedger_PublishesAFailureAfterTheLastAttempt(t *testing.T) {
	store := newMemory()
	l := newPatient(store)
	r := request("r", 3)
	job := jobOf("job-1")
	put(job, r, false, 0, 1, 2)
	stored := must(t, l.Ledger, job)[0]
	for i := range 3 {
		ended(t, l.Ledger, stored, failing(r))
		if i < 2 {
			if told := store.events.published(t, "ghost"); len(told) != 0 {
				t.Fatalf("attempt %d: told %v", i+1, told)
			}
			stored = l.resend(t, fmt.Sprintf("job-%d", i+2))
		}
	}
	o := store.events.published(t, "ghost")[r.Key()].Data
	want := []purge.Failure{{Target: target(r, 2, true), Code: badCode, Reason: "node 7 is on fire"}}
	if diff := cmp.Diff(want, o.Failures); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	reason := purge.Reason{Code: purge.CodeAttemptsExhausted, Message: "1 of 3 targets were not purged in 3 attempts"}
	if o.Status != purge.Partial || o.Attempts != 3 || o.Reason == nil || *o.Reason != reason {
		t.Errorf("event says %s after %d attempts because %v, want partial after 3 because %v", o.Status, o.Attempts, o.Reason, reason)
	}
	if len(l.again) != 0 || len(parts(t, store)) != 0 {
		t.Errorf("%v is to be sent again", l.again)
	}
}

// Each call of the store fails once, whether or not it was carried out.
func TestLedger_KeepsWhatFailedThroughFaults(t *testing.T) {
	for _, kind := range []fault{before, after} {
		for at := 1; ; at++ {
			store := newMemory()
			f := &faulty{under: store}
			l := newPatient(f)
			good, bad := request("good", 2), request("bad", 6)
			job := jobOf("job-1")
			put(job, good, false, 0, 1)
			put(job, bad, false, 0, 1, 2, 3, 4, 5)
			stored := must(t, l.Ledger, job)[0]
			first := f.calls
			f.plan = func(call int, _ string) fault {
				if call == first+at {
					return kind
				}
				return none
			}
			ended(t, l.Ledger, stored, failing(good, bad))
			done := f.calls < first+at
			f.plan = nil
			ended(t, l.Ledger, l.resend(t, "job-2"), record.Outcome{})
			if o := store.events.published(t, "ghost"); len(o) != 2 || o[bad.Key()].Data.Status != purge.Completed {
				t.Errorf("fault %d, %s: told %v", at, faultNames[kind], o)
			}
			if left := parts(t, store); len(left) != 0 {
				t.Errorf("fault %d, %s: parts %v are left", at, faultNames[kind], left)
			}
			if done {
				break
			}
		}
	}
}

func TestLedger_SplitsWhatNoLongerFits(t *testing.T) {
	store := newMemory()
	f := &faulty{under: store}
	l := newPatient(f)
	job := jobOf("job-1")
	var all []record.Request
	for i := range 20 {
		r := request(fmt.Sprintf("r%d", i), 3)
		put(job, r, false, 2)
		job.Shares[i].Total = 1
		job.Shares[i].Runs[0][1] = 0
		r.Total = 3
		all = append(all, r)
	}
	f.limit = 20000
	stored := must(t, l.Ledger, job)[0]
	f.limit = 3000
	ended(t, l.Ledger, stored, failing(all...))
	if len(l.again) < 2 || len(l.again) != len(parts(t, store)) {
		t.Fatalf("got %d parts to be sent again of %d stored, want several", len(l.again), len(parts(t, store)))
	}
	targets := 0
	for _, j := range l.again {
		left, err := l.RetryPart(t.Context(), j.Sequences[0])
		if err != nil || left == nil {
			t.Fatalf("read what is left: %v", err)
		}
		targets += len(left.Targets)
	}
	if targets != 20 {
		t.Errorf("%d targets are to be sent again, want 20", targets)
	}
}

// A task may fail after it was accepted because the day is spent: that is no attempt.
func TestLedger_CountsNoAttemptWhenTheDayIsExhausted(t *testing.T) {
	store := newMemory()
	l := newPatient(store)
	r := request("r", 3)
	job := jobOf("job-1")
	put(job, r, false, 0, 1, 2)
	stored := must(t, l.Ledger, job)[0]
	out := outcome(r)
	for i := range out.Rows {
		if r := &out.Rows[i].Result; r.Code != "" {
			r.QuotaExhausted = true
		}
	}
	for i := range 5 {
		ended(t, l.Ledger, stored, out)
		if len(l.again) != 1 || !l.again[0].QuotaExhausted || time.Until(l.again[0].Due) < 50*time.Second {
			t.Fatalf("got %+v to be sent again, want what the spent day left, in a minute", l.again)
		}
		stored = l.resend(t, fmt.Sprintf("job-%d", i+2))
	}
	ended(t, l.Ledger, stored, record.Outcome{})
	if o := store.events.published(t, "ghost")[r.Key()].Data; o.Status != purge.Completed || o.Attempts != 1 {
		t.Errorf("event says %s after %d attempts, want completed after 1", o.Status, o.Attempts)
	}
}

// A crash may come between the storing of what is left and the removal of the job.
func TestLedger_LoadsEitherTheJobOrWhatIsLeft(t *testing.T) {
	store := newMemory()
	f := &faulty{under: store}
	l := newPatient(f)
	r := request("r", 3)
	job := jobOf("job-1")
	put(job, r, false, 0, 1, 2)
	stored := must(t, l.Ledger, job)[0]
	ctx, crash := context.WithCancel(t.Context())
	f.look = func(method string) {
		if method == "Jobs.Delete" {
			crash()
		}
	}
	f.plan = func(_ int, method string) fault {
		if method == "Jobs.Delete" {
			return before
		}
		return none
	}
	if err := l.End(ctx, stored, failing(r)); err == nil {
		t.Fatal("ended through the crash")
	}
	f.look, f.plan = nil, nil
	if got := parts(t, store); len(got) != 2 {
		t.Fatalf("parts %v are stored, want both", got)
	}
	next := newPatient(store)
	jobs, err := next.Load(t.Context())
	if err != nil || len(jobs) != 1 || !jobs[0].IsRetryPart() || len(parts(t, store)) != 1 {
		t.Fatalf("loaded %+v, %v, want what is left alone", jobs, err)
	}
	next.again = jobs
	ended(t, next.Ledger, next.resend(t, "job-2"), record.Outcome{})
	if o := store.events.published(t, "ghost")[r.Key()].Data; o.Status != purge.Completed || next.Indexed() != 0 {
		t.Errorf("event says %s, want completed; %d in the index", o.Status, next.Indexed())
	}
}

// What is left may need several parts: only all of them stand for the job.
func TestLedger_LoadsTheJobUntilAllOfItsRestIsStored(t *testing.T) {
	store := newMemory()
	f := &faulty{under: store}
	l := newPatient(f)
	job := jobOf("job-1")
	var all []record.Request
	for i := range 20 {
		r := request(fmt.Sprintf("r%d", i), 3)
		put(job, r, false, 2)
		job.Shares[i].Total = 1
		job.Shares[i].Runs[0][1] = 0
		all = append(all, r)
	}
	f.limit = 20000
	stored := must(t, l.Ledger, job)[0]
	f.limit = 3000
	ctx, crash := context.WithCancel(t.Context())
	f.plan = func(_ int, method string) fault {
		if method == "Jobs.PutRetryPart" && len(parts(t, store)) == 2 {
			crash()
			return before
		}
		return none
	}
	if err := l.End(ctx, stored, failing(all...)); err == nil {
		t.Fatal("ended through the crash")
	}
	f.plan = nil
	next := newPatient(f)
	jobs, err := next.Load(t.Context())
	if err != nil || len(jobs) != 1 || jobs[0].IsRetryPart() {
		t.Fatalf("loaded %d, %v, want the job alone", len(jobs), err)
	}
	ended(t, next.Ledger, jobs[0], failing(all...))
	targets := 0
	for _, j := range next.again {
		left, err := next.RetryPart(t.Context(), j.Sequences[0])
		if err != nil || left == nil {
			t.Fatalf("read what is left: %v", err)
		}
		targets += len(left.Targets)
	}
	if targets != 20 || len(next.again) != len(parts(t, store)) {
		t.Errorf("%d targets in %d parts are to be sent again, want 20 in all %d", targets, len(next.again), len(parts(t, store)))
	}
}
