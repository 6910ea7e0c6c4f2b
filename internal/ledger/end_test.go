package ledger_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

func TestLedger_PublishesTheResultOfEachRequest(t *testing.T) {
	b := newBroker(t)
	var mu sync.Mutex
	var told []string
	l := ledger.New(ledger.Config{Instance: "test", Published: func(e purge.Event) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, e.Subject)
	}}, b.stores(), zap.NewNop())
	good, mixed, bad := request("good", 2), request("mixed", 5), request("bad", 3)
	job := jobOf("job-1")
	put(job, good, false, 0, 1)
	s := put(job, mixed, false, 0, 1, 2, 3)
	s.EarlierFailures = []record.Failure{{Index: 4, Target: "htp://typo", Code: purge.CodeInvalidTarget, Reason: "the scheme is missing", Field: "targets[4]"}}
	put(job, bad, false, 2)
	job.Shares[2].EarlierFailures = []record.Failure{
		{Index: 0, Target: "a", Code: purge.CodeInvalidTarget}, {Index: 1, Target: "b", Code: purge.CodeInvalidTarget},
	}
	before := time.Now()
	ended(t, l, must(t, l, job)[0], outcome(good, mixed, bad))

	want := map[string]purge.Outcome{
		"good": {
			Status: purge.Completed, Targets: purge.Counts{Total: 2, Succeeded: 2},
		},
		"mixed": {
			Status: purge.Partial, Targets: purge.Counts{Total: 5, Succeeded: 3, Failed: 2},
			Failures: []purge.Failure{
				{Target: "htp://typo", Code: purge.CodeInvalidTarget, Reason: "the scheme is missing"},
				{Target: target(mixed, 2, true), Code: badCode, Reason: "node 7 is on fire"},
			},
			Reason: &purge.Reason{Code: purge.CodeInvalidTarget, Message: "the scheme is missing", Field: "targets[4]"},
		},
		"bad": {
			Status: purge.Failed, Targets: purge.Counts{Total: 3, Failed: 3},
			Failures: []purge.Failure{
				{Target: "a", Code: purge.CodeInvalidTarget, Reason: purge.CodeInvalidTarget},
				{Target: "b", Code: purge.CodeInvalidTarget, Reason: purge.CodeInvalidTarget},
				{Target: target(bad, 2, true), Code: badCode, Reason: "node 7 is on fire"},
			},
			Reason: &purge.Reason{Code: purge.CodeInvalidTarget, Message: purge.CodeInvalidTarget},
		},
	}
	all := events(t, b, "ghost")
	for id, o := range want {
		e := all[record.Key{Source: "ghost", ID: id}]
		if e.Source != "/edgepurge/test" || e.Subject != "ghost/"+id {
			t.Errorf("event of %s is from %q about %q", id, e.Source, e.Subject)
		}
		finished := e.Data.Times.Finished
		if finished.Before(before.Add(-time.Second)) || finished.After(time.Now()) {
			t.Errorf("%s finished at %v, want now", id, finished)
		}
		o.Request, o.Source, o.Lane, o.Type, o.Zones = id, "ghost", purge.Bulk, purge.URL, []string{testZone}
		o.Jobs, o.Attempts, o.Digest, o.Labels = []string{"job-1"}, 1, "digest of "+id, map[string]string{"post": id}
		o.Times = purge.Times{Requested: requested, Received: received, Submitted: submitted, Finished: finished}
		if diff := cmp.Diff(o, e.Data); diff != "" {
			t.Errorf("event of %s (-want +got):\n%s", id, diff)
		}
	}
	slices.Sort(told)
	if diff := cmp.Diff([]string{"ghost/bad", "ghost/good", "ghost/mixed"}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if got := parts(t, b); len(got) != 0 {
		t.Errorf("parts %v are left, want none", got)
	}
	if got := l.Indexed(); got != 0 {
		t.Errorf("%d requests are left in the index, want none", got)
	}
}

// spread makes a request that lies in three jobs, the last of which has two parts, with one target
// that was refused.
func spread(t *testing.T, f *faulty) (*ledger.Ledger, record.Request, []record.InFlight) {
	t.Helper()
	f.limit = 3000
	l := newLedger(f)
	r := request("spread", 60)
	one, two, three := jobOf("job-1"), jobOf("job-2"), jobOf("job-3")
	two.Zone, two.Submitted = "zone-2", submitted.Add(-time.Minute)
	put(one, r, true, 0, 1)
	put(two, r, true, 2)
	var rest []int
	for i := 3; i < 59; i++ {
		rest = append(rest, i)
	}
	put(three, r, true, rest...).Attempts = 2
	jobs := must(t, l, one, two, three)
	if n := len(jobs[2].Sequences); n < 2 {
		t.Fatalf("the third job has %d parts, want several", n)
	}
	return l, r, jobs
}

