package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/limiter"
	"github.com/edgepurge/edgepurge/internal/metrics"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/internal/zone"
	"github.com/edgepurge/edgepurge/purge"
	"github.com/edgepurge/edgepurge/tracker"
	"github.com/edgepurge/edgepurge/worker"
)

// release bounds a hand-over, which is five questions to the broker: as long as the lease would take to run out without
// one.
const release = 3 * time.Second

// steady is how long an owner works until what kept it from working counts as over.
const steady = 5 * time.Second

// window is the span over which the API counts calls (API documentation, "API frequency limits").
const window = time.Second

// account is one account's pipeline.
type account struct {
	client  *edgeone.Client
	create  timedPace
	look    timedPace // DescribePurgeTasks
	aside   timedPace // each helper action has a limit of its own; one pace serves all
	zones   *zone.Finder
	tracker *tracker.Tracker
	worker  *worker.Worker
	books   *ledger.Ledger
	refusal refusal
	jobs    time.Time // when the stream of its jobs was made, as of the last look; of the one that looks alone
}

// take hands stored jobs to those who follow them.
func (acc *account) take(jobs []record.InFlight) {
	for _, job := range jobs {
		acc.worker.Known(job.ID)
		if job.IsRetryPart() {
			acc.worker.Again(job)
			continue
		}
		acc.tracker.Track(job)
	}
}

// own is the owner's life: until the lease is lost, or the context ends and the drain is over.
func (a *App) own(ctx context.Context, lease *broker.Lease) error {
	a.setOwner(true, nil)
	defer a.setOwner(false, nil)
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
	acc, err := a.pipeline(pull, lease)
	if err == nil {
		err = a.run(pull, work, acc)
	}
	giving, cancel := context.WithTimeout(context.WithoutCancel(ctx), release)
	if err == nil {
		err = lease.Release(giving, acc.sends())
	} else { // not drained: the next owner holds a window and fetches what this one held
		err = errors.Join(err, lease.Drop(giving))
	}
	cancel()
	lose(nil)
	if lost := keeper.Wait(); lost != nil {
		return lost
	}
	return err
}

func (acc *account) sends() []time.Time {
	if acc == nil {
		return nil
	}
	return acc.create.Sends()
}

// newPaces makes those of CreatePurgeTask, of DescribePurgeTasks and of the helper actions.
func (a *App) newPaces() (create, look, aside timedPace) {
	pace := func(name string, perSecond float64) timedPace {
		return timedPace{limiter.New(perSecond), name, a.counts.api}
	}
	l := a.config().Limits
	return pace(metrics.Create, l.CreatePerSecond), pace(metrics.Look, l.DescribePerSecond), pace(metrics.Helpers, l.DescribePerSecond)
}

