package record_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/internal/canonical"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

const roomy = 1 << 30 // a limit that nothing meets

// at is a moment of the tests, in milliseconds.
func at(ms int) time.Time {
	return time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC).Add(time.Duration(ms) * time.Millisecond)
}

// placed is a target of a request.
type placed struct {
	Index  int
	Target string
}

// view is what a job says of one request, however its table and runs are laid out.
type view struct {
	record.Request

	Attempts int
	Spans    bool
	Settled  []record.Failure
	Targets  []placed // by index
}

// views gives what the parts say of each request, united.
func views(parts ...*record.Job) map[record.Key]view {
	all := make(map[record.Key]view)
	for _, j := range parts {
		for i := range j.Shares {
			s := &j.Shares[i]
			v := all[s.Key()]
			v.Request, v.Attempts, v.Spans = s.Request, s.Attempts, s.MultiJob
			v.Settled = append(v.Settled, s.EarlierFailures...)
			for _, r := range s.Runs {
				for n := range r[2] {
					v.Targets = append(v.Targets, placed{r[1] + n, j.Targets[r[0]+n]})
				}
			}
			slices.SortFunc(v.Targets, func(a, b placed) int {
				return cmp.Or(a.Index-b.Index, cmp.Compare(a.Target, b.Target))
			})
			all[s.Key()] = v
		}
	}
	return all
}

// decoded reads parts, which must be there to be read.
func decoded(t testing.TB, bodies [][]byte) []*record.Job {
	t.Helper()
	parts := make([]*record.Job, len(bodies))
	for i, body := range bodies {
		j, err := record.DecodeJob(body)
		if err != nil {
			t.Fatalf("part %d: %v", i, err)
		}
		parts[i] = j
	}
	return parts
}

func encoded(t testing.TB, j *record.Job, limit int) [][]byte {
	t.Helper()
	bodies, err := j.Encode(limit)
	if err != nil {
		t.Fatal(err)
	}
	return bodies
}

// texts draws what people write, and what they should not.
func texts(odd bool) *rapid.Generator[string] {
	kinds := []*rapid.Generator[string]{
		rapid.StringMatching(`https://[a-z]{1,9}\.test/[a-z0-9/&=?<>]{0,40}`),
		rapid.StringMatching(`["\\/{}\[\]:,]{1,9}`),
		rapid.StringMatching(`[\x01-\x1f\x7f]{1,9}`),
		rapid.StringMatching(`[äß語😀\x{2028}\x{fffd}]{1,9}`),
		rapid.StringN(0, 40, -1),
		rapid.Just(""),
	}
	if odd { // not UTF-8
		kinds = append(kinds, rapid.Map(rapid.SliceOfN(rapid.Byte(), 1, 40), func(b []byte) string { return string(b) }))
	}
	return rapid.OneOf(kinds...)
}

func drawTime(t *rapid.T, label string) time.Time {
	if rapid.Bool().Draw(t, label+" unknown") {
		return time.Time{}
	}
	return time.Unix(rapid.Int64Range(0, 4e9).Draw(t, label), rapid.Int64Range(0, 999_999_999).Draw(t, label+" ns")).UTC()
}

func drawRequest(t *rapid.T, i int, odd bool) record.Request {
	r := record.Request{
		Source: rapid.StringMatching(`[a-z0-9_-]{1,32}`).Draw(t, "source"),
		ID:     fmt.Sprint(rapid.StringMatching(`[A-Za-z0-9_-]{1,60}`).Draw(t, "id"), i),
		Lane:   rapid.SampledFrom([]purge.Lane{purge.Interactive, purge.Bulk}).Draw(t, "lane"),
		Type:   rapid.SampledFrom([]purge.Type{purge.URL, purge.Prefix, purge.Tag}).Draw(t, "type"),
		Digest: rapid.StringMatching(`[0-9a-f]{32}`).Draw(t, "digest"),
	}
	r.Requested, r.Received = drawTime(t, "requested"), drawTime(t, "received")
	if rapid.Bool().Draw(t, "labelled") {
		r.Labels = rapid.MapOfN(texts(odd), texts(odd), 1, 3).Draw(t, "labels")
	}
	r.Rules = rapid.SampledFrom([]canonical.Rules{canonical.Before, canonical.Current}).Draw(t, "rules")
	if rapid.Bool().Draw(t, "cloudevent") {
		r.CloudEvent = &purge.CloudEvent{Source: texts(odd).Draw(t, "event source"), ID: texts(odd).Draw(t, "event id")}
	}
	return r
}

func drawFailure(t *rapid.T, index int, odd bool) record.Failure {
	text := texts(odd)
	return record.Failure{
		Index: index, Target: text.Draw(t, "failed"), Code: text.Draw(t, "code"),
		Reason: text.Draw(t, "reason"), Field: text.Draw(t, "field"),
	}
}

// drawShare gives a request some targets of a table: in their order or in any, once or several
// times.
func drawShare(t *rapid.T, i, table int, odd bool) record.Share {
	s := record.Share{Request: drawRequest(t, i, odd), Attempts: rapid.IntRange(1, 9).Draw(t, "attempts")}
	order := make([]int, table)
	for i := range order {
		order[i] = i
	}
	switch rapid.IntRange(0, 3).Draw(t, "order") {
	case 0: // as in the table
	case 1:
		order = rapid.Permutation(order).Draw(t, "permutation")
	case 2:
		order = rapid.SliceOfN(rapid.IntRange(0, table-1), 1, 2*table).Draw(t, "repeats")
	case 3:
		step := rapid.IntRange(2, 3).Draw(t, "step")
		order = slices.DeleteFunc(order, func(n int) bool { return n%step != 0 })
	}
	index := rapid.SampledFrom([]int{0, 7, 900_000}).Draw(t, "first index")
	for _, position := range order {
		s.Add(position, index)
		index += rapid.SampledFrom([]int{1, 1, 1, 2}).Draw(t, "gap")
	}
	for range rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, "settled") {
		s.EarlierFailures = append(s.EarlierFailures, drawFailure(t, index, odd))
		index++
	}
	s.Total = index
	return s
}

// drawJob draws a job; an odd one has strings that are not UTF-8, too.
func drawJob(t *rapid.T, odd bool) *record.Job {
	j := &record.Job{Head: record.Head{
		Account: rapid.StringMatching(`[A-Za-z0-9_-]{1,64}`).Draw(t, "account"), Zone: "zone-3fkff38fyw8s",
		ID: texts(odd).Draw(t, "job"), Type: purge.URL,
		Method: rapid.SampledFrom([]string{"", "delete"}).Draw(t, "method"), Rows: rapid.IntRange(0, 5000).Draw(t, "rows"),
		Submitted: drawTime(t, "submitted"), Created: drawTime(t, "created"),
	}}
	j.Hosts = rapid.SliceOfN(texts(odd), 0, 3).Draw(t, "hosts")
	j.Targets = rapid.SliceOfNDistinct(texts(odd), 1, 30, rapid.ID).Draw(t, "targets")
	for i := range rapid.IntRange(1, 6).Draw(t, "shares") {
		j.Shares = append(j.Shares, drawShare(t, i, len(j.Targets), odd))
	}
	return j
}
