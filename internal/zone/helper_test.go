package zone_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/zone"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	errAway    = &edgeone.Error{Action: "DescribeZones", Message: "connection refused"}
	errRefused = &edgeone.Error{Action: "DescribeAccelerationDomains", Code: "UnauthorizedOperation.NoPermission", Sent: true}
	errBadKey  = &edgeone.Error{Action: "DescribeZones", Code: "AuthFailure.SignatureFailure", Sent: true}
	errGone    = &edgeone.Error{Action: "DescribeZones", Code: "InvalidAction", Sent: true}
	errOdd     = &edgeone.Error{Action: "DescribeZones", Code: "Whatever.New", Sent: true}
)

// site is the domains of one zone.
type site struct {
	id      string
	name    string
	domains []string
	err     error // of their list
}

// account is a strict API. It fails the test when a call has no place in the pace.
type account struct {
	t *testing.T

	mu      sync.Mutex
	sites   []site
	err     error         // of the list of zones
	took    time.Duration // of each call
	start   time.Time
	reads   []time.Duration // when the zones were listed
	domains int             // calls
	places  int             // in the pace
}

func (a *account) set(err error, sites ...site) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err, a.sites = err, sites
}

func (a *account) slow(took time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.took = took
}

func (a *account) readings() []time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]time.Duration(nil), a.reads...)
}

func (a *account) pace(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.places++
	return context.Cause(ctx)
}

func (a *account) call(ctx context.Context, before func(context.Context) error) error {
	if err := before(ctx); err != nil {
		return &edgeone.Error{Message: err.Error()}
	}
	a.mu.Lock()
	if calls := len(a.reads) + a.domains; a.places <= calls {
		a.t.Errorf("call %d went out with %d places in the pace", calls+1, a.places)
	}
	took := a.took
	a.mu.Unlock()
	timer := time.NewTimer(took)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return &edgeone.Error{Sent: true, Message: "context canceled"}
	}
}

func (a *account) Zones(ctx context.Context, before func(context.Context) error) ([]edgeone.Zone, error) {
	if err := a.call(ctx, before); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reads = append(a.reads, time.Since(a.start))
	if a.err != nil {
		return nil, a.err
	}
	var zones []edgeone.Zone
	for _, s := range a.sites {
		zones = append(zones, edgeone.Zone{ID: s.id, Name: s.name})
	}
	return zones, nil
}

func (a *account) Domains(ctx context.Context, id string, before func(context.Context) error) ([]edgeone.Domain, error) {
	if err := a.call(ctx, before); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.domains++
	for _, s := range a.sites {
		if s.id != id {
			continue
		}
		var domains []edgeone.Domain
		for _, name := range s.domains {
			domains = append(domains, edgeone.Domain{Name: name})
		}
		return domains, s.err
	}
	a.t.Errorf("asked for the domains of %q, which is not listed", id)
	return nil, errRefused
}

// bench is a Finder before an account. It is made inside a bubble, and its Run ends with the test.
type bench struct {
	*zone.Finder

	account *account
	logs    *observer.ObservedLogs
	cancel  context.CancelFunc
	done    chan error
}

func newBench(t *testing.T, table map[string]string, sites ...site) *bench {
	t.Helper()
	core, logs := observer.New(zap.WarnLevel)
	b := &bench{account: &account{t: t, sites: sites, start: time.Now()}, logs: logs, done: make(chan error, 1)}
	b.Finder = zone.New(b.account, table, b.account.pace, zap.New(core))
	ctx, cancel := context.WithCancel(t.Context())
	b.cancel = cancel
	go func() { b.done <- b.Run(ctx) }()
	synctest.Wait()
	return b
}

// stop ends Run and checks how it ended.
func (b *bench) stop(t *testing.T) {
	t.Helper()
	b.cancel()
	if err := <-b.done; err != nil {
		t.Errorf("Run: %v, want nil", err)
	}
}

// read asks for a host and waits until the zones have been read.
func (b *bench) read(t *testing.T) {
	t.Helper()
	b.finds(t, "any.example", "", zone.ErrPending)
	pass(0)
	if !b.updated() {
		t.Fatal("the zones were not read")
	}
}

// finds checks one look-up, which must not take any time.
func (b *bench) finds(t *testing.T, host, want string, wantErr error) {
	t.Helper()
	before := time.Now()
	got, err := b.Find(host)
	if got != want || !errors.Is(err, wantErr) {
		t.Errorf("zone of %s is %q, %v; want %q, %v", host, got, err, want, wantErr)
	}
	if took := time.Since(before); took != 0 {
		t.Errorf("Find took %v", took)
	}
}

// refuses checks that a host is unknown for a reason, which must not take any time.
func (b *bench) refuses(t *testing.T, host, want string) {
	t.Helper()
	got, err := b.Find(host)
	if got != "" || !errors.Is(err, zone.ErrUnknown) || err.Error() != want {
		t.Errorf("zone of %s is %q, %v; want an ErrUnknown: %s", host, got, err, want)
	}
}

// updated tells whether a reading has ended since it was asked last.
func (b *bench) updated() bool {
	select {
	case <-b.Updated():
		return true
	default:
		return false
	}
}

// pass lets time go by in the bubble, and what is due then happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// inBubble runs a test with a Finder of its own.
func inBubble(t *testing.T, table map[string]string, sites []site, test func(*testing.T, *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, table, sites...)
		defer b.stop(t)
		test(t, b)
	})
}
