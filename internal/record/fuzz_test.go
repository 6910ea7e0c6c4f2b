package record_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// FuzzDecodeJob makes sure that no stored bytes take a reader down, and that what is read of them
// survives being stored again.
func FuzzDecodeJob(f *testing.F) {
	f.Add(golden(f, "job.v1.golden"))
	f.Add([]byte("{\"v\":2}\n"))
	f.Add([]byte("{\"v\":1,\"part\":3,\"parts\":9}\nnull\n{\"u\":null}\n{\"n\":2,\"u\":[[0,0]]}"))
	f.Add([]byte("{\"v\":1}\n[\"\",\"\\ud800\"]\n{\"s\":\"a\",\"i\":\"b\",\"n\":9,\"u\":[[0,0,2],[1,8,1],[0,0,2]]}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for k, err := range record.Keys(data) {
			if err != nil && k != (record.Key{}) {
				t.Errorf("got key %v beside the error %v", k, err)
			}
		}
		j, err := record.DecodeJob(data)
		if err != nil {
			if j != nil {
				t.Errorf("got a job beside the error %v", err)
			}
			return
		}
		checkRuns(t, j)
		want := slices.Clone(j.Shares)
		bodies, err := j.Encode(roomy)
		skipOddTimes(t, err)
		if err != nil {
			t.Fatalf("encode what was decoded: %v", err)
		}
		again := decoded(t, bodies)
		if len(again) != 1 {
			t.Fatalf("got %d parts, want 1", len(again))
		}
		head := j.Head
		head.Part, head.Parts = 0, 1
		if diff := cmp.Diff(head, again[0].Head, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("head (-first +again):\n%s", diff)
		}
		for i := range want {
			one := func(j *record.Job, s record.Share) map[record.Key]view {
				return views(&record.Job{Targets: j.Targets, Shares: []record.Share{s}})
			}
			diff := cmp.Diff(one(j, want[i]), one(again[0], again[0].Shares[i]), cmpopts.EquateEmpty())
			if diff != "" {
				t.Errorf("share %d (-first +again):\n%s", i, diff)
			}
		}
		if twice := encoded(t, again[0], roomy); !bytes.Equal(twice[0], bodies[0]) {
			t.Errorf("got %q when stored again, want %q", twice[0], bodies[0])
		}
		checkKeys(t, again[0], bodies[0])
	})
}

// checkKeys makes sure that the names read without decoding are those of the shares, where they are
// valid.
func checkKeys(t *testing.T, j *record.Job, data []byte) {
	t.Helper()
	n := 0
	for k, err := range record.Keys(data) {
		s := &j.Shares[n]
		n++
		if valid := purge.ValidSource(s.Source) && purge.ValidID(s.ID); valid && (err != nil || k != s.Key()) {
			t.Errorf("share %d: got key %v, %v, want %v", n-1, k, err, s.Key())
		}
	}
	if n != len(j.Shares) {
		t.Errorf("got %d keys of %d shares", n, len(j.Shares))
	}
}

// FuzzEcho makes sure that the form in which a target is compared is one, whichever spelling of it
// EdgeOne tells, and that no two targets share it that a server would tell apart.
func FuzzEcho(f *testing.F) {
	for _, target := range []string{
		"https://www.example.com/%7etwin", "https://www.example.com/~twin", "https://h/%c3%a9?%2F%41", "https://h/%", "https://h/%4",
		"https://h/%zz%25%2525", "HTTPS://H:443/%7E#x", "%41", "a,b", "WWW.Example.com", "", "\xff%41",
	} {
		f.Add("url", target)
		f.Add("tag", target)
		f.Add("host", target)
	}
	f.Fuzz(func(t *testing.T, kind, target string) {
		got := record.Echo(purge.Type(kind), target)
		if len(got) > 3*len(target)+256 {
			t.Errorf("%q: got %d bytes of %d", target, len(got), len(target))
		}
		c, err := purge.Canonical(purge.Type(kind), target)
		if err != nil || len(c) > purge.MaxTarget {
			return // it was never sent, or is too long to be a target again
		}
		if again := record.Echo(purge.Type(kind), got); again != got {
			t.Errorf("%s %q: got %q, then %q", kind, target, got, again)
		}
		if echo := record.Echo(purge.Type(kind), c); echo != got {
			t.Errorf("%s %q: got %q, and %q of its canonical form", kind, target, got, echo)
		}
		if kind == string(purge.Tag) || kind == string(purge.Host) {
			return
		}
		if a, b := unescaped(c), unescaped(got); a != b {
			t.Errorf("%q: got %q, which asks for %q, not for %q", target, got, b, a)
		}
	})
}

