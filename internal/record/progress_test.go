package record_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

func progressOf(total int) *record.Progress {
	return record.NewProgress(record.Request{Source: "ghost", ID: "post-4711-r3", Total: total})
}

func failed(index int) record.Failure {
	return record.Failure{Index: index, Target: fmt.Sprint("https://a.test/", index), Code: "InternalError"}
}

func wantCounts(t testing.TB, p *record.Progress, succeeded, refused, open int) {
	t.Helper()
	if s, r, o := p.Counts(); s != succeeded || r != refused || o != open {
		t.Errorf("got %d succeeded, %d refused, %d open, want %d, %d, %d", s, r, o, succeeded, refused, open)
	}
}

func TestProgress_SuccessBeatsFailure(t *testing.T) {
	p := progressOf(3)
	wantCounts(t, p, 0, 0, 3)
	p.Fail(failed(1))
	p.Fail(failed(2))
	wantCounts(t, p, 0, 2, 1)
	p.Succeed(1)
	p.Fail(failed(1))
	p.Succeed(1)
	wantCounts(t, p, 1, 1, 1)
	for index, want := range []record.State{record.Open, record.Succeeded, record.Refused} {
		if got := p.State(index); got != want {
			t.Errorf("got state %d of target %d, want %d", got, index, want)
		}
	}
	if diff := cmp.Diff([]record.Failure{failed(2)}, p.Failures); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
}

func TestProgress_HeldTargetsAreOpen(t *testing.T) {
	p, err := record.DecodeProgress([]byte(`{"v":1,"request":{"n":4},"states":"VQ=="}`))
	if err != nil {
		t.Fatal(err)
	}
	wantCounts(t, p, 0, 0, 4)
	p.Fail(failed(1))
	p.Succeed(2)
	wantCounts(t, p, 1, 1, 2)
	for index, want := range []record.State{record.Held, record.Refused, record.Succeeded, record.Held} {
		if got := p.State(index); got != want {
			t.Errorf("got state %d of target %d, want %d", got, index, want)
		}
	}
}

func TestProgress_FirstFailureStays(t *testing.T) {
	p := progressOf(1)
	p.Fail(failed(0))
	later := failed(0)
	later.Code = purge.CodeDeadline
	p.Fail(later)
	if diff := cmp.Diff([]record.Failure{failed(0)}, p.Failures); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
}

func TestProgress_IgnoresTargetsThatAreNone(t *testing.T) {
	for _, total := range []int{0, 1, 4, 5} {
		p := progressOf(total)
		for _, index := range []int{-1, -8, total, total + 3, 1 << 40} {
			p.Succeed(index)
			p.Fail(failed(index))
			if got := p.State(index); got != record.Open {
				t.Errorf("got state %d of target %d of %d, want open", got, index, total)
			}
		}
		wantCounts(t, p, 0, 0, total)
		if len(p.Failures) > 0 {
			t.Errorf("got failures %v, want none", p.Failures)
		}
	}
}

func TestProgress_JoinNotesTheJobs(t *testing.T) {
	p := progressOf(9)
	for i, ms := range []int{300, 100, 200} {
		p.Join(&record.Head{Zone: fmt.Sprint("zone-", i%2), ID: fmt.Sprint("job-", i), Submitted: at(ms)}, []int{2, 3, 1}[i])
	}
	p.Join(&record.Head{Zone: "zone-0", ID: "job-0", Submitted: at(300)}, 2)
	got := p.Tally()
	want := record.Tally{
		Request: p.Request, Zones: []string{"zone-0", "zone-1"}, Jobs: []string{"job-0", "job-1", "job-2"},
		Sent: true, Attempts: 3, Submitted: at(300),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tally (-want +got):\n%s", diff)
	}
	for i := range 2 * purge.MaxJobs {
		p.Join(&record.Head{Zone: "zone-0", ID: fmt.Sprint("more-", i)}, 1)
	}
	if got := len(p.Jobs); got != purge.MaxJobs {
		t.Errorf("got %d jobs, want %d", got, purge.MaxJobs)
	}
}

// mark is one thing that becomes known of a request.
type mark struct {
	do   func(p *record.Progress)
	name string
}

