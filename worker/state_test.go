package worker

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/metrics"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// sums gives what all series of a counter, or all observations of a histogram, add up to.
func sums(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "edgepurge_"+name {
				sum += m.GetCounter().GetValue() + m.GetHistogram().GetSampleSum()
			}
		}
	}
	return sum
}

func TestWorker_TellsWhatItHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.quota = func() (map[purge.Type]edgeone.Quota, error) {
			return map[purge.Type]edgeone.Quota{purge.URL: {Batch: 500, Daily: 1000, DailyAvailable: 900}}, nil
		}
		w.slow = true
		begun := time.Now() // the time of the bubble stands still until the quotas are asked for
		k := w.worker()
		stop := w.run(t, k)
		w.give(t, purge.Bulk, 1, purge.Request{ID: "a", Targets: pages(3)})
		w.give(t, purge.Bulk, 2, purge.Request{ID: "b", Targets: pages(2)})
		w.give(t, purge.Interactive, 3, purge.Request{ID: "c", Targets: pages(1)})
		w.until(func() bool { return len(w.calls) > 0 })
		synctest.Wait()

		lanes := []metrics.Lane{{Name: "interactive", Pending: 7}, {Name: "bulk"}}
		left := k.Holds(lanes)
		want := []metrics.Lane{
			{Name: "interactive", Pending: 7, Requests: 1, Targets: 1, Held: 1, Window: 1000},
			{Name: "bulk", Requests: 2, Targets: 5, Held: 5, Window: 10_000},
		}
		if diff := cmp.Diff(want, lanes); diff != "" || left != 0 {
			t.Errorf("got %d jobs left, lanes (-want +got):\n%s", left, diff)
		}
		quotas := []metrics.Quota{{Zone: "zone-a", Type: purge.URL, Batch: 500, Daily: 1000, Available: 900, Read: begun}}
		if diff := cmp.Diff(quotas, k.Quotas(), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("quotas (-want +got):\n%s", diff)
		}
		if err := stop(); !errors.Is(err, errDrained) && err != nil {
			t.Error(err)
		}
	})
}

func TestWorker_CountsWhatItDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		calls := 0
		w.create = func(p edgeone.Purge) (edgeone.Created, error) {
			if calls++; calls == 1 {
				return edgeone.Created{}, &edgeone.Error{Code: "InternalError", Sent: true}
			}
			return accept(p)
		}
		reg := prometheus.NewRegistry()
		w.metrics = metrics.NewPipeline(reg)
		k := w.worker()
		stop := w.run(t, k)
		w.give(t, purge.Bulk, 1, purge.Request{ID: "a", Targets: pages(3)})
		w.give(t, purge.Bulk, 2, purge.Request{ID: "b", Targets: pages(2)}) // both are among those of a
		w.give(t, purge.Bulk, 3, purge.Request{ID: "bad", Targets: []string{"ftp://www.example.com/"}})
		w.lanes[purge.Bulk].deliveries <- record.Delivery{
			Subject: "purge.requests.bulk.test", Data: []byte("{"), Sequence: 4, Count: 2, Reply: "bulk.4",
		}
		w.until(func() bool { return len(w.acked) == 4 })
		if err := stop(); err != nil {
			t.Error(err)
		}
		for name, want := range map[string]float64{
			"requests_received_total": 4, "redeliveries_total": 1, "dead_letters_total": 2,
			"targets_total": 5, "targets_deduplicated_total": 2, "batch_targets": 3, "batches_retried_total": 1,
			"jobs_adopted_total": 0, "requests_parked_total": 0, "requests_alone_total": 0,
		} {
			if got := sums(t, reg, name); got != want {
				t.Errorf("%s: got %v, want %v", name, got, want)
			}
		}
	})
}
