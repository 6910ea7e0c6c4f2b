package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/edgepurge/edgepurge/internal/admin"
	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/credentials"
	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/metrics"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/trouble"
	"github.com/edgepurge/edgepurge/internal/wait"
)

// again is how long after a failure the leader's work or the set-up is begun anew.
const again = time.Second

// App is one replica: connected, standing by, and at times the leader.
type App struct {
	cfg      config.Config // of the start; those of its keys that are live may differ by now, see config
	keys     common.CredentialIface
	log      *zap.Logger
	reg      *prometheus.Registry
	broker   *broker.Broker
	counts   *counts
	reading  reading
	backlogs backlogs
	reloads  reloads
	streams  streams
	seen     atomic.Bool // the streams were there once
	troubles troubles

	mu      sync.Mutex
	setup   string  // why the streams can't be worked with; empty when they can
	leading bool    // this replica holds the lease
	current *leader // nil while it is not at work
}

// New opens the connection; a server that is away is no error. The caller runs the App and closes
// nothing: Run does.
func New(cfg config.Config, keys common.CredentialIface, log *zap.Logger) (*App, error) {
	b, err := broker.Connect(Dial(cfg), Settings(cfg), log.Named("nats"))
	if err != nil {
		return nil, err
	}
	reg := metrics.NewRegistry(Version())
	a := &App{
		cfg: cfg, keys: keys, log: log, reg: reg, broker: b, counts: newCounts(reg),
		reloads: reloads{cfg: cfg, last: metrics.Reload{OK: true, At: time.Now()}},
		setup:   "not provisioned yet", troubles: newTroubles(log),
	}
	metrics.NewState(reg, a.State)
	return a, nil
}

// Dial gives the connection that a configuration names.
func Dial(cfg config.Config) broker.Dial {
	n := cfg.NATS
	return broker.Dial{
		URL: string(n.URL), Context: n.Context, Creds: n.Creds, NKey: n.NKey,
		User: n.User, Password: string(n.Password), Token: string(n.Token),
		CA: n.CA, Cert: n.Cert, Key: n.Key, Inbox: n.Inbox,
	}
}

// Settings gives the streams that a configuration asks for.
func Settings(cfg config.Config) broker.Settings {
	return broker.Settings{
		Prefix: cfg.NATS.Prefix, Replicas: cfg.NATS.Replicas, MaxBytes: int64(cfg.NATS.MaxBytes),
		ParkedMaxBytes: int64(cfg.NATS.ParkedMaxBytes), ProgressMaxBytes: int64(cfg.NATS.ProgressMaxBytes),
		EventsKeep: cfg.Events.Keep, DeadKeep: cfg.Dead.Keep,
		BulkWindow: cfg.Worker.Window, InteractiveWindow: cfg.Worker.InteractiveWindow,
	}
}

// Run works until the context ends, and then drains. It returns nil after a clean stop.
func (a *App) Run(ctx context.Context) error {
	defer a.broker.Conn.Close()
	front, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var g errgroup.Group
	server := admin.New(admin.Config{
		Addr: a.cfg.HTTP.Listen, Instance: a.cfg.Instance, Version: Version(),
		Ready: a.Ready, Notes: a.Notes, State: a.State, Metrics: a.reg, Level: a.reloads.level,
	}, a.log.Named("http"))
	g.Go(func() error { return server.Run(front) })
	g.Go(func() error { a.watchBacklogs(front); return nil })
	g.Go(func() error { a.watchStreams(front); return nil })
	g.Go(func() error {
		defer stop() // the listener tells the truth until the drain is over
		return a.work(ctx)
	})
	return g.Wait()
}

func (a *App) work(ctx context.Context) error {
	for ctx.Err() == nil {
		at := a.troubles.setup
		if err := a.turn(ctx, &at); err != nil && ctx.Err() == nil {
			at.Failed(err, zap.Duration("wait", again))
			a.setSetup(err.Error())
			wait.Sleep(ctx, again)
		}
	}
	return nil
}

// turn is one go from the set-up to the loss of the lease. It sets at to the step that it has come to.
func (a *App) turn(ctx context.Context, at **trouble.Trouble) error {
	err := a.broker.Conn.Ready(ctx, func(why error) { a.troubles.nats.Failed(why) })
	if err != nil {
		return nil //nolint:nilerr // the context ended: a clean stop
	}
	a.troubles.nats.Over()
	if err := a.broker.Conn.Answers(); err != nil {
		return a.broker.Conn.Explain(err)
	}
	if err := a.provision(ctx); err != nil {
		return err
	}
	// What is made anew later is told from what is there now. Without provisioning only this shows whether
	// the streams are there.
	if found, err := a.look(ctx); err == nil {
		a.note(found)
	}
	a.seen.Store(true)
	a.troubles.setup.Over()
	a.setSetup("")
	if k, ok := a.keys.(*credentials.Provided); ok {
		if err := k.Await(ctx, a.troubles.keys); err != nil {
			return nil //nolint:nilerr // the context ended: a clean stop
		}
	}
	a.info("standing by")
	*at = a.troubles.lease
	lease, err := a.broker.Control.Acquire(ctx)
	if err != nil {
		return err
	}
	a.troubles.lease.Over()
	*at = a.troubles.own
	err = a.lead(ctx, lease)
	switch {
	case errors.Is(err, broker.ErrLeaseLost) && broker.Gone(err):
		a.log.Warn("the lease was removed: nobody leads until a new one is stored", zap.Error(err))
		return nil
	case errors.Is(err, broker.ErrLeaseLost):
		a.log.Warn("another replica leads now")
		return nil
	}
	return err
}

func (a *App) provision(ctx context.Context) error {
	switch a.cfg.NATS.Provision {
	case config.ProvisionCreate:
		return a.broker.Streams.Provision(ctx, false)
	case config.ProvisionVerify:
		return a.broker.Streams.Verify(ctx)
	}
	return nil
}

// Ready gives the reasons why this replica can't do its part, none when it can.
func (a *App) Ready() []string {
	var reasons []string
	if err := a.broker.Conn.Check(); err != nil {
		reasons = append(reasons, err.Error())
	}
	if k, ok := a.keys.(*credentials.Provided); ok && k.Missing() != nil {
		reasons = append(reasons, k.Missing().Error())
	}
	streams, _ := a.streamReasons()
	a.mu.Lock()
	defer a.mu.Unlock()
	reasons = append(reasons, streams...)
	if a.setup != "" {
		reasons = append(reasons, "streams: "+a.setup)
	}
	if a.current != nil {
		if why := a.current.account.Refused(); why != "" {
			reasons = append(reasons, fmt.Sprintf("account %s: %s", a.current.account.Name(), why))
		}
		if why := a.current.account.Trouble(); why != "" {
			reasons = append(reasons, why)
		}
	}
	return reasons
}

func (a *App) setSetup(why string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.setup = why
}

// newLedger makes the ledger of a leader; again is called once its account is there.
func (a *App) newLedger(may func() bool, again func(record.InFlight)) *ledger.Ledger {
	cfg := ledger.Config{Instance: a.cfg.Instance, Attempts: config.Attempts, Published: a.counts.ends.Told, Retry: again, Leads: may}
	if a.cfg.Events.Progress {
		(&progress{a.cfg.Instance, a.broker.Events, a.log.Named("progress")}).hook(&cfg)
	}
	b := a.broker
	return ledger.New(cfg, ledger.Stores{
		Jobs: b.Jobs, Progress: b.Progress, Events: b.Events, Dead: b.Dead, Parked: b.Parked,
	}, a.log.Named("ledger"))
}