// drawMarks draws what becomes known of a request, and the tally that it comes to.
func drawMarks(t *rapid.T, total int) ([]mark, record.Tally) {
	want := record.Tally{Request: progressOf(total).Request}
	var marks []mark
	for index := range total {
		f := drawFailure(t, index, false)
		fate := rapid.IntRange(1, 3).Draw(t, "fate")
		if fate&1 > 0 {
			marks = append(marks, mark{func(p *record.Progress) { p.Succeed(index) }, fmt.Sprint("succeed ", index)})
			want.Succeeded++
		}
		if fate&2 > 0 {
			marks = append(marks, mark{func(p *record.Progress) { p.Fail(f) }, fmt.Sprint("fail ", index)})
		}
		if fate == 2 {
			want.Failures = append(want.Failures, f)
		}
	}
	for i := range rapid.IntRange(0, 5).Draw(t, "jobs") {
		h := &record.Head{Zone: fmt.Sprint("zone-", i/2), ID: fmt.Sprint("job-", i), Submitted: drawTime(t, "submitted")}
		attempts := rapid.IntRange(1, 9).Draw(t, "attempts")
		marks = append(marks, mark{func(p *record.Progress) { p.Join(h, attempts) }, "join " + h.ID})
		want.Sent, want.Attempts = true, max(want.Attempts, attempts)
		want.Jobs = append(want.Jobs, h.ID)
		if i%2 == 0 {
			want.Zones = append(want.Zones, h.Zone)
		}
		if h.Submitted.After(want.Submitted) {
			want.Submitted = h.Submitted
		}
	}
	return marks, want
}

// stored is what the next to write the record finds.
func stored(t testing.TB, p *record.Progress) *record.Progress {
	t.Helper()
	data, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := record.DecodeProgress(data)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func TestProgress_ComesToTheSameInAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		total := rapid.IntRange(0, 20).Draw(rt, "total")
		marks, want := drawMarks(rt, total)
		order := rapid.Permutation(slices.Concat(marks, marks)).Draw(rt, "order")
		p := progressOf(total)
		names := make([]string, len(order))
		for i, m := range order {
			m.do(p)
			m.do(p)
			p, names[i] = stored(t, p), m.name
		}
		got := p.Tally()
		slices.Sort(got.Jobs)
		slices.Sort(got.Zones)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			rt.Errorf("tally after %s (-want +got):\n%s", strings.Join(names, ", "), diff)
		}
		wantCounts(t, p, want.Succeeded, len(want.Failures), 0)
	})
}

func TestProgress_CountsTheFailuresThatItOmits(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		total := rapid.IntRange(1, 3*purge.MaxFailures).Draw(rt, "total")
		state := make([]record.State, total)
		p := progressOf(total)
		step := rapid.Custom(func(t *rapid.T) [2]int {
			return [2]int{rapid.IntRange(0, total-1).Draw(t, "from"), rapid.IntRange(1, total).Draw(t, "count")}
		})
		for _, span := range rapid.SliceOfN(step, 1, 8).Draw(rt, "spans") {
			succeed := rapid.Bool().Draw(rt, "succeed")
			for index := span[0]; index < min(total, span[0]+span[1]); index++ {
				if succeed {
					p.Succeed(index)
					state[index] = record.Succeeded
				} else {
					p.Fail(failed(index))
					state[index] = max(state[index], record.Refused)
				}
			}
			p = stored(t, p)
			checkTally(rt, p, state)
		}
	})
}

// checkTally holds a tally to the states that its targets must have.
func checkTally(t rapid.TB, p *record.Progress, state []record.State) {
	t.Helper()
	count := make(map[record.State]int)
	for index, s := range state {
		count[s]++
		if got := p.State(index); got != s {
			t.Fatalf("got state %d of target %d, want %d", got, index, s)
		}
	}
	tally := p.Tally()
	if got, want := tally.Succeeded, count[record.Succeeded]; got != want {
		t.Errorf("got %d succeeded, want %d", got, want)
	}
	if got, want := len(tally.Failures)+tally.Omitted, count[record.Refused]; got != want || tally.Omitted < 0 {
		t.Errorf("got %d failures and %d omitted, want %d together", len(tally.Failures), tally.Omitted, want)
	}
	if len(tally.Failures) > purge.MaxFailures {
		t.Errorf("got %d failures, want at most %d", len(tally.Failures), purge.MaxFailures)
	}
	for i, f := range tally.Failures {
		if state[f.Index] != record.Refused || i > 0 && tally.Failures[i-1].Index >= f.Index {
			t.Errorf("got failure %d of target %d, want each refused target once, in order", i, f.Index)
		}
	}
}

func TestProgress_ListsAsManyFailuresAsAnEvent(t *testing.T) {
	p := progressOf(3 * purge.MaxFailures)
	for index := range 2 * purge.MaxFailures {
		p.Fail(failed(index))
	}
	tally := p.Tally()
	if len(tally.Failures) != purge.MaxFailures || tally.Omitted != purge.MaxFailures {
		t.Errorf("got %d failures and %d omitted, want %d and %d",
			len(tally.Failures), tally.Omitted, purge.MaxFailures, purge.MaxFailures)
	}
	p.Succeed(2*purge.MaxFailures - 1) // one of those that are omitted
	p.Succeed(0)                       // one of those that are listed
	tally = p.Tally()
	if len(tally.Failures) != purge.MaxFailures-1 || tally.Omitted != purge.MaxFailures-1 {
		t.Errorf("got %d failures and %d omitted after two successes, want %d and %d",
			len(tally.Failures), tally.Omitted, purge.MaxFailures-1, purge.MaxFailures-1)
	}
}

