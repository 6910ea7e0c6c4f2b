package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/edgepurge/edgepurge/internal/account"
	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

const (
	// release bounds a hand-over, which takes five calls to the broker. Past it, to let the lease expire is no slower.
	release = 3 * time.Second
	// steady is how long a leader works until what kept it from working counts as over.
	steady = 5 * time.Second
)

// leader is what a replica works with while it holds the lease.
type leader struct {
	account *account.Account
	ledger  *ledger.Ledger
	jobs    time.Time // when the stream of its jobs was made, as of the last look; only watchStreams uses it
}

// lead is the life of a leader: until the lease is lost, or the context ends and the drain is over.
func (a *App) lead(ctx context.Context, lease *broker.Lease) error {
	a.setLeader(true, nil)
	defer a.setLeader(false, nil)
	work, lose := context.WithCancelCause(context.WithoutCancel(ctx))
	defer lose(nil)
	pull, stop := context.WithCancel(work)
	defer stop()
	defer context.AfterFunc(ctx, stop)()

	var keeper errgroup.Group
	keeper.Go(func() error {
		err := lease.Keep(work)
		lose(err)
		return err
	})
	l, err := a.pipeline(pull, lease)
	if err == nil {
		err = a.run(pull, work, l)
	}
	giving, cancel := context.WithTimeout(context.WithoutCancel(ctx), release)
	if err == nil {
		err = lease.Release(giving, l.account.Sends())
	} else { // not drained: the next leader holds a window and fetches what this one held
		err = errors.Join(err, lease.Drop(giving))
	}
	cancel()
	lose(nil)
	if lost := keeper.Wait(); lost != nil {
		return lost
	}
	return err
}

// pipeline reads what the last leader left, and makes the account that goes on with it.
func (a *App) pipeline(ctx context.Context, lease *broker.Lease) (*leader, error) {
	begun := time.Now()
	before, handedOver, err := lease.Predecessor(ctx)
	if err != nil {
		return nil, err
	}
	lanes := make(map[purge.Lane]inbox.Consumer)
	for _, name := range []purge.Lane{purge.Interactive, purge.Bulk} {
		if lanes[name], err = a.broker.Requests.Lane(ctx, name); err != nil {
			return nil, err
		}
	}
	l := new(leader)
	l.ledger = a.newLedger(lease.Valid, func(job record.InFlight) { l.account.Retry(job) })
	cfg := a.accountConfig(a.cfg)
	cfg.Limits = a.config().Limits
	cfg.Sends, cfg.HandedOver, cfg.First = before.Sends, handedOver, lease.First()
	l.account, err = account.New(cfg, account.Deps{
		Keys: a.keys, Lease: lease, Lanes: lanes, Acker: a.broker.Requests, Queues: queues{a.broker.Parked}, Paused: a.broker.Control.Paused,
		Ledger: l.ledger, Counts: a.counts.Counts, Log: a.log,
	})
	if err != nil {
		return nil, err
	}
	jobs, made, err := a.loadJobs(ctx, l.ledger)
	if err != nil {
		return nil, fmt.Errorf("take over jobs: %w", err)
	}
	l.jobs = made
	l.account.Follow(jobs)
	a.info("leading", zap.Int("jobs", len(jobs)), zap.Bool("handed_over", handedOver), zap.Duration("took", time.Since(begun)))
	return l, nil
}

// loadJobs returns the stored jobs, and when their stream was made.
func (a *App) loadJobs(ctx context.Context, from *ledger.Ledger) ([]record.InFlight, time.Time, error) {
	made, err := a.broker.Streams.Made(ctx, "JOBS")
	if err != nil {
		return nil, time.Time{}, err
	}
	jobs, err := from.Load(ctx)
	return jobs, made, err
}

// queues are those of the parked requests, as the worker takes them.
type queues struct{ parked *broker.Parked }

// OpenQueue returns what pulls from a queue.
func (q queues) OpenQueue(ctx context.Context, of record.Queue) (inbox.Consumer, error) {
	return q.parked.Open(ctx, of)
}

// CloseQueue removes a queue that is empty, and reports whether it was.
func (q queues) CloseQueue(ctx context.Context, of record.Queue) (bool, error) {
	return q.parked.Close(ctx, of)
}

// run keeps the account and what the leader does beside it going until the account has drained.
func (a *App) run(pull, work context.Context, l *leader) error {
	a.setLeader(true, l)
	defer time.AfterFunc(steady, a.troubles.own.Over).Stop()
	a.catchUp(l.account)
	background, end := context.WithCancel(work)
	defer end()
	var g errgroup.Group
	g.Go(func() error { a.watchOrphans(background, l); return nil })
	g.Go(func() error { a.watchJunk(background); return nil })
	g.Go(func() error {
		defer end()
		return l.account.Run(pull, work)
	})
	return g.Wait()
}

// orphansEvery is how often the leader looks for stored jobs that nobody follows.
const orphansEvery = 15 * time.Second

func (a *App) watchOrphans(ctx context.Context, l *leader) {
	for {
		if !wait.Sleep(ctx, orphansEvery) {
			return
		}
		jobs, err := l.ledger.OrphanedJobs(ctx)
		if err != nil {
			a.log.Debug("stored jobs not looked at", zap.Error(err))
		}
		l.account.Follow(jobs)
	}
}

func (a *App) setLeader(leads bool, l *leader) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.leading, a.current = leads, l
}
