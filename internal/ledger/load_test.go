package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// An API may answer two calls with one job id. After a crash each record is a job of its own, with
// its own targets, and each request has its end (I1, I2).
func TestLedger_LoadKeepsRecordsOfOneJobApart(t *testing.T) {
	b := newBroker(t)
	first := newLedger(b)
	r1, r2 := request("r1", 1), request("r2", 1)
	for i, r := range []record.Request{r1, r2} {
		job := jobOf("one")
		job.Submitted = job.Submitted.Add(time.Duration(i) * time.Second)
		put(job, r, false, 0)
		must(t, first, job)
	}
	next := newLedger(b) // the first one crashed
	jobs, err := next.Load(t.Context())
	if err != nil || len(jobs) != 2 || jobs[0].Rows != 1 || len(jobs[0].Sequences) != 1 {
		t.Fatalf("loaded %+v, %v, want two jobs of one part each", jobs, err)
	}
	if found := find(t, next, true, r1, r2); len(found) != 2 {
		t.Errorf("found %v, want both requests", found)
	}
	for _, job := range jobs {
		if err := next.End(t.Context(), job, record.Outcome{Finished: time.Now()}); err != nil {
			t.Error(err)
		}
	}
	if got := events(t, b, "ghost"); len(got) != 2 {
		t.Errorf("%d requests have an event, want 2", len(got))
	}
}

func TestLedger_LoadGivesWhatWasRecorded(t *testing.T) {
	b := newBroker(t)
	f := &faulty{under: b, limit: 3000}
	first := newLedger(f)
	var want []record.InFlight
	var all []record.Request
	for i := range 5 {
		job := jobOf(fmt.Sprintf("job-%d", i))
		job.Type, job.Method, job.Hosts = purge.Prefix, "delete", []string{"a.example", "b.example"}
		job.Submitted, job.Created = time.Now(), time.Now().Truncate(time.Second) // by the local clock
		for j := range 1 + 10*i {                                                 // the last have several parts
			r := request(fmt.Sprintf("r-%d-%d", i, j), 1)
			all = append(all, r)
			put(job, r, false, 0)
		}
		want = append(want, must(t, first, job)...)
	}
	if n := len(want[4].Sequences); n < 2 || want[4].Parts != n {
		t.Fatalf("the last job has %d parts, says %d, want several", n, want[4].Parts)
	}
	second := newLedger(f)
	got, err := second.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(got, byID)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("jobs (-recorded +loaded):\n%s", diff)
	}
	for _, l := range []*ledger.Ledger{first, second} {
		if n := l.Indexed(); n != len(all) {
			t.Errorf("%d requests are in the index, want %d", n, len(all))
		}
		found := find(t, l, false, all...)
		for _, r := range all {
			if f, ok := found[r.Key()]; !ok || f.Ended || f.Digest != r.Digest || !slices.Equal(f.Recorded, []bool{true}) {
				t.Errorf("%s is found as %+v, %v; want it held", r.ID, f, ok)
			}
		}
	}
	for _, job := range got {
		ended(t, second, job, record.Outcome{})
	}
	if n := len(events(t, b, "ghost")); n != len(all) {
		t.Errorf("%d requests have ended, want %d", n, len(all))
	}
}

func TestLedger_LoadTellsJobsOfOneNameApart(t *testing.T) {
	b := newBroker(t)
	here, there, theirs := jobOf("job-1"), jobOf("job-1"), jobOf("job-1")
	there.Zone, theirs.Account = "zone-2", "other"
	for i, job := range []*record.Job{here, there, theirs} {
		put(job, request(fmt.Sprintf("r-%d", i), 1), false, 0)
	}
	want := must(t, newLedger(b), here, there, theirs)
	got, err := newLedger(b).Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("jobs (-recorded +loaded):\n%s", diff)
	}
}