// A record that does not fit into a message could never be written, and its request never end (I1).
func TestProgress_FitsIntoAMessage(t *testing.T) {
	const least = 512<<10 - 64<<10 // of a server's max_payload, less what headers may take
	for name, char := range map[string]string{"plain": "x", "ampersands": "&", "quotes": `"`, "no UTF-8": "\xff", "umlauts": "ü"} {
		t.Run(name, func(t *testing.T) {
			const total = 2 * purge.MaxFailures
			p := progressOf(total)
			for index := range total {
				p.Fail(record.Failure{
					Index: index, Target: strings.Repeat(char, purge.MaxTarget/len(char)),
					Code: "InvalidParameter.Target", Reason: strings.Repeat(char, 100),
				})
			}
			data, err := p.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if len(data) > least {
				t.Errorf("got a record of %d bytes, want at most %d", len(data), least)
			}
			tally := stored(t, p).Tally()
			if n := len(tally.Failures); n == 0 || n+tally.Omitted != total {
				t.Errorf("got %d failures and %d omitted, want some, and %d together", n, tally.Omitted, total)
			}
			wantCounts(t, p, 0, total, 0)
		})
	}
}

// A target that is too long to be listed is one that is not valid; why is told all the same.
func TestProgress_TellsWhyThoughNothingIsListed(t *testing.T) {
	long := record.Failure{
		Index: 1, Target: strings.Repeat("x", 512<<10), Code: purge.CodeInvalidTarget, Reason: "too long", Field: "targets[1]",
	}
	p := progressOf(2)
	p.Succeed(0)
	p.Fail(long)
	tally := stored(t, p).Tally()
	got := tally.Outcome(at(0))
	want := &purge.Reason{Code: purge.CodeInvalidTarget, Message: "too long", Field: "targets[1]"}
	if diff := cmp.Diff(want, got.Reason); diff != "" || got.Status != purge.Partial || got.FailuresOmitted != 1 {
		t.Errorf("got %s, %d omitted, reason (-want +got):\n%s", got.Status, got.FailuresOmitted, diff)
	}
	p.Succeed(1)
	tally = p.Tally()
	if got := tally.Outcome(at(0)); got.Status != purge.Completed || got.Reason != nil {
		t.Errorf("got %s, %v when it succeeded after all, want no reason", got.Status, got.Reason)
	}
	p = progressOf(2)
	p.Fail(long)
	p.Fail(failed(0))
	tally = p.Tally()
	if got := tally.Outcome(at(0)); got.Reason == nil || got.Reason.Code == purge.CodeInvalidTarget {
		t.Errorf("got %v beside one that is listed, want that", got.Reason)
	}
}

func TestDecodeProgress_RefusesStatesThatAreNotItsTargets(t *testing.T) {
	for name, test := range map[string]struct {
		body string
		ok   bool
	}{
		"none":      {`{"v":1,"request":{"n":0},"states":""}`, true},
		"null":      {`{"v":1,"request":{"n":0},"states":null}`, true},
		"four":      {`{"v":1,"request":{"n":4},"states":"AA=="}`, true},
		"five":      {`{"v":1,"request":{"n":5},"states":"AA=="}`, false},
		"too many":  {`{"v":1,"request":{"n":4},"states":"AAA="}`, false},
		"missing":   {`{"v":1,"request":{"n":4}}`, false},
		"negative":  {`{"v":1,"request":{"n":-1},"states":""}`, false},
		"overflows": {`{"v":1,"request":{"n":9223372036854775807},"states":""}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := record.DecodeProgress([]byte(test.body)); (err == nil) != test.ok {
				t.Errorf("got error %v, want one: %t", err, !test.ok)
			}
		})
	}
}

func TestProgress_SubmittedIsKnownFromTheFirstJobOn(t *testing.T) {
	p := progressOf(1)
	p.Join(&record.Head{Zone: "zone-a", ID: "job", Submitted: time.Time{}}, 1)
	p.Join(&record.Head{Zone: "zone-a", ID: "next", Submitted: at(1)}, 1)
	if got := stored(t, p).Tally().Submitted; !got.Equal(at(1)) {
		t.Errorf("got submitted %v, want %v", got, at(1))
	}
}
