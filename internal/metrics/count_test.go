package metrics_test

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/metrics"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

func TestEnds_MeasureFromTheChange(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	tests := []struct {
		name  string
		times purge.Times
		want  float64
	}{
		{"the change", purge.Times{Requested: at.Add(-5 * time.Second), Received: at.Add(-time.Second), Finished: at}, 5},
		{"the arrival, where no change is told", purge.Times{Received: at.Add(-2 * time.Second), Finished: at}, 2},
		{"a change in the future", purge.Times{Requested: at.Add(time.Hour), Finished: at}, 0},
		{"a change that can't be", purge.Times{Requested: time.Unix(0, 0), Finished: at}, 7 * 24 * 3600},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench()
			for _, status := range []purge.Status{purge.Completed, purge.Partial, purge.Failed, purge.Expired} {
				b.Told(purge.Event{Data: purge.Outcome{Lane: purge.Interactive, Status: status, Times: tt.times}})
			}
			got := b.get(t, "purge_end_to_end_seconds", "interactive")
			if math.Abs(got.sum-tt.want) > 1e-9 || got.count != 1 {
				t.Errorf("got %v s of %d requests, want %v s of the completed one", got.sum, got.count, tt.want)
			}
			if got := b.value(t, "purge_end_to_end_seconds", "bulk"); got != 0 {
				t.Errorf("got %v requests of the other lane, want none", got)
			}
		})
	}
}

func TestAPI_TellsRefusalsApart(t *testing.T) {
	b := newBench()
	ends := []error{
		nil, nil,
		&edgeone.Error{Code: "RequestLimitExceeded.UinLimitExceeded", Sent: true},
		&edgeone.Error{Code: "AuthFailure.SignatureFailure", Sent: true},
		&edgeone.Error{Sent: true},
		fmt.Errorf("call: %w", errors.New("whatever")),
	}
	for _, err := range ends {
		b.Called(metrics.Create, err, 40*time.Millisecond)
	}
	for class, want := range map[string]float64{"done": 2, "throttled": 1, "permission": 1, "ambiguous": 1, "unknown": 1, "plan": 0} {
		if got := b.value(t, "api_requests_total", metrics.Create, class); got != want {
			t.Errorf("%s: got %v, want %v", class, got, want)
		}
	}
	if got := b.value(t, "api_errors_total", metrics.Create, "AuthFailure"); got != 1 {
		t.Errorf("got %v calls with AuthFailure, want 1", got)
	}
	if got := b.value(t, "api_throttled_total", metrics.Create); got != 1 {
		t.Errorf("got %v calls refused as too fast, want 1", got)
	}
	if got := b.value(t, "api_request_duration_seconds", metrics.Create); got != 6 {
		t.Errorf("got %v times, want 6", got)
	}
}

func TestJobs_TellResultsApart(t *testing.T) {
	b := newBench()
	now := time.Now()
	bad := record.Result{Code: "TaskFailed"}
	for _, out := range []record.Outcome{
		{},
		{Rest: bad, Rows: []record.Row{{Target: "a"}}},
		{Rest: bad, Rows: []record.Row{{Target: "a"}, {Target: "b", Result: bad}}},
		{Rest: bad},
		{Rest: record.Result{Code: purge.CodeDeadline}, Rows: []record.Row{{Target: "a"}}},
	} {
		out.Finished = now
		b.Final(purge.Tag, now.Add(-3*time.Second), &out)
	}
	for result, want := range map[string]float64{"success": 2, "failure": 2, "deadline": 1} {
		if got := b.value(t, "task_duration_seconds", result, "tag"); got != want {
			t.Errorf("%s: got %v, want %v", result, got, want)
		}
	}
}

func TestState_TellsTheZonesThatHaveLeast(t *testing.T) {
	b := newBench()
	read := b.state.At.Add(-90 * time.Second)
	for i := range 300 {
		zone := fmt.Sprintf("zone-%03d", i)
		b.state.Quotas = append(b.state.Quotas,
			metrics.Quota{Zone: zone, Type: purge.URL, Batch: 500, Daily: 1000, Available: i, Read: read},
			metrics.Quota{Zone: zone, Type: purge.All, Batch: 1, Daily: 100, Available: 100, Read: read})
	}
	if got := b.value(t, "quota_remaining", "url", "zone-007"); got != 7 {
		t.Errorf("got %v left, want 7", got)
	}
	if got := b.value(t, "quota_batch_limit", "all", "zone-099"); got != 1 {
		t.Errorf("got a batch of %v, want 1", got)
	}
	if got, want := b.value(t, "quota_read_timestamp_seconds", "zone-007"), float64(read.UnixMilli())/1000; got != want {
		t.Errorf("got a reading at %v, want %v", got, want)
	}
	told, omitted := b.state.Bounded()
	if len(told) != 200 || omitted != 200 || told[199].Zone != "zone-099" {
		t.Errorf("got %d quotas up to %s, %d zones left out; want 200 up to zone-099, 200", len(told), told[len(told)-1].Zone, omitted)
	}
}

func TestState_TellsAges(t *testing.T) {
	b := newBench()
	if got := b.value(t, "oldest_pending_seconds", "bulk"); got != 0 {
		t.Errorf("got %v with nothing there, want 0", got)
	}
	b.state.Lanes[1].Oldest, b.state.OldestJob = b.state.At.Add(-time.Minute), b.state.At.Add(time.Minute)
	if got := b.value(t, "oldest_pending_seconds", "bulk"); got != 60 {
		t.Errorf("got %v, want 60", got)
	}
	if got := b.value(t, "oldest_task_seconds"); got != 0 {
		t.Errorf("got %v for another clock's future, want 0", got)
	}
}

// What is counted for each request must cost next to nothing beside what the request costs.
func BenchmarkPerRequest(b *testing.B) {
	m := newBench()
	now := time.Now()
	e := purge.Event{Data: purge.Outcome{
		Lane: purge.Bulk, Status: purge.Completed, Times: purge.Times{Requested: now.Add(-5 * time.Second), Finished: now},
	}}
	b.ReportAllocs()
	for b.Loop() {
		m.Received(purge.Bulk, 1, 0)
		m.Lined(purge.URL, 1, 0)
		m.Told(e)
	}
}
