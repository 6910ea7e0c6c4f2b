package record_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

func TestJob_SurvivesItsStorage(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		j := drawJob(rt, false)
		want := views(j)
		head := j.Head
		head.Version, head.Part, head.Parts = record.Version, 0, 1
		parts := decoded(t, encoded(t, j, roomy))
		if len(parts) != 1 {
			rt.Fatalf("got %d parts, want 1", len(parts))
		}
		if diff := cmp.Diff(head, parts[0].Head, cmpopts.EquateEmpty()); diff != "" {
			rt.Errorf("head (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, views(parts...), cmpopts.EquateEmpty()); diff != "" {
			rt.Errorf("requests (-want +got):\n%s", diff)
		}
	})
}

func TestJob_PartsKeepTheLimit(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		j := drawJob(rt, true)
		limit := rapid.IntRange(1000, 12_000).Draw(rt, "limit")
		bodies, err := j.Encode(limit)
		if err != nil {
			if worst := largestPiece(j); limit >= worst {
				rt.Fatalf("got %v for a limit of %d, though no piece takes more than %d", err, limit, worst)
			}
			return
		}
		for i, body := range bodies {
			if len(body) > limit {
				rt.Errorf("got %d bytes in part %d of %d, want at most %d", len(body), i, len(bodies), limit)
			}
		}
	})
}

// largestPiece bounds what the largest indivisible piece of a job may be taken to be: a share with
// one target, or with all that was settled.
func largestPiece(j *record.Job) int {
	largest := 0
	for i := range j.Shares {
		s := &j.Shares[i]
		size := len(s.Source) + len(s.ID) + len(s.Digest)
		for k, v := range s.Labels {
			size += len(k) + len(v) + 10
		}
		for _, f := range s.EarlierFailures {
			size += len(f.Target) + len(f.Code) + len(f.Reason) + len(f.Field) + 20
		}
		largest = max(largest, size)
	}
	for _, text := range slices.Concat(j.Targets, j.Hosts, []string{j.Account, j.ID}) {
		largest += len(text)
	}
	const worst = 6 // bytes of one byte in JSON
	return 2000 + worst*largest
}

func TestJob_PartsMakeUpTheWhole(t *testing.T) {
	split := 0
	rapid.Check(t, func(rt *rapid.T) {
		j := drawJob(rt, false)
		want := views(j)
		bodies, err := j.Encode(rapid.IntRange(1500, 8000).Draw(rt, "limit"))
		if err != nil {
			rt.Skip("too small a limit")
		}
		parts := decoded(t, bodies)
		in := make(map[record.Key]int)
		for i, p := range parts {
			head := j.Head
			head.Version, head.Part, head.Parts = record.Version, i, len(parts)
			if diff := cmp.Diff(head, p.Head, cmpopts.EquateEmpty()); diff != "" {
				rt.Errorf("head of part %d (-want +got):\n%s", i, diff)
			}
			for _, k := range keys(rt, bodies[i]) {
				in[k]++
			}
		}
		for i := range j.Shares {
			s := &j.Shares[i]
			if v := want[s.Key()]; s.MultiJob != (in[s.Key()] > 1) {
				rt.Errorf("got %s in %d parts and spans %t", s.Key(), in[s.Key()], s.MultiJob)
			} else if v.Spans = s.MultiJob; s.MultiJob {
				want[s.Key()] = v
				split++
			}
		}
		for i, p := range parts {
			for k, v := range views(p) {
				if v.Spans != (in[k] > 1) {
					rt.Errorf("got spans %t of %s in part %d, want %t", v.Spans, k, i, in[k] > 1)
				}
			}
		}
		if diff := cmp.Diff(want, views(parts...), cmpopts.EquateEmpty()); diff != "" {
			rt.Errorf("requests (-want +got):\n%s", diff)
		}
	})
	if split == 0 {
		t.Error("no request was split")
	}
}

func keys(t rapid.TB, body []byte) []record.Key {
	t.Helper()
	var all []record.Key
	for k, err := range record.Keys(body) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, k)
	}
	return all
}

func TestJob_KeepsWhatIsMultiJobAlready(t *testing.T) {
	j := plainJob(3)
	j.Shares[0].MultiJob = true
	if got := decoded(t, encoded(t, j, roomy))[0]; !got.Shares[0].MultiJob {
		t.Error("got a share that spans no more, want the mark kept: its request has targets in other jobs")
	}
}

// plainJob is a job of one request, with so many URLs.
func plainJob(targets int) *record.Job {
	j := &record.Job{Head: record.Head{Account: "main", Zone: "zone-3fkff38fyw8s", ID: "20ga521cpwch", Type: purge.URL}}
	s := record.Share{Request: record.Request{Source: "ghost", ID: "post-4711-r3", Total: targets}, Attempts: 1}
	for i := range targets {
		j.Targets = append(j.Targets, fmt.Sprintf("https://www.example.com/blog/2026/11/hello-world/%06d/", i))
		s.Add(i, i)
	}
	j.Shares = []record.Share{s}
	return j
}

