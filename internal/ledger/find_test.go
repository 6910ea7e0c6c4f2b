package ledger_test

import (
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// find looks up requests whose messages came again, or for the first time.
func find(t *testing.T, l *ledger.Ledger, again bool, requests ...record.Request) map[record.Key]record.Found {
	t.Helper()
	var queries []ledger.Query
	for _, r := range requests {
		queries = append(queries, ledger.Query{Key: r.Key(), Total: r.Total, Redelivered: again})
	}
	found, err := l.Find(t.Context(), queries)
	if err != nil {
		t.Fatalf("find: %v", err)
	}
	return found
}

func TestLedger_FindsWhatIsKnown(t *testing.T) {
	for _, again := range []bool{false, true} {
		t.Run(fmt.Sprintf("again %v", again), func(t *testing.T) {
			b := newBroker(t)
			first := newLedger(b)
			told, over, held := request("told", 1), request("over", 2), request("held", 3)
			partly, half, refused := request("partly", 4), request("half", 3), request("refused", 3)
			unknown, wide := request("unknown", 1), request("wide", 4)
			one, two, three, four := jobOf("job-1"), jobOf("job-2"), jobOf("job-3"), jobOf("job-4")
			put(two, wide, true, 0)
			put(three, wide, true, 2)
			put(four, wide, true, 3)
			put(one, over, false, 0, 1)
			put(one, half, true, 0)
			put(two, held, false, 0, 1).EarlierFailures = []record.Failure{{Index: 2, Target: "x", Code: "y"}}
			put(two, partly, true, 2)
			put(two, half, true, 1)
			jobs := must(t, first, one, two, three, four)
			ended(t, first, jobs[0], record.Outcome{})
			if err := first.Publish(t.Context(), []record.Tally{{Request: told}}); err != nil {
				t.Fatal(err)
			}
			if err := first.RecordFailures(t.Context(), refused, []record.Failure{{Index: 1}}, true); err != nil {
				t.Fatal(err)
			}
			want := map[record.Key]record.Found{
				told.Key():   {Digest: told.Digest, Received: told.Received, Ended: true},
				over.Key():   {Digest: over.Digest, Received: over.Received, Ended: true},
				held.Key():   {Digest: held.Digest, Received: held.Received, Recorded: []bool{true, true, true}},
				wide.Key():   {Digest: wide.Digest, Received: wide.Received, Recorded: []bool{true, false, true, true}},
				partly.Key(): {Digest: partly.Digest, Received: partly.Received, Recorded: []bool{false, false, true, false}},
				half.Key():   {Digest: half.Digest, Received: half.Received, Recorded: []bool{true, true, false}}, // by an outcome, and by a job
			}
			if again { // nothing is in flight of it: only a message that came again is looked up so far
				want[refused.Key()] = record.Found{Digest: refused.Digest, Received: refused.Received, Recorded: []bool{false, true, false}}
			}
			second := newLedger(b)
			if _, err := second.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, l := range []*ledger.Ledger{first, second} {
				got := find(t, l, again, told, over, held, wide, partly, half, refused, unknown)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("found (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// Whatever else is still stored of a request, its event is its end.
func TestLedger_FindsTheEventFirst(t *testing.T) {
	b := newBroker(t)
	l := newLedger(b)
	inJob, inProgress := request("in-job", 2), request("in-progress", 2)
	job := jobOf("job-1")
	put(job, inJob, false, 0)
	must(t, l, job)
	if err := l.RecordFailures(t.Context(), inProgress, []record.Failure{{Index: 0}}, true); err != nil {
		t.Fatal(err)
	}
	if err := l.Publish(t.Context(), []record.Tally{{Request: inJob}, {Request: inProgress}}); err != nil {
		t.Fatal(err)
	}
	want := map[record.Key]record.Found{
		inJob.Key():      {Digest: inJob.Digest, Received: inJob.Received, Ended: true},
		inProgress.Key(): {Digest: inProgress.Digest, Received: inProgress.Received, Ended: true},
	}
	for _, again := range []bool{false, true} {
		if diff := cmp.Diff(want, find(t, l, again, inJob, inProgress)); diff != "" {
			t.Errorf("found (-want +got):\n%s", diff)
		}
	}
}

func TestLedger_FindsManyAtOnce(t *testing.T) {
	b := newBroker(t)
	l := newLedger(b)
	var all []record.Request
	var ends []record.Tally
	job := jobOf("job-1")
	for i := range 1500 {
		r := request(fmt.Sprintf("r-%d", i), 1)
		all = append(all, r)
		switch i % 3 {
		case 0:
			ends = append(ends, record.Tally{Request: r})
		case 1:
			put(job, r, false, 0)
		}
	}
	must(t, l, job)
	if err := l.Publish(t.Context(), ends); err != nil {
		t.Fatal(err)
	}
	found := find(t, l, false, all...)
	for i, r := range all {
		f, ok := found[r.Key()]
		if ok != (i%3 < 2) || f.Ended != (i%3 == 0) || (len(f.Recorded) > 0) != (i%3 == 1) {
			t.Errorf("%s is found as %+v, %v", r.ID, f, ok)
		}
	}
}

// Two requests may share a hash; what the stored part says decides.
func TestLedger_CollisionsAreNotBelieved(t *testing.T) {
	b := newBroker(t)
	l := newLedger(b)
	inside, outside := request("inside", 2), request("outside", 2)
	one, two := jobOf("job-1"), jobOf("job-2")
	put(one, inside, false, 0, 1)
	put(two, request("another", 1), false, 0)
	jobs := must(t, l, one, two)
	for _, job := range jobs {
		l.Plant(outside.Key(), job.Sequences[0])
	}
	l.Plant(inside.Key(), jobs[1].Sequences[0])
	want := map[record.Key]record.Found{inside.Key(): {Digest: inside.Digest, Received: inside.Received, Recorded: []bool{true, true}}}
	if diff := cmp.Diff(want, find(t, l, false, inside, outside)); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	for _, job := range jobs {
		ended(t, l, job, record.Outcome{})
	}
	if f, ok := find(t, l, false, outside)[outside.Key()]; ok {
		t.Errorf("a request of which nothing is known is found as %+v", f)
	}
	if f := find(t, l, false, inside)[inside.Key()]; !f.Ended {
		t.Errorf("the request that ended is found as %+v", f)
	}
}

// Another owner's job, which this one never loaded, ends here.
func TestLedger_KeepsInMindWhatIsStillInFlight(t *testing.T) {
	store := newMemory()
	r := request("r", 2)
	one, two := jobOf("job-1"), jobOf("job-2")
	put(one, r, true, 0)
	put(two, r, true, 1)
	theirs := must(t, newLedger(store), one)[0]
	l := newLedger(store)
	ours := must(t, l, two)[0]
	ended(t, l, theirs, record.Outcome{})
	want := map[record.Key]record.Found{r.Key(): {Digest: r.Digest, Received: r.Received, Recorded: []bool{true, true}}}
	if diff := cmp.Diff(want, find(t, l, false, r)); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	ended(t, l, ours, record.Outcome{})
	if n := l.Indexed(); n != 0 {
		t.Errorf("%d requests are left in the index", n)
	}
}

// A job may end between the look into the index and the look into its parts.
func TestLedger_FindsWhatEndsMeanwhile(t *testing.T) {
	b := newBroker(t)
	f := &faulty{under: b, limit: 3000}
	l := newLedger(f)
	r, open := request("r", 60), request("open", 2)
	var all []int
	for i := range 60 {
		all = append(all, i)
	}
	job, other := jobOf("job-1"), jobOf("job-2")
	put(job, open, true, 0)
	put(job, r, false, all...)
	put(other, open, true, 1)
	jobs := must(t, l, job, other)
	if len(jobs[0].Sequences) < 2 {
		t.Fatal("the request lies in one part, want several")
	}
	meanwhile := newLedger(b)
	f.look = func(method string) {
		if method == "Jobs.Get" {
			f.look = nil
			ended(t, meanwhile, jobs[0], record.Outcome{})
		}
	}
	want := map[record.Key]record.Found{
		r.Key():    {Digest: r.Digest, Received: r.Received, Ended: true},
		open.Key(): {Digest: open.Digest, Received: open.Received, Recorded: []bool{true, true}},
	}
	if diff := cmp.Diff(want, find(t, l, false, r, open)); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	if f.look != nil {
		t.Error("no part was looked into")
	}
}

// A crash can come between the last mark of a request and its event, with no job left to be ended
// again. Its message was not acked, so it comes again.
func TestLedger_FindPublishesWhatACrashLeftOpen(t *testing.T) {
	tests := []struct {
		name string
		told bool
	}{{"neither told nor closed", false}, {"told, not closed", true}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBroker(t)
			l := newLedger(b)
			r := request("r", 2)
			p := record.NewProgress(r)
			p.Succeed(0)
			p.Fail(record.Failure{Index: 1, Target: "x", Code: "NotGood"})
			p.Sent = true
			data, err := p.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if stored, err := b.Progress.Put(t.Context(), r.Key(), data, record.Place{}, false); err != nil || !stored {
				t.Fatalf("store progress: %v, %v", stored, err)
			}
			if tt.told {
				if err := l.Publish(t.Context(), []record.Tally{p.Tally()}); err != nil {
					t.Fatal(err)
				}
			}
			want := map[record.Key]record.Found{r.Key(): {Digest: r.Digest, Received: r.Received, Ended: true}}
			for range 2 {
				if diff := cmp.Diff(want, find(t, l, true, r)); diff != "" {
					t.Errorf("found (-want +got):\n%s", diff)
				}
			}
			o := oneEvent(t, b, r)
			if o.Status != purge.Partial || !slices.Equal(failures(o), []string{"NotGood x"}) {
				t.Errorf("event says %s with %v", o.Status, o.Failures)
			}
			if p := progress(t, b, r); !p.Closed {
				t.Error("progress is not closed: it would be kept for ever")
			}
		})
	}
}

// Events go when their time is over, and then an id is free again: the closed record of its first
// use must not pass for the end of the next.
func TestLedger_BeginsAnewOnceTheEventIsGone(t *testing.T) {
	store := newMemory()
	l := newLedger(store)
	r := request("r", 2)
	end := func() {
		t.Helper()
		one, two := jobOf("job-1"), jobOf("job-2")
		put(one, r, true, 0)
		put(two, r, true, 1)
		for _, job := range must(t, l, one, two) {
			ended(t, l, job, record.Outcome{})
		}
	}
	end()
	if p := progress(t, store, r); !p.Closed {
		t.Fatal("progress is not closed")
	}
	delete(store.events.stored, r.Key())
	if f := find(t, l, true, r); len(f) != 0 {
		t.Errorf("found %+v, want nothing", f)
	}
	end()
	if e := store.events.published(t, r.Source)[r.Key()]; e.Data.Status != purge.Completed || e.Data.Targets.Succeeded != 2 {
		t.Errorf("event says %s of %+v, want completed", e.Data.Status, e.Data.Targets)
	}
	if p := progress(t, store, r); !p.Closed || !store.progress.records[r.Key()].keep {
		t.Error("progress is not closed: it would be kept for ever")
	}
}

// A take-over asks for all that the last leader held. Of single targets there is nothing to read.
func TestFind_ReadsProgressOfSeveralTargetsAlone(t *testing.T) {
	var reads atomic.Int32
	store := &faulty{under: newMemory(), look: func(method string) {
		if method == "Progress.Get" {
			reads.Add(1)
		}
	}}
	l := newLedger(store)
	var queries []ledger.Query
	for i := range 100 {
		queries = append(queries, ledger.Query{Key: record.Key{Source: "ghost", ID: strconv.Itoa(i)}, Total: 1 + i%10/9, Redelivered: true})
	}
	if found, err := l.Find(t.Context(), queries); err != nil || len(found) > 0 {
		t.Fatalf("got %v, %v, want nothing", found, err)
	}
	if n := reads.Load(); n != 10 {
		t.Errorf("progress was read %d times, want 10", n)
	}
}
