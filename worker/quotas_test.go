package worker

import (
	"testing"
	"testing/synctest"

	"github.com/edgepurge/edgepurge/purge"
)

func TestWorker_CapOfABatchMayChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		k := w.worker()
		stop := w.run(t, k)
		for i, most := range []int{2, 3} {
			k.SetMaxTargets(most)
			before := len(w.calls)
			w.give(t, purge.Bulk, uint64(i+1), purge.Request{Targets: pages(6)})
			w.until(func() bool { return len(w.acked) == i+1 })
			if got := len(w.calls[before].Targets); got != most {
				t.Errorf("got %d targets in a call, want %d", got, most)
			}
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
