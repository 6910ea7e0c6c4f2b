// Package zonewait holds the requests whose zone is not known yet: no zone has their host, and the
// zones of the account were not all read.
//
//	place ──► unknown zone ──► Hold ──► zones were read ──► Next ──► place again
//	                             │
//	                             └─ zones can't be read, and the share is full ──► parked
//
// The window bounds what a List holds while zones can be read. While they can't, it holds no more
// than a share of the window, and what is more must be parked (I5, I7). What can't be parked stays.
//
// A request that begins to wait just when zones were read is placed again at once: no reading is
// missed.
//
// The package looks up no zone, parks nothing and ends nothing; it says what its owner must do.
package zonewait

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

// Zones says when zones were read, and whether that fails now.
type Zones interface {
	Updated() <-chan struct{}
	Failing() bool
}

// Request is a request that waits. Its methods are called with the List's lock held.
type Request interface {
	Size() int // in targets
	ChargedLane() purge.Lane
	// Stays reports whether it must stay in memory: it can't be parked, or is parked already.
	Stays() bool
	Expired(now time.Time) bool
}

// Reading is a number of the readings of zones.
type Reading uint64

// List has the requests that wait, in order. All methods are safe for concurrent use and none
// blocks, except Next. It guards no request: whoever does must hold its lock in Hold, Excess and
// Expire.
type List[R Request] struct {
	zones Zones
	share func(purge.Lane) int // of a lane's window, in targets
	again chan struct{}        // capacity 1: zones were read just when a request began to wait

	mu       sync.Mutex
	requests []R
	targets  int
	reading  Reading
}

// New returns an empty List. share returns how many targets of a lane may wait while zones can't be
// read.
func New[R Request](zones Zones, share func(purge.Lane) int) *List[R] {
	return &List[R]{zones: zones, share: share, again: make(chan struct{}, 1)}
}

// Reading returns the number of the last reading. Hold is given that from before the zone was
// looked up.
func (l *List[R]) Reading() Reading {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reading
}

// Hold has a request wait until zones were read after a reading. It returns false if the request
// must be parked instead.
func (l *List[R]) Hold(r R, after Reading) bool {
	failing := l.zones.Failing()
	l.mu.Lock()
	defer l.mu.Unlock()
	if failing && !l.fits(r) {
		return false
	}
	l.requests = append(l.requests, r)
	l.targets += r.Size()
	if l.reading != after {
		wait.Signal(l.again)
	}
	return true
}

// fits reports whether a request may wait while zones can't be read; the lock must be held.
func (l *List[R]) fits(r R) bool { return r.Stays() || l.targets+r.Size() <= l.share(r.ChargedLane()) }

// Targets returns how many targets wait.
func (l *List[R]) Targets() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.targets
}

// Next waits until zones were read, and takes out all that waited, in order. It returns false when
// the context has ended.
func (l *List[R]) Next(ctx context.Context) ([]R, bool) {
	read := false
	select {
	case <-ctx.Done():
		return nil, false
	case <-l.zones.Updated():
		read = true
	case <-l.again:
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if read {
		l.reading++
	}
	all := l.requests
	l.requests, l.targets = nil, 0
	return all, true
}

// Excess takes out what must be parked while zones can't be read: what came last.
func (l *List[R]) Excess() (out []R) {
	if !l.zones.Failing() {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.requests
	l.requests, l.targets = nil, 0
	for _, r := range all {
		if !l.fits(r) {
			out = append(out, r)
			continue
		}
		l.requests = append(l.requests, r)
		l.targets += r.Size()
	}
	return out
}

// Expire takes out what has expired.
func (l *List[R]) Expire(now time.Time) (out []R) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests = slices.DeleteFunc(l.requests, func(r R) bool {
		if !r.Expired(now) {
			return false
		}
		out = append(out, r)
		l.targets -= r.Size()
		return true
	})
	return out
}
