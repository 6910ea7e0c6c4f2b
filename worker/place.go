package worker

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/edgeone"
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
	readings := w.zoneless.readings.Load()
	slots, failures, err := w.slots(r)
	w.mu.Lock()
	defer w.mu.Unlock()
	if errors.Is(err, zone.ErrPending) {
		r.keep(by)
		return false, w.withoutZone(r, readings)
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
		Account: w.cfg.Account, Zone: r.Body.Zone, Type: apiType(r.Body.Type), Method: string(r.Body.Method),
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
			g.Zone, err = w.zoneOf(r, canonical)
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

// zoneOf tells the zone of a target whose request names none: by its host, or by the hosts that the
// tag is limited to.
func (w *Worker) zoneOf(r *request, canonical string) (string, error) {
	names := r.Body.Hosts
	if r.Body.Type == purge.Tag && len(names) == 0 {
		return "", &purge.Reason{Code: purge.CodeZoneNotFound, Message: "a tag does not imply a zone; give zone or hosts"}
	}
	switch r.Body.Type {
	case purge.URL, purge.Prefix:
		u, err := url.Parse(canonical)
		if err != nil {
			return "", fmt.Errorf("read host: %w", err)
		}
		names = []string{u.Hostname()}
	case purge.Host:
		names = []string{canonical}
	case purge.Tag, purge.All:
	}
	found := ""
	for _, name := range names {
		id, err := w.Zones.Find(hostOf(name))
		if err != nil {
			return "", err
		}
		if found != "" && id != found {
			return "", zone.ErrAmbiguous
		}
		found = id
	}
	if found == "" {
		return "", zone.ErrUnknown
	}
	return found, nil
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
		sorted[i] = hostOf(h)
	}
	slices.Sort(sorted)
	return strings.Join(slices.Compact(sorted), ",")
}

// hostOf is the form in which EdgeOne knows a host: in lower case, as punycode, without the root's dot.
func hostOf(name string) string {
	c, err := purge.Canonical(purge.Host, name)
	if err != nil {
		c = strings.ToLower(name)
	}
	return strings.TrimSuffix(c, ".")
}

func apiType(t purge.Type) string {
	switch t {
	case purge.Prefix:
		return edgeone.TypePrefix
	case purge.Host:
		return edgeone.TypeHost
	case purge.Tag:
		return edgeone.TypeTag
	case purge.All:
		return edgeone.TypeAll
	case purge.URL:
	}
	return edgeone.TypeURL
}

func purgeType(api string) purge.Type {
	for _, t := range []purge.Type{purge.Prefix, purge.Host, purge.Tag, purge.All} {
		if apiType(t) == api {
			return t
		}
	}
	return purge.URL
}
