package record_test

import (
	"bytes"
	"errors"
	"slices"
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
