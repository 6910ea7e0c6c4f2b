package quota

import (
	"maps"
	"slices"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
)

const (
	// pauseFor is how long calls wait after the credentials were refused.
	pauseFor = 10 * time.Second
	// deniedMax bounds the kinds that are remembered as refused.
	deniedMax = 10_000
)

// denied are the kinds that the credentials have no permission for. Nobody can tell from one
// refusal whether the permission is lacking for a zone or for all; so it pauses the account like
// one of the credentials themselves, unless a call was just carried out. But what was refused then
// lets everything else have a turn before it is tried again, or a zone without permission would
// block the others (I7).
type denied struct {
	until   map[Kind]time.Time
	granted time.Time // when a call was last carried out
	reason  string    // why EdgeOne refuses the credentials; empty when it does not
}

// Denied notes that EdgeOne refused the credentials for a call of a kind. It returns for how long
// no call of the account is made, 0 if others are carried out meanwhile, and for how long the batch
// waits beside the hold of its kind.
func (g *Gate) Denied(k Kind, err error, now time.Time) (pause, wait time.Duration) {
	if !edgeone.Forbidden(err) {
		return pauseFor, pauseFor
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.denied.refused(k, now)
	g.change(k)
	if now.Sub(g.denied.granted) < pauseFor {
		return 0, 0
	}
	return pauseFor, 0
}

// Refusal returns why EdgeOne refuses the credentials, empty when it does not.
func (g *Gate) Refusal() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.denied.reason
}

// refused holds a kind: for as many pauses as there are other kinds held, which each may take one,
// and one more for what is not refused.
func (d *denied) refused(k Kind, now time.Time) {
	if delete(d.until, k); len(d.until) >= deniedMax {
		clear(d.until)
	}
	others := 0
	for _, until := range d.until {
		if until.After(now) {
			others++
		}
	}
	d.until[k] = now.Add(time.Duration(others+2) * pauseFor)
}

// answered notes what an answer says about the credentials.
func (d *denied) answered(class edgeone.Class, err error, now time.Time) {
	switch class {
	case edgeone.Permission:
		d.reason = err.Error()
	case edgeone.Transient, edgeone.Ambiguous, edgeone.Throttled:
	default: // credentials that are good
		d.reason, d.granted = "", now
	}
}

// lift forgets everything once a kind that was refused is accepted, because the permissions were
// changed, and returns what was held.
func (d *denied) lift(k Kind) []Kind {
	if _, ok := d.until[k]; !ok {
		return nil
	}
	defer clear(d.until)
	return slices.Collect(maps.Keys(d.until))
}
