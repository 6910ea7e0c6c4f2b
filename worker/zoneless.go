package worker

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
)

// zoneless are requests that wait until their zone is known. requests and targets are guarded by the Worker's mu.
type zoneless struct {
	requests []waiting
	targets  int
	readings atomic.Uint64 // of the zones, after which those were placed
	again    chan struct{} // capacity 1: zones were read just when a request began to wait for them
}

// waiting is one of them, with its targets that stand in a record.
type waiting struct {
	*request

	held []bool
}

func (z *zoneless) take() []waiting {
	all := z.requests
	z.requests, z.targets = nil, 0
	return all
}

// withoutZone has a request wait for its zone, or gives the queue in which it is to be parked instead.
// readings is how often zones had been read before they were asked for its zone. It must be called with
// the lock held.
func (w *Worker) withoutZone(r *request, held []bool, readings uint64) *record.Queue {
	if w.Zones.Failing() && w.zoneless.targets+r.Total > w.share(r.window()) && r.from.Queue() == nil && !r.unfit && !slices.Contains(held, true) {
		return w.zonelessQueue(r)
	}
	w.zoneless.requests = append(w.zoneless.requests, waiting{r, held})
	w.zoneless.targets += r.Total
	if w.zoneless.readings.Load() != readings {
		wait.Signal(w.zoneless.again)
	}
	return nil
}

func (w *Worker) zonelessQueue(r *request) *record.Queue {
	return &record.Queue{Account: w.cfg.Account, Type: apiType(r.body.Type), Lane: r.window()}
}

// watchZones places the requests that wait for their zone.
func (w *Worker) watchZones(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.Zones.Updated():
			w.zoneless.readings.Add(1)
		case <-w.zoneless.again:
		}
		w.mu.Lock()
		all := w.zoneless.take()
		w.mu.Unlock()
		var ended []*request
		shelved := make(map[record.Queue][]*request)
		for _, r := range all {
			done, q := w.place(r.request, r.held, nil)
			if done {
				ended = append(ended, r.request)
			}
			if q != nil {
				shelved[*q] = append(shelved[*q], r.request)
			}
		}
		w.finish(ctx, ended)
		for q, requests := range shelved {
			w.shelve(q, requests)
		}
	}
}

// unloadZoneless parks what waits beyond its share for zones that can't be read now.
func (w *Worker) unloadZoneless() {
	if !w.Zones.Failing() {
		return
	}
	var back []*request
	w.mu.Lock()
	for _, r := range w.zoneless.take() {
		if q := w.withoutZone(r.request, r.held, w.zoneless.readings.Load()); q != nil {
			back = append(back, w.park(*q, []*request{r.request})...)
		}
	}
	w.mu.Unlock()
	w.putOff(back)
}

// expireZoneless ends what has expired before its zone was known; it must be called with the lock held.
func (w *Worker) expireZoneless(now time.Time, ended *[]*request) {
	w.zoneless.requests = slices.DeleteFunc(w.zoneless.requests, func(r waiting) bool {
		if !r.expired(now) {
			return false
		}
		w.zoneless.targets -= r.Total
		w.enlist(r.request, r.held)
		for i := range r.Total {
			if i >= len(r.held) || !r.held[i] {
				expire(waiter{r.request, i}, now, ended)
			}
		}
		return true
	})
}
