package worker

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/quota"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/internal/zone"
	"github.com/edgepurge/edgepurge/purge"
)

// largeRequest is the number of targets above which an interactive request is treated as bulk, in the
// batcher and in the windows: it is a batch by itself and would hold up the urgent ones behind it.
const largeRequest = 500

// place puts the targets of a request in line that wait. Those that are not valid fail here; where a zone is not
// known yet, the whole request waits for it. It reports whether the request is done, and returns the queue in
// which it must be parked instead, nil for most. by is what brought it, nil when it was placed before.
func (w *Worker) place(r *request, by *inbox.Delivery) (done bool, queue *record.Queue) {
	reading := w.zonewait.Reading()
	slots, failures, err := w.slots(r)
	w.mu.Lock()
	defer w.mu.Unlock()
	if errors.Is(err, zone.ErrPending) {
		r.keep(by)
		if w.zonewait.Hold(r, reading) {
			return false, nil
		}
		return false, w.zonelessQueue(r)
	}
	if q := w.parkingQueueFor(r, slots, time.Now()); q != nil {
		r.keep(by)
		return false, q
	}
	w.enlist(r)
	r.FailAll(failures)
	slots = w.withoutPlan(r, slots, time.Now())
	if !r.Done() {
		r.message = nil // it can't be rejected any more
	} else {
		r.keep(by)
	}
	w.add(r, slots)
	return r.Done(), nil
}

// add hands a request's targets to the batcher; it must be called with the lock held.
func (w *Worker) add(r *request, slots []slot) {
	now, before := time.Now(), w.batcher.Waiting()
	var last quota.Kind
	for _, s := range slots {
		w.batcher.Add(now, s.group, r.ChargedLane(), s.target, waiter{r, s.index})
		if k := kindOf(s.group); k != last {
			w.quota.Want(k, now)
			last = k
		}
	}
	w.Metrics.Lined(r.Type, len(slots), len(slots)-(w.batcher.Waiting()-before))
	wait.Signal(w.wake)
}

// enlist notes that a request gets in line, or its end; it must be called with the lock held.
func (w *Worker) enlist(r *request) {
	r.enlisted = true
	if !r.Body.Expires.IsZero() {
		r.expires = true
		w.expiring++
	}
	w.weigh(r)
}

// slots returns the targets that wait to be sent and those that can't be. The error is
// [zone.ErrPending], when a zone can't be told yet.
func (w *Worker) slots(r *request) ([]slot, []record.Failure, error) {
	group := batcher.Group{
		Account: w.cfg.Account, Zone: r.Body.Zone, Type: cmp.Or(r.Body.Type, purge.URL), Method: string(r.Body.Method),
		Hosts: hosts(r.Body.Hosts),
	}
	if r.Body.Type == purge.All {
		if r.Body.Zone == "" {
			return nil, []record.Failure{{Code: purge.CodeZoneNotFound, Reason: "type all needs a zone", Field: "zone"}}, nil
		}
		return []slot{{group, "", 0}}, nil, nil
	}
	var slots []slot
	var failures []record.Failure
	for i, target := range r.Body.Targets {
		if !r.Waits(i) {
			continue
		}
		canonical, err := r.Canonical(target)
		g := group
		if err == nil && g.Zone == "" {
			g.Zone, err = zone.OfTarget(w.Zones.Find, &r.Body, canonical)
		}
		if errors.Is(err, zone.ErrPending) {
			return nil, nil, err
		}
		if err != nil {
			failures = append(failures, failure(i, err))
			continue
		}
		slots = append(slots, slot{g, canonical, i})
	}
	return slots, failures, nil
}

func failure(index int, err error) record.Failure {
	f := record.Failure{Index: index, Field: "targets[" + strconv.Itoa(index) + "]"}
	if reason, ok := errors.AsType[*purge.Reason](err); ok {
		f.Code, f.Reason = reason.Code, reason.Message
		return f
	}
	f.Reason = err.Error()
	switch {
	case errors.Is(err, zone.ErrAmbiguous):
		f.Code = purge.CodeZoneAmbiguous
	case errors.Is(err, zone.ErrUnknown):
		f.Code = purge.CodeZoneNotFound
	default:
		f.Code = purge.CodeInvalidTarget
	}
	return f
}

func hosts(names []string) string {
	sorted := make([]string, len(names))
	for i, h := range names {
		sorted[i] = zone.Host(h)
	}
	slices.Sort(sorted)
	return strings.Join(slices.Compact(sorted), ",")
}
