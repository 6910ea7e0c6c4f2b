package e2e_test

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"

	"github.com/edgepurge/edgepurge/purge"
)

// gauge reads one series of a worker's metrics; -1 when it is not there.
func gauge(t *testing.T, address, series string) float64 {
	t.Helper()
	_, body, err := fetch(t, "http://"+address+"/metrics")
	if err != nil {
		return -1
	}
	m := regexp.MustCompile(`(?m)^edgepurge_` + regexp.QuoteMeta(series) + ` (\S+)$`).FindStringSubmatch(body)
	if m == nil {
		return -1
	}
	value, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Error(err)
	}
	return value
}

// What waits in the broker is told by every replica, so that one that stands by tells of a leader that does
// nothing.
func TestMetrics_EveryReplicaTellsWhatWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.provision()
	if _, err := w.broker().Control.Pause(t.Context(), purge.Bulk); err != nil {
		t.Fatal(err)
	}
	var replicas []string
	for range 2 {
		w.cfg.HTTP.Listen = freeAddress(t)
		replicas = append(replicas, w.cfg.HTTP.Listen)
		w.start()
	}
	for i := range 3 {
		w.request(purge.Bulk, purge.Request{ID: fmt.Sprint("r-", i), Targets: []string{url(i)}})
	}
	for i, r := range replicas {
		w.until("the backlog of replica "+strconv.Itoa(i), func() bool {
			return gauge(t, r, `consumer_pending{lane="bulk"}`) == 3 && gauge(t, r, `oldest_pending_seconds{lane="bulk"}`) > 0 &&
				gauge(t, r, `lane_paused{lane="bulk"}`) == 1 && gauge(t, r, `lane_paused{lane="interactive"}`) == 0
		})
	}
	sum := func(series string) float64 { return gauge(t, replicas[0], series) + gauge(t, replicas[1], series) }
	w.until("one leader", func() bool { return sum("leader") == 1 })
	if _, err := w.broker().Control.Resume(t.Context(), purge.Bulk); err != nil {
		t.Fatal(err)
	}
	w.completed(3)
	for i, r := range replicas {
		w.until("the end of the backlog of replica "+strconv.Itoa(i), func() bool {
			return gauge(t, r, `consumer_pending{lane="bulk"}`) == 0 && gauge(t, r, `oldest_pending_seconds{lane="bulk"}`) == 0 &&
				gauge(t, r, `lane_paused{lane="bulk"}`) == 0
		})
	}
	w.until("the times of three requests", func() bool { return sum(`purge_end_to_end_seconds_count{lane="bulk"}`) == 3 })
}
