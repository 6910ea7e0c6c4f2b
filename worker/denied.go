package worker

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/quota"
	"github.com/edgepurge/edgepurge/internal/wait"
)

const (
	// pausedFor is how long calls wait after the credentials were refused.
	pausedFor = 10 * time.Second
	// deniedMost bounds what is remembered.
	deniedMost = 10_000
)

// denied are the types of zones that the credentials have no permission for. Nobody can tell from one
// refusal whether the permission is lacking for a zone or for all; so it pauses the account like one of
// the credentials themselves, unless a call was just carried out. But what was refused then lets
// everything else have a turn before it is tried again, or a zone without permission would stall the
// others (I7). The Worker's mu guards it.
type denied struct {
	until   map[quota.Kind]time.Time
	granted time.Time // when a call was last carried out
}

func newDenied() denied { return denied{until: make(map[quota.Kind]time.Time)} }

// refused notes a refusal, and tells until when the type is held: for as many pauses as there are other
// types held, which each may take one, and one more for what is not refused.
func (d *denied) refused(p quota.Kind, now time.Time) time.Time {
	if delete(d.until, p); len(d.until) >= deniedMost {
		clear(d.until)
	}
	others := 0
	for _, until := range d.until {
		if until.After(now) {
			others++
		}
	}
	d.until[p] = now.Add(time.Duration(others+2) * pausedFor)
	return d.until[p]
}

// alone tells that calls are carried out, so that a refusal is for its zone alone.
func (d *denied) alone(now time.Time) bool { return now.Sub(d.granted) < pausedFor }

// lift forgets everything once a type that was refused is accepted, for the permissions were changed,
// and gives what was held.
func (d *denied) lift(p quota.Kind) []quota.Kind {
	if _, ok := d.until[p]; !ok {
		return nil
	}
	defer clear(d.until)
	return slices.Collect(maps.Keys(d.until))
}

// deny keeps a batch that the credentials may not send, and probes the account slowly.
func (w *Worker) deny(batch *batcher.Batch[waiter], err error) {
	g, now := batch.Group, time.Now()
	pause, again := true, now.Add(pausedFor)
	w.mu.Lock()
	if edgeone.Forbidden(err) {
		pause, again = !w.denied.alone(now), now
		w.hold(g.Zone, g.Type, w.denied.refused(kindOf(g), now))
	}
	w.batcher.Return(batch, again)
	w.mu.Unlock()
	if pause {
		w.Pace.Hold(pausedFor)
	}
	wait.Signal(w.wake)
}

// stalled reports whether a type waits for its zone's day, for a permission, or because its calls are refused
// for a while, and whether nothing of it may be sent now. It must be called with the lock held.
func (w *Worker) stalled(zone, typ string, now time.Time) (stalled, shut bool) {
	if until, denied := w.denied.until[quota.Kind{Zone: zone, Type: typ}]; denied {
		return true, until.After(now)
	}
	if stalled, until := w.stalls.of(quota.Kind{Zone: zone, Type: typ}, now); stalled {
		return true, until.After(now)
	}
	return w.quota.Stalled(quota.Kind{Zone: zone, Type: typ}, now)
}

func (w *Worker) stalledTypes(now time.Time) []quota.Kind {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stalledNow(now)
}

// stalledNow is stalledTypes for who holds the lock.
func (w *Worker) stalledNow(now time.Time) []quota.Kind {
	all := slices.Concat(w.quota.AllStalled(now), w.stalls.all(now), slices.Collect(maps.Keys(w.denied.until)))
	slices.SortFunc(all, func(a, b quota.Kind) int { return cmp.Or(cmp.Compare(a.Zone, b.Zone), cmp.Compare(a.Type, b.Type)) })
	return slices.Compact(all)
}

// permit has what was denied tried again at once when the permissions were changed. What waits for its
// day is held again by the next reading.
func (w *Worker) permit(batch *batcher.Batch[waiter]) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.denied.lift(kindOf(batch.Group)) {
		w.hold(p.Zone, p.Type, time.Time{})
		w.quota.ReadAgain(p.Zone)
	}
}

func (w *Worker) setRefusal(class edgeone.Class, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case class == edgeone.Permission:
		w.refusal = err.Error()
	case class != edgeone.Transient && class != edgeone.Ambiguous && class != edgeone.Throttled:
		w.refusal = ""
		w.denied.granted = time.Now()
	}
}
