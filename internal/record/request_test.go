package record_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

var (
	expired = record.Failure{Index: 1, Target: "https://b.test/", Code: purge.CodeExpired, Reason: "too late", Field: "expires"}
	invalid = record.Failure{Index: 0, Target: "/a", Code: purge.CodeInvalidTarget, Reason: "no scheme", Field: "targets[0]"}
	refused = record.Failure{Index: 2, Target: "https://c.test/", Code: "InvalidParameter.Target"}
)

func TestTally_TellsItsStatus(t *testing.T) {
	tests := map[string]struct {
		tally record.Tally
		want  purge.Status
		code  string // of the reason
	}{
		"all purged":              {record.Tally{Succeeded: 3, Sent: true}, purge.Completed, ""},
		"some purged":             {record.Tally{Succeeded: 2, Sent: true, Failures: []record.Failure{refused}}, purge.Partial, refused.Code},
		"one purged, rest stale":  {record.Tally{Succeeded: 1, Sent: true, Failures: []record.Failure{invalid, expired}}, purge.Partial, invalid.Code},
		"sent, none purged":       {record.Tally{Sent: true, Failures: []record.Failure{refused, refused, refused}}, purge.Failed, refused.Code},
		"sent, rest expired":      {record.Tally{Sent: true, Failures: []record.Failure{expired, refused, invalid}}, purge.Failed, expired.Code},
		"nothing valid":           {record.Tally{Failures: []record.Failure{invalid, invalid, invalid}}, purge.Rejected, invalid.Code},
		"refused as a whole":      {record.Tally{Reason: &purge.Reason{Code: purge.CodePolicy}}, purge.Rejected, purge.CodePolicy},
		"nothing in time":         {record.Tally{Failures: []record.Failure{expired, expired, expired}}, purge.Expired, purge.CodeExpired},
		"not in time, or invalid": {record.Tally{Failures: []record.Failure{invalid, expired, invalid}}, purge.Expired, purge.CodeExpired},
		"invalid after expired":   {record.Tally{Failures: []record.Failure{expired, invalid, invalid}}, purge.Expired, purge.CodeExpired},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.tally.Total = 3
			if got := test.tally.Status(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			o := test.tally.Outcome(at(0))
			if o.Status != test.want {
				t.Errorf("got an outcome %s, want %s", o.Status, test.want)
			}
			code := ""
			if o.Reason != nil {
				code = o.Reason.Code
			}
			if code != test.code {
				t.Errorf("got reason %q, want %q", code, test.code)
			}
		})
	}
}

func TestTally_WithoutTargetsIsRejected(t *testing.T) {
	tally := record.Tally{Reason: &purge.Reason{Code: purge.CodeMalformed}}
	if got := tally.Status(); got != purge.Rejected {
		t.Errorf("got %s, want %s: there was nothing to purge", got, purge.Rejected)
	}
}

func TestTally_OutcomeHasAllThatIsKnown(t *testing.T) {
	labels := map[string]string{"post": "4711"}
	tally := record.Tally{
		Request: record.Request{
			Source: "ghost", ID: "post-4711-r3", Lane: purge.Interactive, Type: purge.URL, Digest: "d", Total: 9,
			Requested: at(1), Received: at(2), Labels: labels,
		},
		Zones: []string{"zone-a", "zone-b"}, Jobs: []string{"job-1", "job-2"}, Succeeded: 4,
		Failures: []record.Failure{invalid, expired, refused}, Omitted: 2, Sent: true, Attempts: 3, Submitted: at(3),
	}
	want := purge.Outcome{
		Request: "post-4711-r3", Source: "ghost", Lane: purge.Interactive, Status: purge.Partial,
		Zones: []string{"zone-a", "zone-b"}, Type: purge.URL, Targets: purge.Counts{Total: 9, Succeeded: 4, Failed: 5},
		Failures: []purge.Failure{
			{Target: "/a", Code: purge.CodeInvalidTarget, Reason: "no scheme"},
			{Target: "https://b.test/", Code: purge.CodeExpired, Reason: "too late"},
			{Target: "https://c.test/", Code: "InvalidParameter.Target", Reason: "InvalidParameter.Target"},
		},
		FailuresOmitted: 2,
		Reason:          &purge.Reason{Code: purge.CodeInvalidTarget, Message: "no scheme", Field: "targets[0]"},
		Jobs:            []string{"job-1", "job-2"}, Attempts: 3, Digest: "d", Labels: labels,
		Times: purge.Times{Requested: at(1), Received: at(2), Submitted: at(3), Finished: at(4)},
	}
	if diff := cmp.Diff(want, tally.Outcome(at(4))); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
	tally.Reason = &purge.Reason{Code: purge.CodePoison, Message: "again and again"}
	if diff := cmp.Diff(tally.Reason, tally.Outcome(at(4)).Reason); diff != "" {
		t.Errorf("reason of the whole (-want +got):\n%s", diff)
	}
}

func TestTally_CompletedOutcomeHasNoReason(t *testing.T) {
	tally := record.Tally{Request: record.Request{Total: 1}, Succeeded: 1, Sent: true, Failures: []record.Failure{refused}}
	if got := tally.Outcome(at(0)); got.Status != purge.Completed || got.Reason != nil {
		t.Errorf("got %s because of %v, want completed and no reason", got.Status, got.Reason)
	}
}

func TestTally_OutcomeIsBounded(t *testing.T) {
	const failures = 3 * purge.MaxFailures
	tests := map[string]struct {
		target string
		most   int
	}{
		"many":          {"https://www.example.com/", purge.MaxFailures},
		"many and long": {"https://www.example.com/" + strings.Repeat("x", purge.MaxTarget), 31},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tally := record.Tally{Request: record.Request{Total: failures + 9}, Omitted: 9, Sent: true}
			for i := range failures {
				tally.Failures = append(tally.Failures, record.Failure{Index: i, Target: test.target, Code: "InternalError"})
				tally.Jobs = append(tally.Jobs, fmt.Sprint("job-", i))
			}
			o := tally.Outcome(at(0))
			if got := len(o.Failures); got != test.most || got+o.FailuresOmitted != failures+9 {
				t.Errorf("got %d failures and %d omitted, want %d and %d", got, o.FailuresOmitted, test.most, failures+9-test.most)
			}
			if got := len(o.Jobs); got != purge.MaxJobs {
				t.Errorf("got %d jobs, want %d", got, purge.MaxJobs)
			}
			if len(tally.Failures) != failures || len(tally.Jobs) != failures {
				t.Error("the tally itself was cut")
			}
			data, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			if got := len(data); got > 260<<10 {
				t.Errorf("got an outcome of %d bytes, want its lists within 256 KiB", got)
			}
		})
	}
}
