package emulator_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

func TestStats_CountCallsAndTargets(t *testing.T) {
	c, e := newClient(t, emulator.Config{})
	c.create(t, "https://a.test/", "https://b.test/", "https://a.test/")
	c.create(t, "https://b.test/")
	c.describe(t)
	c.call(t, "CreatePurgeTask", "{}")
	c.call(t, "DescribePurgeTasks", "{}")
	c.call(t, "DescribeZones", "{}")
	c.call(t, "Nothing", "{}")
	want := emulator.Stats{
		CreateCalls: 3, DescribeCalls: 2, Jobs: 2, Targets: 4, DistinctTargets: 2,
		ByAction: map[string]int64{"CreatePurgeTask": 3, "DescribePurgeTasks": 2, "DescribeZones": 1, "other": 1},
	}
	if diff := cmp.Diff(want, e.Stats()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/stats", nil))
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	wire := map[string]any{
		"create_calls": 3.0, "describe_calls": 2.0, "throttled": 0.0, "jobs": 2.0, "targets": 4.0, "distinct_targets": 2.0,
		"by_action": map[string]any{"CreatePurgeTask": 3.0, "DescribePurgeTasks": 2.0, "DescribeZones": 1.0, "other": 1.0},
	}
	if diff := cmp.Diff(wire, got); diff != "" {
		t.Errorf("GET /stats (-want +got):\n%s", diff)
	}
	w = httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/stats", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST /stats: got %d, want 405", w.Code)
	}
}

func TestEmulator_TakesConcurrentCalls(t *testing.T) {
	c, e := newClient(t, emulator.Config{MaxRows: 500, DailyQuota: 2000})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 25 {
				c.create(t, urls(10)...)
				c.describe(t, []string{"statuses", "success"})
				c.call(t, "DescribeContentQuota", object{"ZoneId": testZone})
			}
		})
	}
	wg.Wait()
	if got := e.Stats(); got.Jobs != 200 || got.Targets != 2000 || got.DistinctTargets != 10 || got.DescribeCalls != 200 {
		t.Errorf("got %+v, want 200 jobs of ten targets", got)
	}
	if got := c.describe(t).TotalCount; got != 500 {
		t.Errorf("got %d rows, want 500", got)
	}
	if got := quotaOf(t, c, testZone)["purge_url"].DailyAvailable; got != 0 {
		t.Errorf("got %d left, want 0", got)
	}
}