// unescaped is what a server makes of a URL's escapes, once.
func unescaped(raw string) string {
	text, err := url.PathUnescape(raw)
	if err != nil {
		return raw
	}
	return text
}

// skipOddTimes passes over times that package time reads and does not write, such as one of a zone
// a day off: those of our records are in UTC.
func skipOddTimes(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), "Time.MarshalJSON") {
		t.Skip(err)
	}
}

// FuzzDecodeHead makes sure of the same for the head alone, which is all that is read of most
// parts.
func FuzzDecodeHead(f *testing.F) {
	for _, name := range []string{"job.v1.golden", "again.v1.golden"} {
		line, _, _ := bytes.Cut(golden(f, name), []byte("\n"))
		f.Add(line)
	}
	for _, line := range []string{`{"v":1}`, `{"v":2,"parts":"two"}`, `{"v":1,"parts":"two"}`, `{"v":1,"due":"0001-01-01T00:00:00Z"}`, `{"V":1,"v":1e0}`, `{"v":1,"due":"2026-11-22T10:00:00+24:00"}`, `null`} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		h, err := record.DecodeHead(line)
		if err != nil {
			if diff := cmp.Diff(record.Head{}, h); diff != "" {
				t.Errorf("head beside the error %v:\n%s", err, diff)
			}
			return
		}
		if h.Version != record.Version || h.IsRetryPart() == h.Due.IsZero() {
			t.Errorf("got version %d, again %t, due %v", h.Version, h.IsRetryPart(), h.Due)
		}
		stored, err := json.Marshal(h)
		skipOddTimes(t, err)
		if err != nil {
			t.Fatalf("encode what was decoded: %v", err)
		}
		again, err := record.DecodeHead(stored)
		if diff := cmp.Diff(h, again, cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Errorf("got %v (-first +again):\n%s", err, diff)
		}
	})
}

func checkRuns(t *testing.T, j *record.Job) {
	t.Helper()
	for _, s := range j.Shares {
		for _, r := range s.Runs {
			at, index, n := r[0], r[1], r[2]
			if at < 0 || n < 1 || at+n > len(j.Targets) || index < 0 || index+n > s.Total {
				t.Errorf("got run %v of %d targets and a request of %d", r, len(j.Targets), s.Total)
			}
		}
	}
}

// FuzzDecodeProgress makes sure of the same for the progress of a request, and that every target of
// it can be marked.
func FuzzDecodeProgress(f *testing.F) {
	f.Add(golden(f, "progress.v1.golden.json"))
	f.Add(golden(f, "closed.v1.golden.json"))
	f.Add([]byte(`{"v":2}`))
	f.Add([]byte(`{"v":1,"request":{"n":5},"states":"/+8=","failures":[{"x":-1},{"x":9},{"x":0},{"x":0}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := record.DecodeProgress(data)
		if err != nil {
			if p != nil {
				t.Errorf("got a record beside the error %v", err)
			}
			return
		}
		_, err = p.Encode()
		skipOddTimes(t, err)
		again := stored(t, p)
		if diff := cmp.Diff(p, again, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("progress (-first +again):\n%s", diff)
		}
		for index := -1; index <= p.Request.Total; index++ {
			before := p.State(index)
			again.Fail(failed(index))
			if got := again.State(index); index >= 0 && index < p.Request.Total && got != max(before, record.Refused) {
				t.Errorf("got state %d of target %d after a failure, was %d", got, index, before)
			}
			again.Succeed(index)
		}
		wantCounts(t, again, p.Request.Total, 0, 0)
		tally := again.Tally()
		if got := tally.Status(); p.Request.Total > 0 && got != purge.Completed {
			t.Errorf("got %s when all succeeded, want completed", got)
		}
		if _, err := record.DecodeHead(data); err != nil && errors.Is(err, record.ErrVersion) {
			t.Errorf("got %v, though the version is read", err)
		}
	})
}
