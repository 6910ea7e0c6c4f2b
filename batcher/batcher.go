package batcher

import (
	"slices"
	"time"

	"github.com/edgepurge/edgepurge/purge"
)

// Group is what the targets of one call have in common.
type Group struct {
	Account string
	Zone    string
	Type    purge.Type
	Method  string
	Hosts   string // sorted, joined by commas
}

// Config bounds batches and waiting. All values must be positive but for the lingers.
type Config struct {
	// Limit returns how many targets one call of the group may carry now: the quota's Batch, the
	// API's ceiling, the operator's cap, whichever is least. Below 1 counts as 1. It is asked when
	// something happens to the group: that a limit has fallen is noticed then, or by Hold.
	Limit func(Group) int
	// Bytes returns what a target takes in the encoded body, MaxBytes is what all of a call may
	// take.
	Bytes    func(target string) int
	MaxBytes int
	// Linger is how long an interactive target waits for company when a call could go at once.
	Linger time.Duration
	// Quiet is how long a bulk group that is not full must have received nothing before it is sent,
	// and MaxQuiet how long its oldest target waits at most for that.
	Quiet, MaxQuiet time.Duration
}

// agedShare is the part of the calls that bulk gets while interactive targets wait: one in ten, so
// that a flood of urgent requests slows the backlog down but does not stop it (I8). Probes get the
// same part while fresh batches of their lane wait (I7).
const agedShare = 10

// Batcher holds the targets that wait. The zero value is not usable.
type Batcher[W any] struct {
	cfg        Config
	groups     map[Group]*group[W]
	holds      map[Group]*hold[W]      // by account, zone and type
	probeSlots map[Group]*probeSlot[W] // by account and zone
	waiting    int

	now   time.Time   // the latest that a caller gave
	heaps heaps[W]    // what could be sent, in its order
	fresh []*group[W] // groups that changed since they were classified
	seq   uint64      // of the item that came last

	paused paused
	bulk   share    // of all calls
	probes struct { // of the calls of their lane
		urgent, bulk share
	}
}

// New makes an empty Batcher.
func New[W any](cfg Config) *Batcher[W] {
	return &Batcher[W]{
		cfg:    cfg,
		groups: make(map[Group]*group[W]), holds: make(map[Group]*hold[W]),
		probeSlots: make(map[Group]*probeSlot[W]),
	}
}

// Add puts a target in line, or w beside those who wait for it already.
func (b *Batcher[W]) Add(now time.Time, g Group, lane purge.Lane, target string, w W) {
	gr := b.groups[g]
	if gr == nil {
		gr = newGroup[W](g)
		b.groups[g] = gr
		b.enter(g, &gr.ofUrgent)
		b.enter(g, &gr.ofBulk)
	}
	if gr.add(now, target, lane == purge.Interactive, w, b.cfg.Bytes) {
		b.waiting++
	}
	b.touch(gr)
}

// Waiting is the number of targets in line, in batches that came back and in bisections, without
// those that are out in a batch.
func (b *Batcher[W]) Waiting() int { return b.waiting }

// Hold keeps all groups of a zone's type back until the given time; a time in the past lets them
// go, and so does the zero time, which also forgets them. It looks at their limits anew.
func (b *Batcher[W]) Hold(account, zone string, typ purge.Type, until time.Time) {
	key := Group{Account: account, Zone: zone, Type: typ}
	h := b.holds[key]
	switch {
	case h == nil && until.After(b.now):
		b.holds[key] = &hold[W]{until: until}
		return
	case h == nil || until.Equal(h.until) && !until.IsZero():
		return
	}
	h.until = until
	for _, it := range h.items {
		b.refile(it)
	}
	b.release(key, h)
}

// paused says which lanes are not sent.
type paused struct{ urgent, bulk bool }

// Pause keeps a lane's targets back, or lets them go. What came back in a batch is of the
// interactive lane if one of its targets is.
func (b *Batcher[W]) Pause(lane purge.Lane, pause bool) {
	p := &b.paused.bulk
	if lane == purge.Interactive {
		p = &b.paused.urgent
	}
	if *p == pause {
		return
	}
	*p = pause
	for _, h := range b.holds {
		for _, it := range h.items {
			b.refile(it)
		}
	}
}

// Return takes back a batch that was not accepted. It is given again as it is, not before the given
// time; new requests for its targets start slots of their own (I4).
func (b *Batcher[W]) Return(batch *Batch[W], notBefore time.Time) {
	batch.notBefore = notBefore
	batch.Tries++
	batch.count()
	b.waiting += len(batch.Slots)
	if p := batch.resolve(); p != nil {
		b.takeBack(batch, p)
		return
	}
	it := &item[W]{batch: batch}
	b.enter(batch.Group, it)
	b.refile(it)
}

// Remove takes out every waiter for whom drop is true and returns how many targets left with them.
func (b *Batcher[W]) Remove(drop func(W) bool) int {
	left := 0
	for _, h := range b.holds {
		for _, it := range slices.Clone(h.items) {
			left += b.removeOf(it, drop)
		}
	}
	b.waiting -= left
	return left
}

func (b *Batcher[W]) removeOf(it *item[W], drop func(W) bool) (left int) {
	switch {
	case it.batch != nil:
		left = it.batch.Remove(drop)
		b.refile(it)
		if len(it.batch.Slots) == 0 {
			b.leave(it.batch.Group, it)
		}
	case it.bisection != nil:
		left = it.bisection.remove(drop)
	case it == &it.group.ofUrgent: // once for both
		if left = it.group.remove(drop); left > 0 {
			b.touch(it.group)
		}
	}
	return left
}

// touch notes that a group must be classified again before the next batch, or forgets it when it is
// empty.
func (b *Batcher[W]) touch(gr *group[W]) {
	if len(gr.slots) == 0 {
		delete(b.groups, gr.key)
		b.leave(gr.key, &gr.ofUrgent)
		b.leave(gr.key, &gr.ofBulk)
		return
	}
	if !gr.changed {
		gr.changed = true
		b.fresh = append(b.fresh, gr)
	}
}

func (b *Batcher[W]) limit(g Group) int { return max(1, b.cfg.Limit(g)) }
