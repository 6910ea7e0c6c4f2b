package e2e_test

import (
	"context"
	"fmt"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/purge"
)

// A target in a message may take three bytes, and some hundred where it is refused: a pull of such messages is
// not held at once (I5).
func TestMessagesFullOfTargets_AreHeldBitByBit(t *testing.T) {
	const targets, messages = 320_000, 8
	w := newWorld(t, nil)
	w.provision()
	list := strings.Repeat(`"",`, targets-1) + `""`
	for i := range messages {
		w.publish(purge.Bulk, "test", fmt.Appendf(nil, `{"id":"m%d","targets":[%s]}`, i, list))
	}
	heap := watchHeap(t, 128<<20, 64<<20)
	w.start()
	for id, o := range w.await(messages) {
		if o.Status != purge.Rejected || o.Targets.Failed != targets || o.FailuresOmitted != targets-purge.MaxFailures {
			t.Errorf("%s: got %s with %+v, %d omitted", id, o.Status, o.Targets, o.FailuresOmitted)
		}
	}
	heap.check(t)
}

// heapWatch looks how much the worker, the broker and the emulator, all in this process, have live beyond what
// they began with. A test that has one can't run beside others.
type heapWatch struct {
	before, most uint64
	peak, rest   uint64 // how much there may be at any time, and in the end
	stop         func()
}

func watchHeap(t *testing.T, peak, rest uint64) *heapWatch {
	t.Helper()
	runtime.GC()
	h := &heapWatch{before: liveHeap(), peak: peak, rest: rest}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			h.most = max(h.most, liveHeap())
			<-tick.C
		}
	})
	h.stop = func() { cancel(); done.Wait() }
	t.Cleanup(h.stop)
	return h
}

func (h *heapWatch) check(t *testing.T) {
	t.Helper()
	h.stop()
	runtime.GC()
	rest := liveHeap()
	t.Logf("live heap: %d MiB before, %d MiB at most, %d MiB after", h.before>>20, h.most>>20, rest>>20)
	if h.most > h.before+h.peak {
		t.Errorf("I5: %d MiB were live at once, %d MiB before, want at most %d more", h.most>>20, h.before>>20, h.peak>>20)
	}
	if rest > h.before+h.rest {
		t.Errorf("I5: %d MiB are still live, %d MiB before, want at most %d more", rest>>20, h.before>>20, h.rest>>20)
	}
}

// liveHeap is what the last collection left.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