func TestLedger_PublishesAMultiJobRequestAtItsLastTarget(t *testing.T) {
	refused := []record.Failure{{Index: 59, Target: "the last", Code: "InvalidParameter.Target", Reason: "refused"}}
	for at := range 4 { // the refusal comes before, between and after the jobs' ends
		t.Run(fmt.Sprintf("refused at %d", at), func(t *testing.T) {
			b := newBroker(t)
			f := &faulty{under: b}
			l, r, jobs := spread(t, f)
			for step, i := range []int{0, 1, 2, 3} {
				noEvent(t, b, r, fmt.Sprintf("before step %d", step))
				switch {
				case i == at:
					if err := l.RecordFailures(t.Context(), r, refused, true); err != nil {
						t.Fatal(err)
					}
				case i > at:
					ended(t, l, jobs[i-1], outcome(r))
				default:
					ended(t, l, jobs[i], outcome(r))
				}
			}
			o := oneEvent(t, b, r)
			want := []string{"InvalidParameter.Target the last"}
			for i := 2; i < 59; i += 3 {
				want = append(want, badCode+" "+target(r, i, true))
			}
			slices.Sort(want)
			if diff := cmp.Diff(want, failures(o)); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(purge.Counts{Total: 60, Succeeded: 40, Failed: 20}, o.Targets); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			slices.Sort(o.Jobs)
			slices.Sort(o.Zones)
			got := purge.Outcome{Status: o.Status, Jobs: o.Jobs, Zones: o.Zones, Attempts: o.Attempts, Times: o.Times, Digest: o.Digest}
			wantRest := purge.Outcome{
				Status: purge.Partial, Jobs: []string{"job-1", "job-2", "job-3"}, Zones: []string{testZone, "zone-2"}, Attempts: 2,
				Digest: r.Digest,
				Times: purge.Times{
					Requested: requested, Received: received, Submitted: submitted, Finished: o.Times.Finished,
				},
			}
			if diff := cmp.Diff(wantRest, got); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
			if p := progress(t, b, r); p == nil || !p.Closed {
				t.Errorf("progress is %+v, want it closed", p)
			}
			if n := len(f.keeps); !f.keeps[n-1] || slices.Contains(f.keeps[:n-1], true) {
				t.Errorf("progress was written with a time to live in %v, want at the closing write alone", f.keeps)
			}
		})
	}
}

func TestLedger_SuccessBeatsFailure(t *testing.T) {
	b := newBroker(t)
	l := newLedger(b)
	r := request("again", 2)
	one, two := jobOf("job-1"), jobOf("job-2")
	put(one, r, true, 0)
	put(two, r, true, 0, 1) // its first target was sent once more
	jobs := must(t, l, one, two)
	ended(t, l, jobs[0], record.Outcome{Rest: record.Result{Code: purge.CodeDeadline}})
	noEvent(t, b, r, "with a target open")
	ended(t, l, jobs[1], record.Outcome{})
	o := oneEvent(t, b, r)
	if o.Status != purge.Completed || len(o.Failures) != 0 {
		t.Errorf("event says %s with failures %v, want completed", o.Status, o.Failures)
	}
}

func TestLedger_RecordingAllFailuresEndsARequest(t *testing.T) {
	for _, tt := range []struct {
		sent bool
		want purge.Status
	}{{true, purge.Failed}, {false, purge.Rejected}} {
		t.Run(string(tt.want), func(t *testing.T) {
			b := newBroker(t)
			l := newLedger(b)
			r := request("refused", 2)
			for i := range 2 {
				noEvent(t, b, r, "with a target open")
				err := l.RecordFailures(t.Context(), r, []record.Failure{{Index: i, Target: "x", Code: "NotGood"}}, tt.sent && i == 0)
				if err != nil {
					t.Fatal(err)
				}
			}
			if o := oneEvent(t, b, r); o.Status != tt.want || o.Targets.Failed != 2 {
				t.Errorf("event says %s of %+v, want %s", o.Status, o.Targets, tt.want)
			}
		})
	}
}

func TestLedger_EndingTwicePublishesOnce(t *testing.T) {
	b := newBroker(t)
	l := newLedger(b)
	alone, both := request("alone", 3), request("both", 3)
	one, two := jobOf("job-1"), jobOf("job-2")
	put(one, alone, false, 0, 1, 2)
	put(one, both, true, 0, 1)
	put(two, both, true, 2)
	jobs := must(t, l, one, two)
	out := outcome(alone, both)
	for _, job := range jobs {
		ended(t, l, job, out)
		ended(t, l, job, record.Outcome{}) // another outcome comes too late
		ended(t, newLedger(b), job, out)
	}
	for _, r := range []record.Request{alone, both} {
		if o := oneEvent(t, b, r); o.Targets != (purge.Counts{Total: 3, Succeeded: 2, Failed: 1}) {
			t.Errorf("%s has %+v, want 2 of 3", r.ID, o.Targets)
		}
	}
}

