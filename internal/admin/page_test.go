package admin_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/admin"
	"github.com/edgepurge/edgepurge/internal/metrics"
	"github.com/edgepurge/edgepurge/purge"
)

// show gives what a browser gets.
func show(t *testing.T, state metrics.State, reasons ...string) string {
	t.Helper()
	h := admin.New(admin.Config{
		Instance: "test<1>", Version: "v1.2.3", Ready: func() []string { return reasons },
		State: func() metrics.State { return state }, Metrics: prometheus.NewRegistry(),
	}, zap.NewNop()).Handler()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	r.Header.Set("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Fatalf("got %d %s, want a page", w.Code, w.Header().Get("Content-Type"))
	}
	if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("got policy %q, want one that lets nothing in", csp)
	}
	wellFormed(t, w.Body.String())
	return w.Body.String()
}

// wellFormed wants every element of a page closed.
func wellFormed(t *testing.T, page string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Entity, d.AutoClose = xml.HTMLEntity, []string{"meta"}
	d.Strict = false
	open := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the page is not well formed: %v", err)
		}
		switch token.(type) {
		case xml.StartElement:
			open++
		case xml.EndElement:
			open--
		}
	}
	if open != 0 {
		t.Errorf("%d elements are not closed", open)
	}
}

func has(t *testing.T, page string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(page, w) {
			t.Errorf("the page does not say %q:\n%s", w, page)
		}
	}
}

func TestPage_ShowsTheOwnersState(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	page := show(t, metrics.State{
		At: now, Owner: true, Connected: true, Ready: true, Reload: metrics.Reload{OK: true},
		Lanes: []metrics.Lane{
			{Name: "interactive", Window: 10_000},
			{Name: "bulk", Paused: true, Pending: 1_234_567, Unacked: 50_000, Oldest: now.Add(-90 * time.Minute), Held: 12_345, Window: 50_000},
		},
		Parked: 4321, Left: 2, Jobs: map[purge.Type]int{purge.URL: 17}, OldestJob: now.Add(-12500 * time.Millisecond),
		Paces: []metrics.Pace{{Name: metrics.Create, Limit: 20, Rate: 19.6, Margin: time.Millisecond}, {Name: metrics.Look}},
		Quotas: []metrics.Quota{
			{Zone: "zone-a", Type: purge.URL, Batch: 500, Daily: 10_000, Available: 8123, Read: now.Add(-90 * time.Second)},
		},
	})
	has(t, page, "Owner", "test&lt;1&gt;", "v1.2.3", "connected", "paused", "1 234 567", "50 000", "1h30m",
		"12 345 of 50 000", "4 321 requests parked", "2 that failed", "17 purge_url", "12.5s", "19.6", "1ms", "no limit",
		"zone-a", "10 000", "8 123", "as of 09:58:30", "/metrics", "/readyz", "2026-11-22 10:00:00")
	if strings.Contains(page, "exhausted") || strings.Contains(page, "low</") || strings.Contains(page, "Not ready") || strings.Contains(page, "refuse") {
		t.Errorf("the page complains:\n%s", page)
	}
}

func TestPage_SaysWhatIsWrong(t *testing.T) {
	page := show(t, metrics.State{
		At: time.Now(), Refused: true, Lanes: []metrics.Lane{{Name: "interactive"}, {Name: "bulk"}},
	}, "nats is away: <dial>", "streams: not provisioned yet")
	has(t, page, "Stands by", "Not ready", "nats is away: &lt;dial&gt;", "not provisioned", "away",
		"EdgeOne refuses the credentials", "last reload of the configuration was refused")
	if strings.Contains(page, "<dial>") || strings.Contains(page, "Pace") {
		t.Errorf("the page shows what it should not:\n%s", page)
	}
}

// What is exhausted or low is said in words, and in colour.
func TestPage_MarksQuotasThatAreExhaustedOrLow(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	page := show(t, metrics.State{At: now, Owner: true, Quotas: []metrics.Quota{
		{Zone: "zone-a", Type: purge.URL, Daily: 10_000, Available: 0, Read: now.Add(-time.Second)},
		{Zone: "zone-b", Type: purge.URL, Daily: 10_000, Available: 999, Read: now.Add(-25 * time.Hour)},
		{Zone: "zone-c", Type: purge.URL, Daily: 10_000, Available: 1000, Read: now},
		{Zone: "zone-d", Type: purge.URL, Daily: 0, Available: 0, Read: now}, // not in the plan
	}})
	has(t, page, `<strong class="bad">0 exhausted</strong>`, `<strong class="warn">999 low</strong>`, `<td>1 000</td>`, `<td>0</td>`,
		"as of 09:59:59", "as of 2026-11-21 09:00:00")
}

func TestPage_StaysShortWithManyZones(t *testing.T) {
	s := metrics.State{At: time.Now(), Owner: true}
	for i := range 5000 {
		s.Quotas = append(s.Quotas, metrics.Quota{Zone: fmt.Sprint("zone-", i), Type: purge.URL, Daily: 1})
	}
	page := show(t, s)
	has(t, page, "4 900 more zones are not shown")
	if got := strings.Count(page, "<td>zone-"); got != 100 {
		t.Errorf("got %d zones, want 100", got)
	}
}

func TestPage_IsAListForThoseWhoReadNoHTML(t *testing.T) {
	h := admin.New(admin.Config{
		Ready: func() []string { return nil }, State: func() metrics.State { return metrics.State{} }, Metrics: prometheus.NewRegistry(),
	}, zap.NewNop()).Handler()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	r.Header.Set("Accept", "*/*")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 200 || !strings.Contains(w.Body.String(), "/readyz") || strings.Contains(w.Body.String(), "<") {
		t.Errorf("got %d %q, want the paths as text", w.Code, w.Body)
	}
}
