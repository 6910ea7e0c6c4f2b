package emulator

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestIDs_NameAndNumberAreInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := newIDKey(rapid.Uint64().Draw(t, "key"))
		seq := rapid.Uint64Range(0, idMask).Draw(t, "seq")
		id := key.name(seq)
		if len(id) != idWidth {
			t.Fatalf("got id %q, want %d characters", id, idWidth)
		}
		if got := key.number(id); got != seq {
			t.Fatalf("got number %d of %q, want %d", got, id, seq)
		}
	})
}

func TestIDs_OfOthersHaveNoJob(t *testing.T) {
	key, other := newIDKey(rand.Uint64()), newIDKey(rand.Uint64())
	for seq := range uint64(1000) {
		if n := key.number(other.name(seq)); n < 1_000_000 {
			t.Fatalf("id %q of another run has number %d", other.name(seq), n)
		}
	}
	for _, id := range []string{"", "20ga521cpwc", "1379afjk91u32h", "20GA521CPWCH", "+0ga521cpwch", "zzzzzzzzzzzz"} {
		if n := key.number(id); n < 1_000_000 {
			t.Errorf("%q has number %d, want one of no job", id, n)
		}
	}
}

// TestFind_AgreesWithWalk holds counts and pages, which walk no rows, against a plain look at every row.
func TestFind_AgreesWithWalk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Wrapped, because a bubble allows no look at the test's deadline.
		rapid.Check(struct{ rapid.TB }{t}, checkFind)
	})
}

func checkFind(t *rapid.T) {
	e, err := New(Config{
		TaskTime: 3 * time.Second, Retention: 20 * time.Second, MaxRows: 60,
		Unknown: map[string]string{"visible-after": "1s"},
		Faults:  map[string]float64{"task-failed": 0.3, "task-timeout": 0.3},
	})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	var jobs []*job // a model of the store without indexes
	for range rapid.IntRange(0, 25).Draw(t, "jobs") {
		j := drawJob(t, e)
		e.purges.add(j, false)
		jobs = append(jobs, j)
		time.Sleep(time.Duration(rapid.IntRange(0, 2500).Draw(t, "gap")) * time.Millisecond)
	}
	for range 8 {
		q := drawQuery(t, start)
		total, hits := e.find(e.purges, q)
		want := look(e, jobs, q)
		if total != len(want) {
			t.Fatalf("%+v: got %d rows, want %d", q, total, len(want))
		}
		want = want[min(q.offset, len(want)):min(q.offset+q.limit, len(want))]
		if diff := cmp.Diff(want, hits, cmpopts.EquateEmpty(), cmp.AllowUnexported(hit{}), cmp.Comparer(same)); diff != "" {
			t.Fatalf("%+v (-want +got):\n%s", q, diff)
		}
	}
}

func same(a, b *job) bool { return a == b }

func drawJob(t *rapid.T, e *Emulator) *job {
	var b listBuilder
	for range rapid.IntRange(1, 8).Draw(t, "rows") {
		b.add(rapid.SampledFrom([]string{"https://a.test/1", "https://a.test/12", "https://b.test/1"}).Draw(t, "target"))
	}
	rows, luck := b.list(), e.faults.luck()
	return &job{
		zone: rapid.SampledFrom([]string{"zone-a", "zone-b"}).Draw(t, "zone"),
		kind: rapid.SampledFrom([]kind{kindURL, kindPrefix}).Draw(t, "kind"),
		rows: rows, luck: luck, sum: tally(e.faults, luck, rows.len()),
	}
}

func drawQuery(t *rapid.T, start time.Time) query {
	q := query{
		zone:     rapid.SampledFrom([]string{"zone-a", "zone-b", "zone-c"}).Draw(t, "zone"),
		kind:     rapid.SampledFrom([]kind{kindCount, kindURL, kindPrefix, kindTag}).Draw(t, "kind"),
		statuses: status(rapid.IntRange(0, 31).Draw(t, "statuses")),
		target:   rapid.SampledFrom([]string{"", "", "https://a.test/1", "b.test"}).Draw(t, "target"),
		fuzzy:    rapid.Bool().Draw(t, "fuzzy"),
		domains:  rapid.SampledFrom([][]string{nil, nil, {"a.test"}, {"b.test", "a.test"}}).Draw(t, "domains"),
		offset:   rapid.IntRange(0, 40).Draw(t, "offset"),
		limit:    rapid.IntRange(1, 30).Draw(t, "limit"),
	}
	if rapid.Bool().Draw(t, "timed") {
		from := start.Add(time.Duration(rapid.IntRange(0, 30_000).Draw(t, "from")) * time.Millisecond)
		to := from.Add(time.Duration(rapid.IntRange(0, 30_000).Draw(t, "span")) * time.Millisecond)
		q.from, q.to = &from, &to
	}
	return q
}

// look is the query by its words.
func look(e *Emulator, jobs []*job, q query) (hits []hit) {
	now := time.Now()
	rows := 0
	for i, j := range slices.Backward(jobs) {
		created := time.Unix(0, j.created)
		if rows += j.rows.len(); rows > e.cfg.MaxRows && i < len(jobs)-1 {
			break // forgotten, as are all older ones
		}
		told := created.Truncate(time.Second)
		if j.zone != q.zone || q.kind < kindCount && j.kind != q.kind || now.Sub(created) > e.cfg.Retention ||
			now.Sub(created) < e.unknown.visibleAfter ||
			q.from != nil && told.Before(*q.from) || q.to != nil && told.After(*q.to) {
			continue
		}
		for row := range j.rows.len() {
			s := e.faults.end(j.luck, row)
			if now.Sub(created) < e.cfg.TaskTime {
				s = statusProcessing
			}
			h := hit{job: j, row: row, status: s}
			sc := scan{query: q}
			if (q.statuses == 0 || q.statuses&s != 0) && sc.matches(h) {
				hits = append(hits, h)
			}
		}
	}
	return hits
}

func TestList_HoldsWhatWasAdded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOf(rapid.String()).Draw(t, "strings")
		l := listOf(want...)
		n := rapid.IntRange(0, len(want)).Draw(t, "n")
		if diff := cmp.Diff(want, l.strings(), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, append(l.first(n).strings(), l.rest(n).strings()...), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("split at %d (-want +got):\n%s", n, diff)
		}
	})
}
