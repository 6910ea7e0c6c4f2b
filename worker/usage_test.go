package worker

import (
	"crypto/rand"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/metrics"
	"github.com/edgepurge/edgepurge/purge"
)

func ofURLs(t *testing.T, k *Worker) metrics.Quota {
	t.Helper()
	for _, q := range k.Quotas() {
		if q.Type == purge.URL {
			return q
		}
	}
	t.Fatal("no quota of URLs is known")
	return metrics.Quota{}
}

func TestQuotas_ShowWhatIsLeftNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var mu sync.Mutex
		left, reads := 1000, 0
		w.create = func(p edgeone.Purge) (edgeone.Created, error) {
			mu.Lock()
			defer mu.Unlock()
			left -= len(p.Targets)
			return accept(p)
		}
		w.quota = func() (map[purge.Type]edgeone.Quota, error) {
			mu.Lock()
			defer mu.Unlock()
			reads++
			return rows(left), nil
		}
		k := w.worker()
		stop := w.run(t, k)
		begun := time.Now()
		w.give(t, purge.Bulk, 1, purge.Request{Targets: pages(30)})
		w.until(func() bool { return len(w.acked) == 1 })
		if q := ofURLs(t, k); q.Available != 970 || reads != 1 {
			t.Errorf("got %d left after 30 of 1000 and %d readings, want 970 by one reading", q.Available, reads)
		}
		if q := ofURLs(t, k); q.Read.Before(begun) || q.Read.After(time.Now()) {
			t.Errorf("got a reading of %v, want one since %v", q.Read, begun)
		}

		// Another tool purges 100: seen a minute after the reading, since something was submitted.
		mu.Lock()
		left -= 100
		mu.Unlock()
		time.Sleep(61 * time.Second)
		if q := ofURLs(t, k); q.Available != 870 || reads != 2 || time.Since(q.Read) > 2*time.Second {
			t.Errorf("got %d left after %d readings, the last at %v, want 870 after two", q.Available, reads, q.Read)
		}

		// While nothing is submitted there is no reading but that of ten minutes.
		time.Sleep(8 * time.Minute)
		if reads != 2 {
			t.Errorf("got %d readings, want no more: nothing was submitted", reads)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestQuotas_AreReadSoonWhereACallMayCountOtherwise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var mu sync.Mutex
		left := 1000
		w.create = func(p edgeone.Purge) (edgeone.Created, error) {
			mu.Lock()
			defer mu.Unlock()
			left -= len(p.Targets) // the refused ones are charged too
			return edgeone.Created{JobID: rand.Text(), Refused: []edgeone.Refusal{{Reason: "bad", Targets: p.Targets[:1]}}}, nil
		}
		w.quota = func() (map[purge.Type]edgeone.Quota, error) {
			mu.Lock()
			defer mu.Unlock()
			return rows(left), nil
		}
		k := w.worker()
		stop := w.run(t, k)
		w.give(t, purge.Bulk, 1, purge.Request{Targets: pages(30)})
		w.until(func() bool { return len(w.acked) == 1 })
		time.Sleep(3 * time.Second)
		if q := ofURLs(t, k); q.Available != 970 {
			t.Errorf("got %d left, want the 970 that EdgeOne counts", q.Available)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
