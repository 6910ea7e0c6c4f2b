package worker

import (
	"cmp"
	"context"
	"time"

	"github.com/edgepurge/edgepurge/internal/quota"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// zonelessQueue is the queue of a request whose zone is not known: a queue without a zone.
func (w *Worker) zonelessQueue(r *request) *record.Queue {
	q := w.overflow.Queue(quota.Kind{Type: cmp.Or(r.Body.Type, purge.URL)}, r.ChargedLane())
	return &q
}

// watchZones places the requests that wait for their zone, each time that zones were read.
func (w *Worker) watchZones(ctx context.Context) {
	for {
		all, ok := w.zonewait.Next(ctx)
		if !ok {
			return
		}
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
	var back []*request
	w.mu.Lock()
	for _, r := range w.zonewait.Excess() {
		back = append(back, w.parking.Put(*w.zonelessQueue(r), r)...)
	}
	w.mu.Unlock()
	w.putOff(back)
}

// expireZoneless ends what has expired before its zone was known; it must be called with the lock
// held.
func (w *Worker) expireZoneless(now time.Time, ended *[]*request) {
	for _, r := range w.zonewait.Expire(now) {
		w.enlist(r)
		for i := range r.Total {
			expire(waiter{r, i}, now, ended)
		}
	}
}