// pipeline builds the account's parts. The pace goes on where a predecessor that handed over stopped;
// after one that did not, it holds a whole window (I3).
func (a *App) pipeline(ctx context.Context, lease *broker.Lease) (*account, error) {
	acc, begin := new(account), time.Now()
	acc.create, acc.look, acc.aside = a.newPaces()
	before, ok, err := lease.Predecessor(ctx)
	if err != nil {
		return nil, err
	}
	if ok {
		acc.create.Resume(before.Sends)
	} else if !lease.First() {
		acc.create.Hold(window)
	}
	e := a.cfg.EdgeOne
	acc.client, err = edgeone.New(edgeone.Config{
		Credentials: a.credentials, Endpoint: e.Endpoint, Version: e.Version, Region: e.Region,
		Timeout: e.Timeout, May: sure(lease), Sent: acc.sent,
		Called: func(action string, err error, took time.Duration) {
			a.counts.api.Called(action, err, took)
			acc.refusal.called(err)
		},
	})
	if err != nil {
		return nil, err
	}
	books := a.newLedger(lease.Valid, func(job record.InFlight) { acc.worker.Again(job) })
	look, aside := surePace{acc.look, lease}, surePace{acc.aside, lease}
	acc.zones = zone.New(acc.client, e.Zones, aside.Wait, a.log.Named("zone"))
	acc.zones.Prepare()
	acc.tracker = tracker.New(tracker.Config{
		PollMin: a.cfg.Tracker.PollMin, PollMax: a.cfg.Tracker.PollMax, Deadline: a.cfg.Tracker.Deadline,
		PerSecond: a.cfg.Limits.DescribePerSecond,
	}, acc.client, countedEnds{books, a.counts.jobs}, look, a.log.Named("tracker"))
	lanes := make(map[purge.Lane]worker.Lane)
	for _, name := range []purge.Lane{purge.Interactive, purge.Bulk} {
		if lanes[name], err = a.broker.Lane(ctx, name); err != nil {
			return nil, err
		}
	}
	acc.worker = worker.New(worker.Config{
		Account: e.Account, Subjects: a.broker.Subjects(), Version: e.Version, MaxTargets: a.cfg.Batch.MaxTargets,
		BulkWindow: a.cfg.Worker.Window, InteractiveWindow: a.cfg.Worker.InteractiveWindow, Drain: a.cfg.Worker.Drain,
		HandedOver: ok,
	}, worker.Deps{
		Lanes: lanes, Acker: a.broker, API: acc.client, Pace: acc.create, Look: look, Aside: aside.Wait, Lease: lease, Zones: acc.zones,
		Queues: queues{a.broker}, Paused: a.broker.Paused, Ledger: books, Tracker: acc.tracker, Metrics: a.counts.pipeline, Log: a.log.Named("worker"),
	})
	jobs, made, err := a.loadJobs(ctx, books)
	if err != nil {
		return nil, fmt.Errorf("take over jobs: %w", err)
	}
	acc.books, acc.jobs = books, made
	acc.take(jobs)
	a.info("owner", zap.Int("jobs", len(jobs)), zap.Bool("handed_over", ok), zap.Duration("took", time.Since(begin)))
	return acc, nil
}

// loadJobs gives the stored jobs, and when their stream was made.
func (a *App) loadJobs(ctx context.Context, books *ledger.Ledger) ([]record.InFlight, time.Time, error) {
	made, err := a.broker.Made(ctx, "JOBS")
	if err != nil {
		return nil, time.Time{}, err
	}
	jobs, err := books.Load(ctx)
	return jobs, made, err
}

// queues are the broker's, as the worker takes them.
type queues struct{ *broker.Broker }

// OpenQueue gives what pulls from a queue.
func (q queues) OpenQueue(ctx context.Context, of record.Queue) (worker.Lane, error) {
	return q.Broker.OpenQueue(ctx, of)
}

// sent tells the pace when a call really goes to the wire.
func (acc *account) sent(action string) {
	switch action {
	case "CreatePurgeTask":
		acc.create.Sent()
		acc.worker.OnWire()
	case "DescribePurgeTasks":
		acc.look.Sent()
	}
}

// run keeps the tracker going until the worker has drained.
func (a *App) run(pull, work context.Context, acc *account) error {
	a.setOwner(true, acc)
	defer time.AfterFunc(steady, a.troubles.own.Over).Stop()
	a.catchUp(acc)
	defer acc.client.CloseIdleConnections()
	background, end := context.WithCancel(work)
	defer end()
	var g errgroup.Group
	g.Go(func() error { return acc.tracker.Run(background) })
	g.Go(func() error { return acc.zones.Run(background) })
	g.Go(func() error { a.watchStrays(background, acc); return nil })
	g.Go(func() error { a.watchJunk(background); return nil })
	g.Go(func() error {
		defer end()
		return acc.worker.Run(pull, work)
	})
	return g.Wait()
}

// straysEvery is how often it is looked for jobs that nobody follows.
const straysEvery = 15 * time.Second

func (a *App) watchStrays(ctx context.Context, acc *account) {
	for {
		wait.Sleep(ctx, straysEvery)
		if ctx.Err() != nil {
			return
		}
		jobs, err := acc.books.OrphanedJobs(ctx)
		if err != nil {
			a.log.Debug("stored jobs not looked at", zap.Error(err))
		}
		acc.take(jobs)
	}
}

func (a *App) setOwner(owner bool, acc *account) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.owner, a.current = owner, acc
}