func TestLedger_LoadOfNothing(t *testing.T) {
	l := newLedger(newBroker(t))
	if jobs, err := l.Load(t.Context()); err != nil || len(jobs) != 0 {
		t.Errorf("jobs %v, %v; want none", jobs, err)
	}
	if found, err := l.Find(t.Context(), nil); err != nil || len(found) != 0 {
		t.Errorf("found %v, %v; want nothing", found, err)
	}
	if err := l.Publish(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if err := l.StoreDeadLetters(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func TestLedger_LoadSaysWhenItCannotRead(t *testing.T) {
	f := &faulty{under: newMemory(), plan: func(int, string) fault { return before }}
	if _, err := newLedger(f).Load(t.Context()); !errors.Is(err, errFault) {
		t.Errorf("Load: %v, want %v", err, errFault)
	}
}

func TestLedger_RecordRefusesWhatNeverFits(t *testing.T) {
	f := &faulty{under: newMemory(), limit: 700}
	job := jobOf("job-1")
	put(job, request("r", 1), false, 0)
	if _, err := newLedger(f).Record(t.Context(), job); err == nil {
		t.Error("a job was recorded in parts that are too small for it")
	}
}

// store puts a part into the stream as it is.
func store(t *testing.T, b *stored, job *record.Job, change func([]byte) []byte) uint64 {
	t.Helper()
	bodies, err := job.Encode(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	sequences, err := b.Jobs.Put(t.Context(), job.Head, [][]byte{change(bodies[0])})
	if err != nil {
		t.Fatal(err)
	}
	return sequences[0]
}

// watched is a ledger with what it logs as errors.
func watched(store durable) (*ledger.Ledger, *observer.ObservedLogs) {
	core, logs := observer.New(zap.ErrorLevel)
	return ledger.New(ledger.Config{Instance: "test"}, store.stores(), zap.New(core)), logs
}

func TestLedger_LeavesPartsAloneThatItCannotRead(t *testing.T) {
	tests := []struct {
		name   string
		change func([]byte) []byte
		head   bool // it can be read, and the job is followed; its part is left alone in the end
	}{
		{"of a newer version", newer, false},
		{"one line", func([]byte) []byte { return []byte("{}") }, false},
		{"garbage", func([]byte) []byte { return []byte("\x00\xff\n\n\nnot a part") }, false},
		{"with a line that is none", func(data []byte) []byte { return append(data, "garbage\n"...) }, false},
		{"cut off", func(data []byte) []byte { return data[:len(data)-20] }, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBroker(t)
			theirs, ours := request("theirs", 1), request("ours", 1)
			strange, known := jobOf("strange"), jobOf("known")
			put(strange, theirs, false, 0)
			put(known, ours, false, 0)
			sequence := store(t, b, strange, tt.change)
			must(t, newLedger(b), known)

			l, logs := watched(b)
			jobs, err := l.Load(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if tt.head {
				jobs = slices.DeleteFunc(jobs, func(j record.InFlight) bool { return j.ID == "strange" })
			} else if n := logs.Len(); n != 1 {
				t.Errorf("Load logged %d errors, want 1", n)
			}
			if len(jobs) != 1 || jobs[0].ID != "known" {
				t.Fatalf("loaded %+v, want the known job alone", jobs)
			}
			if f, ok := find(t, l, false, theirs)[theirs.Key()]; ok {
				t.Errorf("the request that can't be read is found as %+v, want unknown", f)
			}
			jobs[0].Sequences = append([]uint64{sequence}, jobs[0].Sequences...)
			logs.TakeAll()
			ended(t, l, jobs[0], record.Outcome{})
			if n := logs.Len(); n != 1 {
				t.Errorf("End logged %d errors, want 1", n)
			}
			oneEvent(t, b, ours)
			noEvent(t, b, theirs, "though its record can't be read")
			if got := parts(t, b); !slices.Equal(got, []uint64{sequence}) {
				t.Errorf("parts %v are left, want %v alone", got, sequence)
			}
		})
	}
}

// A job that is not followed must not count as holding a request: nobody would tell it.
func TestLedger_FindsNothingInAJobThatIsLeftAlone(t *testing.T) {
	store := newMemory()
	r := request("r", 1)
	job := jobOf("job-1")
	put(job, r, false, 0)
	bodies, err := job.Encode(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	odd := append(bodies[0], `{"y":"url","i":"x","s":"ghost"}`+"\n"...) // names its request, but not first
	if _, err := store.jobs.Put(t.Context(), job.Head, [][]byte{odd}); err != nil {
		t.Fatal(err)
	}
	l := newLedger(store)
	if jobs, err := l.Load(t.Context()); err != nil || len(jobs) != 0 {
		t.Errorf("loaded %+v, %v; want nothing", jobs, err)
	}
	if f, ok := find(t, l, false, r)[r.Key()]; ok {
		t.Errorf("the request is found as %+v, want unknown", f)
	}
}

// A newer edgepurge has written the progress of one request, and this one takes over its jobs.
func TestLedger_LeavesProgressAloneThatItCannotRead(t *testing.T) {
	b := newBroker(t)
	theirs, ours, alone := request("theirs", 2), request("ours", 2), request("alone", 1)
	job, other := jobOf("job-1"), jobOf("job-2")
	put(job, theirs, true, 0)
	put(job, ours, true, 0)
	put(job, alone, false, 0)
	put(other, ours, true, 1)
	l, logs := watched(b)
	jobs := must(t, l, job, other)

	p := record.NewProgress(theirs)
	old, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if stored, err := b.Progress.Put(t.Context(), theirs.Key(), newer(old), record.Place{}, false); err != nil || !stored {
		t.Fatalf("store progress: %v, %v", stored, err)
	}
	_, sequence, _ := b.Progress.Get(t.Context(), theirs.Key())

	for _, job := range jobs {
		ended(t, l, job, record.Outcome{})
	}
	if logs.FilterMessageSnippet("left alone").Len() == 0 {
		t.Error("nothing was logged")
	}
	oneEvent(t, b, ours)
	oneEvent(t, b, alone)
	noEvent(t, b, theirs, "though its progress can't be read")
	if _, now, _ := b.Progress.Get(t.Context(), theirs.Key()); now != sequence {
		t.Error("the newer progress was replaced")
	}
	if got := parts(t, b); !slices.Equal(got, jobs[0].Sequences) {
		t.Errorf("parts %v are left, want %v: what became of the target is known nowhere else", got, jobs[0].Sequences)
	}
	if f := find(t, l, true, theirs)[theirs.Key()]; f.Ended || f.AllRecorded() || !slices.Equal(f.Recorded, []bool{true, false}) {
		t.Errorf("the request is found as %+v, want it held by its job", f)
	}

	// The newer one is back: here it is this one, with a record that it can read.
	if stored, err := b.Progress.Put(t.Context(), theirs.Key(), old, sequence, false); err != nil || !stored {
		t.Fatalf("store progress: %v, %v", stored, err)
	}
	again := newLedger(b)
	if jobs, err = again.Load(t.Context()); err != nil || len(jobs) != 1 {
		t.Fatalf("loaded %+v, %v; want one job", jobs, err)
	}
	ended(t, again, jobs[0], record.Outcome{})
	if err := again.RecordFailures(t.Context(), theirs, []record.Failure{{Index: 1, Target: "x", Code: "NotGood"}}, true); err != nil {
		t.Fatal(err)
	}
	if o := oneEvent(t, b, theirs); o.Targets.Succeeded != 1 {
		t.Errorf("event counts %+v, want one success", o.Targets)
	}
	if got := parts(t, b); len(got) != 0 {
		t.Errorf("parts %v are left", got)
	}
}

// Many long failures have to leave room for the rest of a record.
func TestLedger_ManyLongFailures(t *testing.T) {
	b := newBroker(t)
	const total = 300
	var long []record.Failure
	for i := 1; i < total; i++ {
		long = append(long, record.Failure{
			Index: i, Target: fmt.Sprintf("%d\x01%s", i, string(make([]byte, 8000))), Code: purge.CodeInvalidTarget,
			Reason: "it has control characters", Field: fmt.Sprintf("targets[%d]", i),
		})
	}
	inJob, spanning := request("in-job", total), request("spanning", total)
	neighbour := request("neighbour", 1)
	job := jobOf("job-1")
	put(job, inJob, false, 0).EarlierFailures = long
	put(job, spanning, true, 0)
	put(job, neighbour, false, 0)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	l := newLedger(b)
	stored, err := l.Record(ctx, job)
	if err != nil {
		t.Fatalf("record: %v", err)
	}
	for i, s := range job.Shares {
		if want := i < 2; s.MultiJob != want {
			t.Errorf("share %d spans: %v, want %v", i, s.MultiJob, want)
		}
	}
	if f := find(t, l, true, inJob)[inJob.Key()]; !f.AllRecorded() || f.Ended {
		t.Errorf("the request is found with %d held, want all %d", count(f.Recorded), total)
	}
	if err := l.RecordFailures(ctx, spanning, long, false); err != nil {
		t.Fatalf("settle: %v", err)
	}
	if err := l.RecordFailures(ctx, inJob, long, false); err != nil { // as the worker does for what spans
		t.Fatalf("settle: %v", err)
	}
	if err := l.End(ctx, stored, record.Outcome{}); err != nil {
		t.Fatalf("end: %v", err)
	}
	for _, r := range []record.Request{inJob, spanning} {
		o := oneEvent(t, b, r)
		if want := (purge.Counts{Total: total, Succeeded: 1, Failed: total - 1}); o.Targets != want {
			t.Errorf("%s has %+v, want %+v", r.ID, o.Targets, want)
		}
		if n := len(o.Failures); n == 0 || n+o.FailuresOmitted != total-1 {
			t.Errorf("%s lists %d failures and omits %d, want %d together", r.ID, n, o.FailuresOmitted, total-1)
		}
	}
	oneEvent(t, b, neighbour)
	if got := parts(t, b); len(got) != 0 {
		t.Errorf("parts %v are left", got)
	}
}

func count(held []bool) int {
	n := 0
	for _, h := range held {
		if h {
			n++
		}
	}
	return n
}
