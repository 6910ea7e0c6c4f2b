package adopt

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
)

func TestFind_TakesOnlyAnEqualJob(t *testing.T) {
	t.Parallel()
	each := func(change func(*row)) func([]row) []row {
		return func(rows []row) []row {
			for i := range rows {
				change(&rows[i])
			}
			return rows
		}
	}
	prefixes := edgeone.Purge{
		Zone: "zone-a", Type: purge.Prefix, Method: "delete", Targets: []string{page(0), page(1)},
	}
	tests := []struct {
		name   string
		purge  edgeone.Purge
		change func([]row) []row // of the rows of the call's job
		found  bool
	}{
		{name: "equal", found: true},
		{name: "of one target", purge: urls(page(0)), found: true},
		{name: "of a whole zone", purge: edgeone.Purge{Zone: "zone-a", Type: purge.All}, found: true},
		{name: "with its method", purge: prefixes, found: true},
		{name: "of a version without methods", purge: prefixes, change: each(func(r *row) { r.Method = "" }), found: true},
		{name: "of another method", purge: prefixes, change: each(func(r *row) { r.Method = "invalidate" })},
		{name: "with one target more", change: func(rows []row) []row {
			more := rows[0]
			more.Target = page(100)
			return append(rows, more)
		}},
		{name: "with one target less", change: func(rows []row) []row { return rows[:len(rows)-1] }},
		{name: "with one target twice", change: func(rows []row) []row { return append(rows, rows[0]) }},
		{name: "with one row for all", change: func(rows []row) []row { return rows[:1] }},
		{name: "with one target for another", change: func(rows []row) []row {
			rows[2].Target = page(100)
			return rows
		}},
		{name: "of another type", change: each(func(r *row) { r.Type = purge.Prefix })},
		{name: "with one row of another type", change: func(rows []row) []row {
			rows[2].Type = purge.Prefix
			return rows
		}},
		{name: "of an older day", change: each(func(r *row) { r.Created = r.Created.Add(-24 * time.Hour) })},
		{name: "made before", change: each(func(r *row) { r.Created = r.Created.Add(-2 * time.Second) })},
		{name: "with one row made before", change: func(rows []row) []row {
			rows[2].Created = rows[2].Created.Add(-2 * time.Second)
			return rows
		}},
		{name: "with a row without its time", change: func(rows []row) []row {
			rows[2].Created = time.Time{}
			return rows
		}},
		{name: "that was answered", change: each(func(r *row) { r.JobID = "job-1" })},
		{name: "of an earlier leader", change: each(func(r *row) { r.JobID = "job-old" })},
		{name: "without a name", change: each(func(r *row) { r.JobID = "" })},
		{name: "spelled otherwise", found: true, change: func(rows []row) []row {
			rows[1].Target, rows[2].Target = "HTTPS://WWW.Example.com:443/page/1", rows[2].Target+"#top"
			return rows
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := new(api)
				f := a.finder()
				f.MarkKnown("job-old")
				a.readClock(t, f)
				if tt.purge.Type == "" {
					tt.purge = urls(page(0), page(1), page(2))
				}
				c := f.lose(tt.purge)
				first := len(a.rows)
				a.create(tt.purge)
				if tt.change != nil {
					a.rows = append(a.rows[:first:first], tt.change(a.rows[first:])...)
				}
				want := ""
				if tt.found {
					want = "job-2"
				}
				if got, said := f.findNow(t.Context(), c, false); got != want || !said {
					t.Errorf("found %q (%t), want %q", got, said, want)
				}
			})
		})
	}
}

func TestFind_WaitsForWhatDoesNotShowYet(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		urgent bool
		hidden time.Duration
		took   time.Duration
		found  bool
	}{
		{"urgent, at once", true, 0, 500 * time.Millisecond, true},
		{"urgent, after a second", true, time.Second, 1500 * time.Millisecond, true},
		{"urgent, after three", true, 3 * time.Second, 1500 * time.Millisecond, false},
		{"bulk, after three", false, 3 * time.Second, 4 * time.Second, true},
		{"bulk, after ten", false, 10 * time.Second, 4 * time.Second, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := &api{hidden: tt.hidden}
				f := a.finder()
				a.readClock(t, f)
				p := urls(page(0), page(1))
				a.create(p)
				begun := time.Now()
				got, said := f.findNow(t.Context(), f.lose(p), tt.urgent)
				if took := time.Since(begun); (got != "") != tt.found || !said || took != tt.took {
					t.Errorf("found %q (%t) after %v, want one: %t after %v", got, said, took, tt.found, tt.took)
				}
			})
		})
	}
}

