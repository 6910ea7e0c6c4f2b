package ledger_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

func TestLedger_PublishesLessWhereAnEventCanNotBeEncoded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := make(map[string]purge.Outcome)
		l := ledger.New(ledger.Config{Instance: "test", Published: func(e purge.Event) { told[e.Data.Request] = e.Data }},
			newMemory().stores(), zap.NewNop())
		good, bad := request("good", 1), request("bad", 2)
		bad.Requested = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC) // RFC 3339 has no such year
		failures := []record.Failure{{Index: 0, Target: "x", Code: purge.CodeInvalidTarget}, {Index: 1, Target: "y", Code: purge.CodePolicy}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := l.Publish(ctx, []record.Tally{{Request: bad, Failures: failures}, {Request: good}}); err != nil {
			t.Fatalf("tell: %v, want an end to it", err)
		}
		if len(told) != 2 || told["good"].Labels == nil || told["good"].Times.Requested.IsZero() {
			t.Errorf("told %+v, want the good one as it is", told)
		}
		o := told["bad"]
		if o.Status != purge.Rejected || o.Targets.Failed != 2 || o.FailuresOmitted != 2 || o.Reason == nil || o.Labels != nil || o.Failures != nil {
			t.Errorf("told %+v, want counts and reason without lists and labels", o)
		}
	})
}