// The common job is one part: 5,000 URLs, the most that a call carries, of as many requests.
func TestJob_CommonOneIsOnePart(t *testing.T) {
	j := plainJob(5000)
	if got := len(encoded(t, j, 960<<10)); got != 1 {
		t.Errorf("got %d parts for one request, want 1", got)
	}
	j.Shares = nil
	for i := range 500 {
		s := record.Share{Request: record.Request{Source: "ghost", ID: fmt.Sprint("post-", i), Total: 10}, Attempts: 1}
		for n := range 10 {
			s.Add(10*i+n, n)
		}
		j.Shares = append(j.Shares, s)
	}
	if got := len(encoded(t, j, 960<<10)); got != 1 {
		t.Errorf("got %d parts for 500 requests, want 1", got)
	}
}

// What is one run in the job's table is many in a part's, whose table is in another order.
func TestJob_CountsTheRunsOfThePart(t *testing.T) {
	const targets = 4000
	j := plainJob(targets)
	all := j.Shares[0]
	halves := make([]record.Share, 2)
	for i := range halves {
		halves[i] = record.Share{Request: all.Request}
		halves[i].ID = fmt.Sprint("half-", i)
		for n := range targets / 2 {
			halves[i].Add(2*n+i, n)
		}
	}
	j.Shares = halves
	for i := range 5 {
		whole := all
		whole.ID = fmt.Sprint("whole-", i)
		j.Shares = append(j.Shares, whole)
	}
	for limit := 350_000; limit < 700_000; limit += 10_000 {
		for i, body := range encoded(t, j, limit) {
			if len(body) > limit {
				t.Errorf("got %d bytes in part %d, want at most %d", len(body), i, limit)
			}
		}
	}
}

func TestJob_SplitsEarlierFailuresFromTheTargets(t *testing.T) {
	j := plainJob(40)
	for i := range 30 {
		j.Shares[0].EarlierFailures = append(j.Shares[0].EarlierFailures, record.Failure{Index: 40 + i, Target: "/about/", Code: "InvalidTarget"})
	}
	j.Shares[0].Total = 70
	want := views(j)
	parts := decoded(t, encoded(t, j, 5000))
	if len(parts) != 2 || parts[0].Shares[0].Count() >= parts[1].Shares[0].Count() {
		t.Fatalf("got %d parts, want two, of which the second has more room for targets", len(parts))
	}
	for i, p := range parts {
		if got := len(p.Shares[0].EarlierFailures) > 0; got != (i == 0) {
			t.Errorf("got settled failures in part %d: %t, want them in the first alone", i, got)
		}
	}
	v := want[j.Shares[0].Key()]
	v.Spans = true
	want[j.Shares[0].Key()] = v
	if diff := cmp.Diff(want, views(parts...), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestJob_RefusesALimitThatIsTooSmall(t *testing.T) {
	tests := map[string]func(j *record.Job){
		"for a target": func(j *record.Job) { j.Targets[1] = strings.Repeat("x", 5000) },
		"for labels":   func(j *record.Job) { j.Shares[0].Labels = map[string]string{"a": strings.Repeat("x", 5000)} },
		"for what was settled": func(j *record.Job) {
			j.Shares[0].EarlierFailures = []record.Failure{{Reason: strings.Repeat("x", 5000)}}
		},
		"for what was settled, without a target": func(j *record.Job) {
			j.Shares[0].EarlierFailures = []record.Failure{{Reason: strings.Repeat("x", 5000)}}
			j.Shares[0].Runs = nil
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			j := plainJob(3)
			change(j)
			if bodies, err := j.Encode(4000); err == nil {
				t.Errorf("got %d parts, want an error", len(bodies))
			}
			if _, err := j.Encode(8000); err != nil {
				t.Errorf("got %v with twice the limit, want none", err)
			}
		})
	}
}

func TestKeys_RefusesWhatIsNoShare(t *testing.T) {
	for _, line := range []string{"", "{}", `{"i":"a","s":"b"}`, `{"s":"a"}`, `{"s":"a","x":1,"i":"b"}`, `{"s":"a","x":"","i":"b"}`, "\xff\xff"} {
		got := 0
		for k, err := range record.Keys([]byte("{}\n[]\n" + line + "\n")) {
			if got++; err == nil {
				t.Errorf("got %v of %q, want an error", k, line)
			}
		}
		if got != 1 {
			t.Errorf("got %d keys of %q, want one error", got, line)
		}
	}
	for k, err := range record.Keys([]byte("{}\n[]")) {
		t.Errorf("got %v and error %v of a part without shares", k, err)
	}
}

func TestKeys_StopsWhenAsked(t *testing.T) {
	j := plainJob(1)
	j.Shares = append(j.Shares, j.Shares[0])
	got := 0
	for k, err := range record.Keys(encoded(t, j, roomy)[0]) {
		if got++; err != nil || k != j.Shares[0].Key() {
			t.Errorf("got %v and error %v, want %v", k, err, j.Shares[0].Key())
		}
		break
	}
	if got != 1 {
		t.Errorf("got %d keys, want one", got)
	}
}

func TestDecode_LeavesOtherVersionsAlone(t *testing.T) {
	tests := map[string]struct {
		first string
		newer bool
	}{
		"next":                 {`{"v":2,"job":"j"}`, true},
		"far":                  {`{"v":1000,"job":"j"}`, true},
		"with fields of other": {`{"v":2,"job":["j"],"rows":"many","request":[],"states":{}}`, true},
		"with odd times":       {`{"v":2,"submitted":"tomorrow"}`, true},
		"none":                 {`{"job":"j"}`, true},
		"null":                 {`null`, true},
		"negative":             {`{"v":-1}`, true},
		"no number":            {`{"v":"2"}`, false},
		"no JSON":              {`{"v":2`, false},
		"nothing":              {``, false},
		"this, but broken":     {`{"v":1,"job":["j"],"request":[]}`, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			check := func(what string, got any, err error) {
				t.Helper()
				if err == nil || errors.Is(err, record.ErrVersion) != test.newer {
					t.Errorf("%s: got error %v, want ErrVersion: %t", what, err, test.newer)
				}
				if got != nil {
					t.Errorf("%s: got %v beside the error, want nothing", what, got)
				}
			}
			for _, rest := range []string{"", "\n", "\n[]\n", "\n{\"targets\":1}\n[]\n"} {
				if j, err := record.DecodeJob([]byte(test.first + rest)); j != nil {
					check("job", j, err)
				} else {
					check("job", nil, err)
				}
			}
			head, err := record.DecodeHead([]byte(test.first))
			check("head", nil, err)
			if diff := cmp.Diff(record.Head{}, head); diff != "" {
				t.Errorf("head (-want +got):\n%s", diff)
			}
			if p, err := record.DecodeProgress([]byte(test.first)); p != nil {
				check("progress", p, err)
			} else {
				check("progress", nil, err)
			}
		})
	}
}

