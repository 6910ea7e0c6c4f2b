// Package zone tells which EdgeOne zone a host belongs to, for requests that do not say.
//
// It stands beside admission: the worker asks for each host. The operator's table comes first, then
// what the account's zones and their domains tell, read in the background and kept. An answer never
// waits for the API: where it is not known yet, the worker keeps the request and asks again after
// Updated.
//
// It promises that a look-up which the API refuses or fails does no harm to requests that name their
// zone, and that a zone whose domains are refused does none to the hosts of the others. What EdgeOne
// refuses for good (no permission for the action, no such action) leaves a host unknown, with the
// reason; what fails for now leaves it pending, however long that lasts. It does not check the zones
// that requests do name.
package zone

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/trouble"
	"github.com/edgepurge/edgepurge/internal/wait"
)

// The answers beside a zone.
var (
	// ErrUnknown may be wrapped in an error whose text says what EdgeOne refused to tell.
	ErrUnknown   = errors.New("no zone of the account serves this host")
	ErrAmbiguous = errors.New("several zones of the account serve this host; name one in the request")
	// ErrPending says that the zones could not be read yet.
	ErrPending = errors.New("the zones of the account are not known yet")
)

const (
	// fresh is how long a reading counts; a host that is not in it is looked for again after missAge.
	fresh   = 10 * time.Minute
	missAge = 30 * time.Second
	// A reading that failed is begun again after retryFirst, after repeated failures up to retryLast.
	retryFirst, retryLast = 200 * time.Millisecond, 30 * time.Second
)

// API lists an account's zones. before is called ahead of each call, to keep the pace.
type API interface {
	Zones(ctx context.Context, before func(context.Context) error) ([]edgeone.Zone, error)
	Domains(ctx context.Context, zone string, before func(context.Context) error) ([]edgeone.Domain, error)
}

// Finder is safe for concurrent use.
type Finder struct {
	api     API
	pace    func(context.Context) error
	fixed   atomic.Pointer[map[string][]string] // host or *.suffix -> zones, from the configuration
	wake    chan struct{}                       // capacity 1: a reading is wanted
	updated chan struct{}                       // capacity 1: a reading has ended

	unread, forbidden *trouble.Trouble // readings that failed, and those that EdgeOne refused in part

	mu      sync.Mutex
	known   map[string][]string
	read    time.Time     // when the last reading ended, with whatever EdgeOne told; zero: never
	refused *refusedError // what it did not tell; nil: nothing
	failing bool          // the last reading failed
}

// New makes a Finder. The table maps a host, or *.suffix, to a zone id; "*" stands for every host.
func New(api API, table map[string]string, pace func(context.Context) error, log *zap.Logger) *Finder {
	t := trouble.New(log)
	f := &Finder{
		api: api, pace: pace, wake: make(chan struct{}, 1), updated: make(chan struct{}, 1),
		unread:    t.On("zones could not be read; requests that name no zone may wait", ""),
		forbidden: t.On("zones may not be read; requests that name no zone may be rejected", ""),
	}
	f.set(table)
	return f
}

// Set replaces the table; pending hosts may be asked for again.
func (f *Finder) Set(table map[string]string) {
	f.set(table)
	f.tell()
}

func (f *Finder) set(table map[string]string) {
	fixed := make(map[string][]string, len(table))
	for host, zone := range table {
		fixed[canonical(host)] = []string{zone}
	}
	f.fixed.Store(&fixed)
}

func (f *Finder) tell() {
	wait.Signal(f.updated)
}

// Updated tells that a reading has ended, or the table was replaced, and pending hosts may be asked for again.
func (f *Finder) Updated() <-chan struct{} { return f.updated }

// Failing tells that the last reading failed, and is tried again.
func (f *Finder) Failing() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failing
}

// Find tells the zone of a host (lower case, punycode, no port), or one of the package's errors. It does
// not block.
func (f *Finder) Find(host string) (string, error) {
	if zone, err := match(*f.fixed.Load(), host); !errors.Is(err, ErrUnknown) {
		return zone, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	age := time.Since(f.read)
	if f.read.IsZero() {
		f.want()
		return "", ErrPending
	}
	zone, err := match(f.known, host)
	stale := age > fresh || err != nil && age > missAge
	if stale {
		f.want()
	}
	switch {
	case err != nil && stale:
		return "", ErrPending
	case errors.Is(err, ErrUnknown) && f.refused != nil:
		return "", f.refused
	}
	return zone, err
}

// Prepare has the zones read before anybody asks: for the sake of the first request, and so that credentials that are
// refused are known without one.
func (f *Finder) Prepare() { f.want() }

func (f *Finder) want() {
	wait.Signal(f.wake)
}

// match prefers the host itself, then the longest wildcard, then "*".
func match(table map[string][]string, host string) (string, error) {
	zones := table[host]
	for rest := host; len(zones) == 0; {
		_, after, ok := strings.Cut(rest, ".")
		if !ok {
			zones = table["*"]
			break
		}
		zones, rest = table["*."+after], after
	}
	switch len(zones) {
	case 0:
		return "", ErrUnknown
	case 1:
		return zones[0], nil
	}
	return "", ErrAmbiguous
}

// Run reads the zones when they are wanted, until the context ends.
func (f *Finder) Run(ctx context.Context) error {
	again := backoff.NewExponentialBackOff(backoff.WithInitialInterval(retryFirst),
		backoff.WithMaxInterval(retryLast), backoff.WithMultiplier(2), backoff.WithMaxElapsedTime(0))
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-f.wake:
		}
		later := f.renew(ctx, again)
		if later == 0 {
			continue
		}
		if !wait.Sleep(ctx, later) {
			return nil
		}
		f.want()
	}
}

// renew reads the zones, and tells after how long to do it again unasked; 0 for never.
func (f *Finder) renew(ctx context.Context, again backoff.BackOff) time.Duration {
	known, refused, err := f.list(ctx)
	if ctx.Err() != nil {
		return retryFirst
	}
	f.mu.Lock()
	f.failing = err != nil
	f.mu.Unlock()
	if err != nil {
		later := again.NextBackOff()
		f.unread.Failed(err, zap.Duration("wait", later))
		return later
	}
	f.unread.Over()
	if refused != nil {
		f.forbidden.Failed(refused)
	} else {
		f.forbidden.Over()
	}
	again.Reset()
	f.mu.Lock()
	f.known, f.read, f.refused = known, time.Now(), refused
	f.mu.Unlock()
	f.tell()
	return 0
}
