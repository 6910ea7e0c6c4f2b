package purge_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/purge"
)

func partialOutcome() purge.Outcome {
	return purge.Outcome{
		Request: "post-4711-r3", Source: "ghost", Lane: purge.Interactive, Status: purge.Partial,
		Zones: []string{"zone-3fkff38fyw8s"}, Type: purge.URL,
		Targets: purge.Counts{Total: 3, Succeeded: 2, Failed: 1},
		Failures: []purge.Failure{{
			Target: "https://www.example.com/?a=1&b=<2>", Code: "InvalidParameter.Target", Reason: "not of this zone",
		}},
		Reason:   &purge.Reason{Code: "InvalidTarget", Message: "not of this zone", Field: "targets[2]"},
		Jobs:     []string{"20ga521cpwch"},
		Attempts: 1,
		Prefetch: &purge.Counts{},
		Digest:   "e3b0c44298fc1c149afbf4c8996fb924",
		Times: purge.Times{
			Requested: changed, Received: changed.Add(time.Second),
			Submitted: changed.Add(2 * time.Second), Finished: changed.Add(9500 * time.Millisecond),
		},
		Labels: map[string]string{"post": "4711"},
	}
}

func TestEvent_HasItsGoldenForm(t *testing.T) {
	tests := map[string]purge.Outcome{
		"partial":  partialOutcome(),
		"rejected": {Request: "_1x-2", Source: "ghost", Status: purge.Rejected},
	}
	for name, outcome := range tests {
		t.Run(name, func(t *testing.T) {
			want, err := os.ReadFile(filepath.Join("testdata", name+".golden.json"))
			if err != nil {
				t.Fatal(err)
			}
			event := purge.NewEvent("default", outcome, expires)
			data, err := event.Encode()
			if err != nil {
				t.Fatal(err)
			}
			var indented bytes.Buffer
			if err := json.Indent(&indented, data, "", "  "); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), indented.String()+"\n"); diff != "" {
				t.Errorf("JSON (-want +got):\n%s", diff)
			}
			got, err := purge.DecodeEvent(data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(event, got); diff != "" {
				t.Errorf("decoded event (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeEvent_IgnoresWhatItDoesNotKnow(t *testing.T) {
	const body = `{"specversion":"1.0","type":"io.edgepurge.request.failed.v1","new":1,"data":{"status":"failed","new":[]}}`
	if got, err := purge.DecodeEvent([]byte(body)); err != nil || got.Data.Status != purge.Failed {
		t.Errorf("got %+v, %v, want a failed request", got, err)
	}
}

func TestDecodeEvent_RefusesOtherMessages(t *testing.T) {
	for _, body := range []string{
		``, `[]`, `{`, `{}`,
		`{"specversion":"0.3","type":"io.edgepurge.request.failed.v1","data":{"status":"failed"}}`,
		`{"specversion":"1.0","type":"io.edgepurge.request.failed.v2","data":{"status":"failed"}}`,
		`{"specversion":"1.0","type":"io.edgepurge.request.failed.v1","data":{"status":"partial"}}`,
		`{"specversion":"1.0","type":"io.edgepurge.request.done.v1","data":{"status":"done"}}`,
		`{"specversion":"1.0","type":"io.edgepurge.request..v1"}`,
	} {
		if got, err := purge.DecodeEvent([]byte(body)); err == nil {
			t.Errorf("%s: got %+v, want an error", body, got)
		}
	}
}

func TestOutcome_BoundCutsToTheLimits(t *testing.T) {
	failures := func(n, size int) []purge.Failure {
		list := make([]purge.Failure, n)
		for i := range list {
			list[i] = purge.Failure{Target: strings.Repeat("t", size), Code: "InvalidTarget"}
		}
		return list
	}
	tests := map[string]struct {
		outcome        purge.Outcome
		failures, jobs int
		omitted        int
	}{
		"nothing to cut": {partialOutcome(), 1, 1, 0},
		"at the counts":  {purge.Outcome{Failures: failures(100, 10), Jobs: make([]string, 100)}, 100, 100, 0},
		"beyond them":    {purge.Outcome{Failures: failures(101, 10), Jobs: make([]string, 101)}, 100, 100, 1},
		"omitted before": {purge.Outcome{Failures: failures(101, 10), FailuresOmitted: 7}, 100, 0, 8},
		"long targets":   {purge.Outcome{Failures: failures(100, 8192)}, 31, 0, 69},
		"one too long": {
			purge.Outcome{Failures: append(failures(1, 300<<10), failures(3, 10)...)}, 3, 0, 1,
		},
		"jobs first": {
			purge.Outcome{Failures: failures(2, 100<<10), Jobs: []string{strings.Repeat("j", 100<<10)}}, 1, 1, 1,
		},
		"long once escaped": {purge.Outcome{Failures: []purge.Failure{{Target: strings.Repeat("\x01", 50<<10)}}}, 0, 0, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			given := tt.outcome
			for range 2 {
				tt.outcome.Bound()
				if len(tt.outcome.Failures) != tt.failures || len(tt.outcome.Jobs) != tt.jobs ||
					tt.outcome.FailuresOmitted != tt.omitted {
					t.Errorf("got %d failures, %d jobs, %d omitted, want %d, %d, %d", len(tt.outcome.Failures),
						len(tt.outcome.Jobs), tt.outcome.FailuresOmitted, tt.failures, tt.jobs, tt.omitted)
				}
			}
			if size := listBytes(t, tt.outcome); size > 256<<10 {
				t.Errorf("got %d bytes of failures and jobs, want at most 256 KiB", size)
			}
			if total := len(tt.outcome.Failures) + tt.omitted; total != len(given.Failures)+given.FailuresOmitted {
				t.Errorf("got %d failures in all, want %d", total, len(given.Failures)+given.FailuresOmitted)
			}
		})
	}
}

// listBytes is what failures and jobs take in an encoded event.
func listBytes(t *testing.T, o purge.Outcome) int {
	t.Helper()
	data, err := purge.NewEvent("default", o, changed).Encode()
	if err != nil {
		t.Fatal(err)
	}
	var event struct {
		Data struct{ Failures, Jobs json.RawMessage }
	}
	if err := json.Unmarshal(data, &event); err != nil {
		t.Fatal(err)
	}
	return len(event.Data.Failures) + len(event.Data.Jobs)
}
