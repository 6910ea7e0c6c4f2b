package app

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/account"
	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/metrics"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

// stateAge is how long a reading of the state counts: to ask for it often must cost the worker nothing.
const stateAge = time.Second

// reading is the last State that was put together.
type reading struct {
	mu   sync.Mutex
	last metrics.State
}

// State tells what holds now, or did less than a second ago. It does not block on anything outside.
func (a *App) State() metrics.State {
	a.reading.mu.Lock()
	defer a.reading.mu.Unlock()
	if now := time.Now(); now.Sub(a.reading.last.At) >= stateAge {
		a.reading.last = a.readState(now)
	}
	return a.reading.last
}

func (a *App) readState(now time.Time) metrics.State {
	a.mu.Lock()
	l, leads := a.current, a.leading
	a.mu.Unlock()
	s := metrics.State{
		At: now, Ready: len(a.Ready()) == 0, Connected: a.broker.Conn.Check() == nil, Reconnects: a.broker.Conn.Reconnects(), Owner: leads,
		Reload: a.lastReload(),
	}
	s.Lanes, s.Parked = a.backlogs.read()
	if l == nil { // it stands by: what it would have as the leader
		s.Paces = account.NewPaces(a.config().Limits, a.counts.API).State()
		return s
	}
	l.account.Fill(&s)
	return s
}

const (
	// backlogEvery is how often it is looked what waits in the broker, on every replica: it is one of those
	// that stand by that can report a leader that does nothing.
	backlogEvery = 5 * time.Second
	// backlogWithin bounds one look.
	backlogWithin = 10 * time.Second
)

// backlogs are what waited in the broker at the last look.
type backlogs struct {
	mu     sync.Mutex
	lanes  map[purge.Lane]broker.Backlog
	paused map[purge.Lane]time.Time
	parked int
}

func (b *backlogs) read() ([]metrics.Lane, int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []metrics.Lane
	for _, name := range []purge.Lane{purge.Interactive, purge.Bulk} {
		l := b.lanes[name]
		_, paused := b.paused[name]
		all = append(all, metrics.Lane{Name: string(name), Paused: paused, Pending: l.Waiting, Unacked: l.Unacked, Oldest: l.Oldest})
	}
	return all, b.parked
}

// watchBacklogs looks what waits until the context ends. What can't be read stays as it was.
func (a *App) watchBacklogs(ctx context.Context) {
	for ctx.Err() == nil {
		if a.provisioned() {
			if err := a.lookAtBacklogs(ctx); err != nil && ctx.Err() == nil {
				a.log.Debug("backlog not read", zap.Error(err))
			}
		}
		wait.Sleep(ctx, backlogEvery)
	}
}

func (a *App) lookAtBacklogs(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, backlogWithin)
	defer cancel()
	lanes := make(map[purge.Lane]broker.Backlog)
	for _, name := range []purge.Lane{purge.Interactive, purge.Bulk} {
		log, err := a.broker.Requests.Backlog(ctx, name)
		if err != nil {
			return err
		}
		lanes[name] = log
	}
	parked, err := a.broker.Parked.Count(ctx)
	if err != nil {
		return err
	}
	paused, err := a.broker.Control.Paused(ctx)
	if err != nil {
		return err
	}
	a.backlogs.mu.Lock()
	defer a.backlogs.mu.Unlock()
	a.backlogs.lanes, a.backlogs.parked, a.backlogs.paused = lanes, parked, paused
	return nil
}

// provisioned tells whether the streams are there and NATS can be worked with.
func (a *App) provisioned() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.setup == "" && a.broker.Conn.Check() == nil
}
