package deadletter

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
)

const (
	// maxWaiting and maxBytes bound the dead letters that wait.
	maxWaiting = 1000
	maxBytes   = 16 << 20
	// maxStored is how many dead letters are stored at a time.
	maxStored = 100
	// storeWithin is how long Conclude waits for dead letters to be stored.
	storeWithin = 2 * time.Second
)

// Refusal is a request R that is refused as a whole.
type Refusal[R comparable] struct {
	Request R
	Letter  record.DeadLetter
	// End is published once the dead letter is stored; nil if the id of the request is another
	// one's, which keeps its own end.
	End *record.Tally
	// Transient says that the owner does not hold the request's message: it cannot wait.
	Transient bool
}

// Ledger stores dead letters and publishes events. StoreDeadLetters and Publish try until their
// context ends, and fail only then; TryStoreDeadLetters tries once and returns one error for each.
type Ledger interface {
	TryStoreDeadLetters(ctx context.Context, letters []record.DeadLetter) []error
	StoreDeadLetters(ctx context.Context, letters []record.DeadLetter) error
	Publish(ctx context.Context, ends []record.Tally) error
}

// Owner is whose requests R are refused.
type Owner[R comparable] interface {
	// Counted says that dead letters are stored.
	Counted(letters []record.DeadLetter)
	// Stored says that requests which waited have their dead letters and events. It is called from
	// the goroutine of Run.
	Stored(ctx context.Context, requests []R)
}

// Config is what a Backlog works with.
type Config[R comparable] struct {
	Ledger Ledger
	Owner  Owner[R]
	Log    *zap.Logger
}

// Backlog has the refused requests of one account whose dead letters cannot be stored yet. All
// methods are safe for concurrent use; Run is called once.
type Backlog[R comparable] struct {
	cfg  Config[R]
	wake chan struct{} // capacity 1: something waits

	mu      sync.Mutex
	waiting []Refusal[R]
	bytes   int // of their dead letters
}

// New returns an empty Backlog.
func New[R comparable](cfg Config[R]) *Backlog[R] {
	return &Backlog[R]{cfg: cfg, wake: make(chan struct{}, 1)}
}

// errBehind says that earlier dead letters wait to be stored.
var errBehind = errors.New("other dead letters wait to be stored")

// Conclude stores the dead letters of requests and publishes their events. It returns the requests
// that must not be acked: those that wait until their dead letters can be stored, and those that
// are dropped, because there is no room, they are transient, or ctx has ended. Before Conclude
// returns, Stored may have been called for some of those that wait.
func (b *Backlog[R]) Conclude(ctx context.Context, all []Refusal[R]) (waiting, dropped map[R]bool) {
	waiting, dropped = make(map[R]bool), make(map[R]bool)
	if len(all) == 0 {
		return waiting, dropped
	}
	var stored, open []Refusal[R]
	for i, err := range b.tryStore(ctx, all) {
		if err == nil {
			stored = append(stored, all[i])
		} else {
			open = append(open, all[i])
		}
	}
	letters, ends := contents(stored)
	b.cfg.Owner.Counted(letters)
	if err := b.cfg.Ledger.Publish(ctx, ends); err != nil { // the context has ended: the messages come again
		for _, r := range all {
			dropped[r.Request] = true
		}
		return waiting, dropped
	}
	b.wait(open, waiting, dropped)
	return waiting, dropped
}

// Store stores the dead letters of requests and publishes their events. It tries until ctx ends,
// and fails only then.
func (b *Backlog[R]) Store(ctx context.Context, all ...Refusal[R]) error {
	letters, ends := contents(all)
	if err := b.cfg.Ledger.StoreDeadLetters(ctx, letters); err != nil {
		return err
	}
	b.cfg.Owner.Counted(letters)
	return b.cfg.Ledger.Publish(ctx, ends)
}

// Run stores what waits, in order, until ctx ends. The messages of the rest come again.
func (b *Backlog[R]) Run(ctx context.Context) {
	for ctx.Err() == nil {
		first := b.first()
		if len(first) == 0 {
			select {
			case <-ctx.Done():
			case <-b.wake:
			}
			continue
		}
		if err := b.Store(ctx, first...); err != nil {
			return // the context has ended
		}
		left := b.remove(first)
		requests := make([]R, len(first))
		for i, r := range first {
			requests[i] = r.Request
		}
		b.cfg.Owner.Stored(ctx, requests)
		b.cfg.Log.Info("dead letters are stored again", zap.Int("stored", len(first)), zap.Int("waiting", left))
	}
}

// tryStore returns one error for each dead letter. It does not try if others wait.
func (b *Backlog[R]) tryStore(ctx context.Context, all []Refusal[R]) []error {
	b.mu.Lock()
	behind := len(b.waiting) > 0
	b.mu.Unlock()
	if behind {
		errs := make([]error, len(all))
		for i := range errs {
			errs[i] = errBehind
		}
		return errs
	}
	soon, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	letters, _ := contents(all)
	return b.cfg.Ledger.TryStoreDeadLetters(soon, letters)
}

// wait lets requests wait as far as there is room, and notes what became of each.
func (b *Backlog[R]) wait(open []Refusal[R], waiting, dropped map[R]bool) {
	if len(open) == 0 {
		return
	}
	b.mu.Lock()
	first := len(b.waiting) == 0
	for _, r := range open {
		size := len(r.Letter.Data)
		if r.Transient || len(b.waiting) >= maxWaiting || b.bytes+size > maxBytes {
			dropped[r.Request] = true
			continue
		}
		b.waiting = append(b.waiting, r)
		b.bytes += size
		waiting[r.Request] = true
	}
	b.mu.Unlock()
	if first {
		b.cfg.Log.Warn("dead letters cannot be stored; refused requests wait until they can, and the others go on",
			zap.Int("requests", len(open)))
	}
	wait.Signal(b.wake)
}

// first returns what waits longest.
func (b *Backlog[R]) first() []Refusal[R] {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.waiting[:min(len(b.waiting), maxStored)])
}

// remove takes the first ones out and returns how many are left.
func (b *Backlog[R]) remove(first []Refusal[R]) (left int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = slices.Delete(b.waiting, 0, len(first))
	for _, r := range first {
		b.bytes -= len(r.Letter.Data)
	}
	return len(b.waiting)
}

func contents[R comparable](all []Refusal[R]) (letters []record.DeadLetter, ends []record.Tally) {
	letters = make([]record.DeadLetter, len(all))
	for i, r := range all {
		letters[i] = r.Letter
		if r.End != nil {
			ends = append(ends, *r.End)
		}
	}
	return letters, ends
}
