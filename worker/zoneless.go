package worker

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/edgepurge/edgepurge/internal/quota"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
)

// zoneless are requests that wait until their zone is known. requests and targets are guarded by the Worker's mu.
type zoneless struct {
	requests []*request
	targets  int
	readings atomic.Uint64 // of the zones, after which those were placed
	again    chan struct{} // capacity 1: zones were read just when a request began to wait for them
}

func (z *zoneless) take() []*request {
	all := z.requests
	z.requests, z.targets = nil, 0
	return all
}

// withoutZone has a request wait for its zone, or gives the queue in which it is to be parked instead.
// readings is how often zones had been read before they were asked for its zone. It must be called with
// the lock held.
func (w *Worker) withoutZone(r *request, readings uint64) *record.Queue {
	if w.Zones.Failing() && w.zoneless.targets+r.Total > w.overflow.Share(r.ChargedLane()) && !r.Queued() && !r.unfit && !r.Begun() {
		return w.zonelessQueue(r)
	}
	w.zoneless.requests = append(w.zoneless.requests, r)
	w.zoneless.targets += r.Total
	if w.zoneless.readings.Load() != readings {
		wait.Signal(w.zoneless.again)
	}
	return nil
}

func (w *Worker) zonelessQueue(r *request) *record.Queue {
	q := w.overflow.Queue(quota.Kind{Type: apiType(r.Body.Type)}, r.ChargedLane())
	return &q
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
		parked := make(map[record.Queue][]*request)
		for _, r := range all {
			done, q := w.place(r, nil)
			if done {
				ended = append(ended, r)
			}
			if q != nil {
				parked[*q] = append(parked[*q], r)
			}
		}
		w.finish(ctx, ended)
		for q, requests := range parked {
			w.park(q, requests)
		}
	}
}

// parkZoneless parks what waits beyond its share for zones that can't be read now.
func (w *Worker) parkZoneless() {
	if !w.Zones.Failing() {
		return
	}
	var back []*request
	w.mu.Lock()
	for _, r := range w.zoneless.take() {
		if q := w.withoutZone(r, w.zoneless.readings.Load()); q != nil {
			back = append(back, w.parking.Put(*q, r)...)
		}
	}
	w.mu.Unlock()
	w.putOff(back)
}

// expireZoneless ends what has expired before its zone was known; it must be called with the lock held.
func (w *Worker) expireZoneless(now time.Time, ended *[]*request) {
	w.zoneless.requests = slices.DeleteFunc(w.zoneless.requests, func(r *request) bool {
		if !r.Expired(now) {
			return false
		}
		w.zoneless.targets -= r.Total
		w.enlist(r)
		for i := range r.Total {
			expire(waiter{r, i}, now, ended)
		}
		return true
	})
}