func TestDecodeJob_RefusesRunsOutsideOfTheirTargets(t *testing.T) {
	tests := map[string]struct {
		run [3]int
		ok  bool
	}{
		"all":                 {[3]int{0, 0, 3}, true},
		"last":                {[3]int{2, 4, 1}, true},
		"behind the table":    {[3]int{3, 0, 1}, false},
		"beyond the table":    {[3]int{1, 0, 3}, false},
		"before the table":    {[3]int{-1, 0, 1}, false},
		"behind the request":  {[3]int{0, 5, 1}, false},
		"beyond the request":  {[3]int{0, 3, 3}, false},
		"before the request":  {[3]int{0, -1, 1}, false},
		"empty":               {[3]int{0, 0, 0}, false},
		"negative":            {[3]int{2, 0, -1}, false},
		"position overflows":  {[3]int{math.MaxInt, 0, 1}, false},
		"index overflows":     {[3]int{0, math.MaxInt, 1}, false},
		"count overflows":     {[3]int{1, 1, math.MaxInt}, false},
		"all three overflow":  {[3]int{math.MaxInt, math.MaxInt, math.MaxInt}, false},
		"lowest there may be": {[3]int{math.MinInt, 0, 1}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := test.run
			body := fmt.Sprintf("{\"v\":1,\"job\":\"j\"}\n[\"a\",\"b\",\"c\"]\n"+
				"{\"s\":\"ghost\",\"i\":\"id\",\"n\":5,\"a\":1,\"u\":[[%d,%d,%d]]}\n", r[0], r[1], r[2])
			if _, err := record.DecodeJob([]byte(body)); (err == nil) != test.ok {
				t.Errorf("got error %v, want one: %t", err, !test.ok)
			}
		})
	}
}

func TestDecodeJob_RefusesATotalBelowNone(t *testing.T) {
	for _, total := range []int{0, -1, math.MinInt} {
		body := fmt.Sprintf("{\"v\":1}\n[\"a\"]\n{\"s\":\"ghost\",\"i\":\"id\",\"n\":%d,\"u\":[[0,0,1]]}\n", total)
		if _, err := record.DecodeJob([]byte(body)); err == nil {
			t.Errorf("got no error for one target of %d", total)
		}
	}
}

func TestDecodeJob_RefusesWhatIsBroken(t *testing.T) {
	for name, body := range map[string]string{
		"no table":     "{\"v\":1}\n",
		"odd table":    "{\"v\":1}\n{}\n",
		"odd share":    "{\"v\":1}\n[]\n[]\n",
		"empty share":  "{\"v\":1}\n[]\n\n",
		"cut in share": "{\"v\":1}\n[]\n{\"s\":\"ghost\",",
	} {
		t.Run(name, func(t *testing.T) {
			if j, err := record.DecodeJob([]byte(body)); err == nil || errors.Is(err, record.ErrVersion) {
				t.Errorf("got %+v and error %v, want an error that is not ErrVersion", j, err)
			}
		})
	}
}