// A crash may leave a job whose requests have all been told.
func TestLedger_EndingAPublishedJobWritesNothing(t *testing.T) {
	f := &faulty{under: newMemory()}
	l := newLedger(f)
	alone, both := request("alone", 1), request("both", 2)
	job := jobOf("job-1")
	put(job, alone, false, 0)
	put(job, both, true, 0, 1)
	ended(t, l, must(t, l, job)[0], record.Outcome{})
	writes := len(f.keeps)
	again := must(t, l, job)[0]
	ended(t, l, again, record.Outcome{Rest: record.Result{Code: "late"}})
	if n := len(f.keeps) - writes; n != 0 {
		t.Errorf("progress that is closed was written %d times", n)
	}
	if p := progress(t, f, both); !p.Closed || p.State(0) != record.Succeeded {
		t.Errorf("progress is %+v, want it closed as it was", p)
	}
	if left := parts(t, f); len(left) != 0 {
		t.Errorf("parts %v are left", left)
	}
}

// Progress may be written by somebody else between the event and the closing write.
func TestLedger_ClosesProgressOverAnotherWrite(t *testing.T) {
	store := newMemory()
	f := &faulty{under: store}
	l := newLedger(f)
	r := request("r", 1)
	f.look = func(method string) {
		if method != "Progress.Put" || len(f.keeps) != 2 { // the second is the closing write
			return
		}
		f.look = nil
		data, sequence, _ := store.progress.Get(t.Context(), r.Key())
		if stored, err := store.progress.Put(t.Context(), r.Key(), data, sequence, false); err != nil || !stored {
			t.Errorf("store progress: %v, %v", stored, err)
		}
	}
	if err := l.RecordFailures(t.Context(), r, []record.Failure{{Index: 0}}, true); err != nil {
		t.Fatal(err)
	}
	if p := progress(t, f, r); !p.Closed || !store.progress.records[r.Key()].keep {
		t.Error("progress is not closed: it would be kept for ever")
	}
	if want := []bool{false, true, true}; !slices.Equal(f.keeps, want) {
		t.Errorf("progress was written with a time to live in %v, want %v", f.keeps, want)
	}
}

// What was refused before goes along with a share, though its targets turn out to need several
// parts.
func TestLedger_CountsEarlierFailuresOfAPart(t *testing.T) {
	store := newMemory()
	l := newLedger(store)
	r := request("r", 61)
	var indexes []int
	for i := range 60 {
		indexes = append(indexes, i)
	}
	job := jobOf("job-1")
	put(job, r, false, indexes...).EarlierFailures = []record.Failure{{Index: 60, Target: "typo", Code: purge.CodeInvalidTarget}}
	stored := must(t, l, job)[0]
	if len(stored.Sequences) < 2 || !job.Shares[0].MultiJob {
		t.Fatalf("the job has %d parts, want several", len(stored.Sequences))
	}
	ended(t, l, stored, record.Outcome{})
	e, ok := store.events.published(t, "ghost")[r.Key()]
	if want := []string{purge.CodeInvalidTarget + " typo"}; !ok || !slices.Equal(failures(e.Data), want) {
		t.Errorf("event tells failures %v, want %v", failures(e.Data), want)
	}
}

// Jobs end side by side, and two leaders may overlap for a moment.
func TestLedger_ConcurrentEndsPublishEachRequestOnce(t *testing.T) {
	b := newBroker(t)
	const jobs, requests = 6, 20
	var all []record.Request
	for i := range requests {
		all = append(all, request(fmt.Sprintf("r-%d", i), jobs+1))
	}
	made := make([]*record.Job, jobs)
	for i := range made {
		made[i] = jobOf(fmt.Sprintf("job-%d", i))
		for _, r := range all {
			put(made[i], r, true, i)
		}
	}
	first := newLedger(b)
	must(t, first, made...)
	second := newLedger(b)
	inFlight, err := second.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(inFlight) != jobs {
		t.Fatalf("%d jobs are loaded, want %d", len(inFlight), jobs)
	}
	out := outcome(all...)
	var wg sync.WaitGroup
	for _, l := range []*ledger.Ledger{first, second} {
		for _, job := range inFlight {
			wg.Go(func() {
				if err := l.End(t.Context(), job, out); err != nil {
					t.Errorf("end %s: %v", job.ID, err)
				}
			})
		}
		wg.Go(func() {
			for _, r := range all {
				if err := l.RecordFailures(t.Context(), r, []record.Failure{{Index: jobs, Target: "x", Code: "NotGood"}}, true); err != nil {
					t.Errorf("settle %s: %v", r.ID, err)
				}
			}
		})
	}
	wg.Wait()
	got := events(t, b, "ghost")
	for _, r := range all {
		want := purge.Counts{Total: jobs + 1, Succeeded: 4, Failed: 3}
		if o := got[r.Key()].Data; o.Targets != want || len(o.Jobs) != jobs {
			t.Errorf("%s has %+v in jobs %v, want %+v in %d", r.ID, o.Targets, o.Jobs, want, jobs)
		}
		if p := progress(t, b, r); p == nil || !p.Closed {
			t.Errorf("progress of %s is not closed", r.ID)
		}
	}
	if left := parts(t, b); len(left) != 0 {
		t.Errorf("parts %v are left", left)
	}
	if n := first.Indexed(); n != 0 {
		t.Errorf("%d requests are left in the first index, want none", n)
	}
}
