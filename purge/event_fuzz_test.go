package purge_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/purge"
)

// FuzzDecodeEvent makes sure that what is read as an event says the same when it is stored again, and has the room that
// an event has once it is bounded.
func FuzzDecodeEvent(f *testing.F) {
	for _, name := range []string{"testdata/partial.golden.json", "testdata/rejected.golden.json"} {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, data := range []string{
		`{"specversion":"1.0","type":"io.edgepurge.request.completed.v1","data":{"status":"completed"}}`,
		`{"SPECVERSION":"1.0","type":"io.edgepurge.request.expired.v1","more":[],"data":{"Status":"expired","failures":[{}],"failures_omitted":-1}}`,
		`{"specversion":"1.0","type":"io.edgepurge.request.partial.v1","time":"2026-11-22T11:00:00.5+01:00","data":{"status":"partial","jobs":["\ud800"],` +
			`"labels":{"\u0000":"<&>"},"failures":[null,{"target":"\u2028"}],"reason":{"code":"x"},"prefetch":{"total":1},"times":null}}`,
		`{"specversion":"1.0","type":"io.edgepurge.request.completed.v2"}`, `{"specversion":"0.3"}`, `null`, `[]`, "\xff",
	} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := purge.DecodeEvent(data)
		if err != nil {
			if diff := cmp.Diff(purge.Event{}, e); diff != "" {
				t.Errorf("event beside the error %v:\n%s", err, diff)
			}
			return
		}
		stored, err := e.Encode()
		if err != nil {
			t.Skip("a time that RFC 3339 can't express, which no event of ours has")
		}
		again, err := purge.DecodeEvent(stored)
		if err != nil {
			t.Fatalf("%s: got %v the second time", stored, err)
		}
		if twice, err := again.Encode(); err != nil || !bytes.Equal(twice, stored) {
			t.Errorf("got %s, %v when stored again, want %s", twice, err, stored)
		}
		checkBound(t, again.Data)
	})
}

// checkBound holds for whatever is to be told.
func checkBound(t *testing.T, o purge.Outcome) {
	t.Helper()
	// One that is far too large, made of what there is.
	for range 8 {
		o.Failures = append(o.Failures, o.Failures...)
		o.Jobs = append(o.Jobs, o.Jobs...)
	}
	bounded := o
	bounded.Bound()
	size := 0
	for _, list := range []any{bounded.Failures, bounded.Jobs} {
		data, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		size += len(data)
	}
	if len(bounded.Failures) > purge.MaxFailures || len(bounded.Jobs) > purge.MaxJobs || size > 6*256<<10 {
		t.Errorf("got %d failures and %d jobs in %d bytes", len(bounded.Failures), len(bounded.Jobs), size)
	}
	if got, want := len(bounded.Failures)+bounded.FailuresOmitted, len(o.Failures)+o.FailuresOmitted; got != want {
		t.Errorf("got %d failures, listed and not, want %d", got, want)
	}
	twice := bounded
	twice.Bound()
	if diff := cmp.Diff(bounded, twice); diff != "" {
		t.Errorf("bounded again (-once +twice):\n%s", diff)
	}
}