func TestFind_InDoubtFindsNothing(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		refused error
		clock   bool // an answer has shown the API's clock
		lookups int
		slowed  int
		took    time.Duration
	}{
		{name: "nothing shows the time", took: 4 * time.Second},
		{name: "no look-up is answered", refused: errLost, clock: true, lookups: 3, took: 4 * time.Second},
		{
			name: "look-ups are too fast", refused: &edgeone.Error{Code: "RequestLimitExceeded"}, clock: true,
			lookups: 3, slowed: 3, took: 4 * time.Second,
		},
		{
			name: "the look-up is refused", refused: &edgeone.Error{Code: "UnauthorizedOperation.CamUnauthorized"}, clock: true,
			lookups: 1, took: 500 * time.Millisecond,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := &api{refused: tt.refused}
				f := a.finder()
				if tt.clock {
					a.readClock(t, f)
				}
				p := urls(page(0))
				a.create(p)
				begun := time.Now()
				got, said := f.findNow(t.Context(), f.lose(p), false)
				if took := time.Since(begun); got != "" || !said || took != tt.took {
					t.Errorf("found %q (%t) after %v, want nothing after %v", got, said, took, tt.took)
				}
				if len(f.log.open) != 0 || len(f.log.lost) != 1 {
					t.Errorf("%d calls are open and %d lost, want 0, 1: it was given up", len(f.log.open), len(f.log.lost))
				}
				if a.lookups != tt.lookups || a.slowed != tt.slowed {
					t.Errorf("%d look-ups slowed the pace %d times, want %d, %d", a.lookups, a.slowed, tt.lookups, tt.slowed)
				}
			})
		})
	}
}

// Very many equal jobs are not compared one by one.
func TestFind_ReadsAFewCandidatesOnly(t *testing.T) {
	t.Parallel()
	for _, n := range []int{maxCandidates, maxCandidates + 1} {
		synctest.Test(t, func(t *testing.T) {
			a := new(api)
			f := a.finder()
			a.readClock(t, f)
			c := f.lose(urls(page(0)))
			for range n {
				a.create(urls(page(0)))
			}
			if got, said := f.findNow(t.Context(), c, true); (got != "") != (n <= maxCandidates) || !said {
				t.Errorf("of %d jobs it took %q (%t)", n, got, said)
			}
		})
	}
}

// When more answers are lost than may be looked for at once, the rest is given up without a wait.
func TestFind_LooksForABoundedNumberAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := new(api)
		f := a.finder()
		a.readClock(t, f)
		begun := time.Now()
		ended := make(chan time.Duration, maxLookups+5)
		for i := range maxLookups + 5 {
			f.Find(t.Context(), f.lose(urls(page(i))), true, func(edgeone.Created, bool) { ended <- time.Since(begun) })
		}
		f.Wait()
		close(ended)
		early := 0
		for took := range ended {
			if took == 0 {
				early++
			}
		}
		if early != 5 {
			t.Errorf("%d of %d were given up at once, want 5", early, maxLookups+5)
		}
		a.create(urls(page(100)))
		if got, _ := f.findNow(t.Context(), f.lose(urls(page(100))), true); got == "" {
			t.Error("after the rush no job is found")
		}
	})
}

// What is not known when the context ends is left to the next leader, and keeps no drain waiting.
func TestFind_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := new(api)
		f := a.finder()
		a.readClock(t, f)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		got, said := f.findNow(ctx, f.lose(urls(page(0))), false)
		if took := time.Since(begun); got != "" || said || took != time.Second {
			t.Errorf("found %q (%t) after %v, want nothing said after 1s", got, said, took)
		}
	})
}

// A call that made no job takes that of a later call, whose answer is on its way. Each job is one
// call's only.
func TestFind_AJobIsOneCallsOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := new(api)
		f := a.finder()
		a.readClock(t, f)
		lost := f.lose(urls(page(0)))
		time.Sleep(time.Millisecond)
		slow := f.Begin(urls(page(0)), time.Now())
		answer := a.create(urls(page(0)))
		if got, _ := f.findNow(t.Context(), lost, true); got != answer.JobID {
			t.Fatalf("found %q, want %s", got, answer.JobID)
		}
		if got := f.End(slow, edgeone.Done, answer); got != Adopted {
			t.Errorf("the answer's job is %v, want %v", got, Adopted)
		}
	})
}
