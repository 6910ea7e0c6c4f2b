package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// page reads the status page of a worker; empty when it is not there.
func page(t *testing.T, address string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return ""
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return ""
	}
	return string(data)
}

// What is left of a day is shown as it is now, without a reading for each call.
func TestQuota_ShowsWhatIsLeftNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) { c.Zones, c.BatchQuota, c.DailyQuota = twoZones, 50, 300 })
	w.cfg.HTTP.Listen = freeAddress(t)
	w.provision()
	w.start()
	series := `quota_remaining{type="url",zone="zone-a"}`
	sent := 0
	for _, step := range []struct {
		targets int
		left    float64
		said    string
	}{{120, 180, "<td>180</td>"}, {160, 20, `<strong class="warn">20 low</strong>`}, {20, 0, `<strong class="bad">0 exhausted</strong>`}} {
		var targets []string
		for range step.targets {
			targets = append(targets, url(sent))
			sent++
		}
		w.request(purge.Bulk, purge.Request{ID: fmt.Sprint("r-", sent), Targets: targets})
		w.until(fmt.Sprintf("%v to be left", step.left), func() bool { return gauge(t, w.cfg.HTTP.Listen, series) == step.left })
		w.until("the page to say "+step.said, func() bool {
			text := page(t, w.cfg.HTTP.Listen)
			return strings.Contains(text, step.said) && strings.Contains(text, "as of ")
		})
	}
	if got := gauge(t, w.cfg.HTTP.Listen, `quota_read_timestamp_seconds{zone="zone-a"}`); got < 1e9 {
		t.Errorf("got a reading at %v, want its time", got)
	}
	// One when the zone was first used; one more where calls overlapped with it, or a minute passed.
	if n := w.api.Stats().ByAction["DescribeContentQuota"]; n > 4 {
		t.Errorf("got %d readings of the quota, want next to none", n)
	}
}
