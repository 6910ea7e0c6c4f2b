package evil_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/e2e/evil"
	"github.com/edgepurge/edgepurge/internal/natstest"
	"github.com/edgepurge/edgepurge/purge"
)

// A zone whose calls get no answer for as long as the default lets them takes the calls in flight of no other: neither
// those that submit, nor those that ask for jobs.
func TestFailure_ZoneWithoutAnswers(t *testing.T) {
	if *seeds > 0 {
		t.Skip("the modes run with processes")
	}
	for _, action := range []string{"CreatePurgeTask", "DescribePurgeTasks", "DescribeContentQuota"} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			silent := func(c *evil.Call, _ http.ResponseWriter, r *http.Request) bool {
				if c.Action == action {
					<-r.Context().Done()
				}
				return c.Action == action
			}
			w := newWorld(t, natstest.Start(t, nil), "silent", evil.Mode{Name: "silent", Before: silent}, 1)
			w.cfg.EdgeOne.Timeout = 30 * time.Second
			w.cfg.Tracker.Deadline = time.Hour
			w.cfg.Events.Keep = 24 * time.Hour
			w.start()
			for i := range 60 {
				w.publish(purge.Request{ID: fmt.Sprint("evil-", i), Zone: evil.Zone, Targets: []string{fmt.Sprint("https://evil.example/", i)}})
				time.Sleep(60 * time.Millisecond) // each in a call of its own
			}
			if took := w.healthy("healthy"); took > healthyWithin {
				t.Errorf("a healthy zone's request took %v, want %v at most", took, healthyWithin)
			}
		})
	}
}
