package batcher

import (
	"time"

	"github.com/edgepurge/edgepurge/purge"
)

// Group is what the targets of one call have in common.
type Group struct {
	Account string
	Zone    string
	Type    string // the API's word, as "purge_url"
	Method  string
	Hosts   string // sorted, joined by commas
}

// Config bounds batches and waiting. All values must be positive but for the lingers.
type Config struct {
	// Limit tells how many targets one call of the group may carry now: the quota's Batch, the
	// API's ceiling, the operator's cap, whichever is least. Below 1 counts as 1.
	Limit func(Group) int
	// Bytes tells what a target takes in the encoded body, MaxBytes what all of a call may take.
	Bytes    func(target string) int
	MaxBytes int
	// Linger is how long an interactive target waits for company when a call could go at once.
	Linger time.Duration
	// Quiet is how long a bulk group that is not full must have received nothing before it is sent,
	// and MaxQuiet how long its oldest target waits at most for that.
	Quiet, MaxQuiet time.Duration
}

// agedShare is the part of the calls that bulk gets while interactive targets wait: one in ten, so
// that a flood of urgent requests slows the backlog down but does not stop it (I8).
const agedShare = 10

// Slot is one target that waits, with all who wait for it.
type Slot[W any] struct {
	Target  string
	Waiters []W

	since  time.Time
	bytes  int
	urgent bool
	gone   bool // moved or removed: the queue passes over it
}

// Batch is what one call carries.
type Batch[W any] struct {
	Group  Group
	Slots  []*Slot[W]
	Urgent bool      // one of its targets is interactive
	Since  time.Time // when the oldest was added, of an urgent batch the oldest interactive one
	Tries  int       // how often it came back by Return

	notBefore time.Time
}

// Batcher holds the targets that wait. The zero value is not usable.
type Batcher[W any] struct {
	cfg     Config
	groups  map[Group]*group[W]
	resend  []*Batch[W]
	held    map[Group]time.Time
	waiting int
	urgent  int // urgent calls given since bulk that could go had one
}

// New makes an empty Batcher.
func New[W any](cfg Config) *Batcher[W] {
	return &Batcher[W]{cfg: cfg, groups: make(map[Group]*group[W]), held: make(map[Group]time.Time)}
}

// Add puts a target in line, or w beside those who wait for it already.
func (b *Batcher[W]) Add(now time.Time, g Group, lane purge.Lane, target string, w W) {
	gr := b.groups[g]
	if gr == nil {
		gr = &group[W]{key: g, slots: make(map[string]*Slot[W])}
		b.groups[g] = gr
	}
	if gr.add(now, target, lane == purge.Interactive, w, b.cfg.Bytes) {
		b.waiting++
	}
}

// Waiting is the number of targets in line and in batches that came back.
func (b *Batcher[W]) Waiting() int { return b.waiting }

// Hold keeps all groups of a zone's type back until the given time; a time in the past lets them go,
// and so does the zero time, which also forgets them.
func (b *Batcher[W]) Hold(account, zone, typ string, until time.Time) {
	key := Group{Account: account, Zone: zone, Type: typ}
	if until.IsZero() {
		delete(b.held, key)
		return
	}
	b.held[key] = until
}

// Return takes back a batch that was not accepted. It is given again as it is, not before the given
// time; new requests for its targets start slots of their own (I4).
func (b *Batcher[W]) Return(batch *Batch[W], notBefore time.Time) {
	batch.notBefore = notBefore
	batch.Tries++
	b.waiting += len(batch.Slots)
	b.resend = append(b.resend, batch)
}

// newBatch makes a batch of slots; it is as urgent and as old as the most pressing of them.
func newBatch[W any](g Group, slots []*Slot[W]) *Batch[W] {
	batch := &Batch[W]{Group: g, Slots: slots}
	batch.rank()
	return batch
}

func (batch *Batch[W]) rank() {
	batch.Urgent, batch.Since = false, time.Time{}
	for _, s := range batch.Slots {
		first := s.urgent && !batch.Urgent
		older := s.urgent == batch.Urgent && (batch.Since.IsZero() || s.since.Before(batch.Since))
		if first || older {
			batch.Urgent, batch.Since = s.urgent, s.since
		}
	}
}

// Halve returns the two halves of a batch of at least two slots, to be sent apart.
func (batch *Batch[W]) Halve() (left, right *Batch[W]) {
	mid := len(batch.Slots) / 2
	return newBatch(batch.Group, batch.Slots[:mid:mid]), newBatch(batch.Group, batch.Slots[mid:])
}

// Remove takes out every waiter for whom drop is true and returns how many targets left with them.
func (b *Batcher[W]) Remove(drop func(W) bool) int {
	left := 0
	for _, gr := range b.groups {
		left += gr.remove(drop)
		b.forget(gr)
	}
	keep := b.resend[:0]
	for _, batch := range b.resend {
		left += batch.Remove(drop)
		if len(batch.Slots) > 0 {
			keep = append(keep, batch)
		}
	}
	clear(b.resend[len(keep):])
	b.resend = keep
	b.waiting -= left
	return left
}

// Remove takes out every waiter for whom drop is true, and each target that nobody waits for any
// more; it returns how many targets that were.
func (batch *Batch[W]) Remove(drop func(W) bool) int {
	before := len(batch.Slots)
	keep := batch.Slots[:0]
	for _, s := range batch.Slots {
		if s.drop(drop); len(s.Waiters) > 0 {
			keep = append(keep, s)
		}
	}
	clear(batch.Slots[len(keep):])
	batch.Slots = keep
	batch.rank()
	return before - len(keep)
}

func (b *Batcher[W]) forget(gr *group[W]) {
	if len(gr.slots) == 0 {
		delete(b.groups, gr.key)
	}
}
