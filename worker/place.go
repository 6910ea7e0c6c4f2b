package worker

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/quota"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/zone"
	"github.com/edgepurge/edgepurge/purge"
)

// largeRequest is the number of targets above which an interactive request is treated as bulk, in
// the batcher and in the windows: it is a batch by itself and would hold up the urgent ones behind
// it.
const largeRequest = 500

// place puts the targets of a request in line that wait. Those that are not valid fail here; where
// a zone is not known yet, the whole request waits for it. It reports whether the request is done,
// and returns the queue in which it must be parked instead, nil for most. by is what brought it,
// nil when it was placed before.
func (ad *admitter) place(r *request, by *inbox.Delivery) (done bool, queue *record.Queue) {
	reading := ad.parker.zonewait.Reading()
	slots, failures, err := ad.slots(r)
	ad.mu.Lock()
	defer ad.mu.Unlock()
	if errors.Is(err, zone.ErrPending) {
		r.keep(by)
		if ad.parker.zonewait.Hold(r, reading) {
			return false, nil
		}
		return false, ad.parker.zonelessQueue(r)
	}
	if q := ad.parkingQueueFor(r, slots, time.Now()); q != nil {
		r.keep(by)
		return false, q
	}
	ad.table.enlist(r)
	r.FailAll(failures)
	slots = ad.withoutPlan(r, slots, time.Now())
	if !r.Done() {
		r.message = nil // it can't be rejected any more
	} else {
		r.keep(by)
	}
	ad.line.add(r, slots)
	return r.Done(), nil
}

// slots returns the targets that wait to be sent and those that can't be. The error is
// [zone.ErrPending], when a zone can't be told yet.
func (ad *admitter) slots(r *request) ([]slot, []record.Failure, error) {
	group := batcher.Group{
		Account: ad.account, Zone: r.Body.Zone, Type: cmp.Or(r.Body.Type, purge.URL), Method: string(r.Body.Method),
		Hosts: hosts(r.Body.Hosts),
	}
	if r.Body.Type == purge.All {
		if r.Body.Zone == "" {
			none := record.Failure{Code: purge.CodeZoneNotFound, Reason: "type all needs a zone", Field: "zone"}
			return nil, []record.Failure{none}, nil
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
			g.Zone, err = zone.OfTarget(ad.zones.Find, &r.Body, canonical)
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

// parkingQueueFor returns the queue in which a request that is about to get in line must be parked
// instead, nil if it need not be. It must be called with the lock held.
func (ad *admitter) parkingQueueFor(r *request, slots []slot, now time.Time) *record.Queue {
	if r.Expired(now) {
		return nil
	}
	targets := make(map[quota.Kind]int)
	for _, s := range slots {
		targets[kindOf(s.group)]++
	}
	return ad.parker.overflow.QueueFor(r, targets, now)
}

// withoutPlan ends those targets of a request that EdgeOne would refuse, as it did within the hour,
// and returns the others. They end as if they had been in the call that it refused: failed, with
// its code. It is EdgeOne that does not do them, so they are not rejected, and a request that came
// a moment sooner has the same end as one that came a moment later. It must be called with the lock
// held.
func (ad *admitter) withoutPlan(r *request, slots []slot, now time.Time) []slot {
	keep := slots[:0]
	for _, s := range slots {
		code, reason, lacks := ad.quota.PlanLacks(kindOf(s.group), now)
		if !lacks {
			keep = append(keep, s)
			continue
		}
		r.Submitted(time.Time{})
		r.Fail(s.index, code, reason, "")
	}
	return keep
}

// watchZones places the requests that wait for their zone, each time that zones were read.
func (ad *admitter) watchZones(ctx context.Context) {
	for {
		all, ok := ad.parker.zonewait.Next(ctx)
		if !ok {
			return
		}
		var ended []*request
		parked := make(map[record.Queue][]*request)
		for _, r := range all {
			done, q := ad.place(r, nil)
			if done {
				ended = append(ended, r)
			}
			if q != nil {
				parked[*q] = append(parked[*q], r)
			}
		}
		ad.recorder.finish(ctx, ended)
		for q, requests := range parked {
			ad.parker.park(q, requests)
		}
	}
}
