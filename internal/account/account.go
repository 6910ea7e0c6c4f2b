package account

import (
	"cmp"
	"context"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/metrics"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/zone"
	"github.com/edgepurge/edgepurge/purge"
	"github.com/edgepurge/edgepurge/tracker"
	"github.com/edgepurge/edgepurge/worker"
)

// Window is the span over which the API counts calls (EdgeOne API docs, "API frequency limits").
const Window = time.Second

// Config is the configuration of an account.
type Config struct {
	EdgeOne config.EdgeOne
	Limits  config.Limits
	Batch   config.Batch
	Tracker config.Tracker
	Worker  config.Worker

	Subjects purge.Subjects
	// Sends are when the last leader made its calls, if it handed over.
	Sends []time.Time
	// HandedOver says that the last leader drained, First that there was none. After any other the first call waits
	// for a [Window] (I3).
	HandedOver, First bool
}

// Deps are what an Account works with.
type Deps struct {
	Keys   common.CredentialIface
	Lease  worker.Lease
	Lanes  map[purge.Lane]inbox.Consumer
	Acker  inbox.Acker
	Queues worker.Queues
	Paused func(context.Context) (map[purge.Lane]time.Time, error) // the lanes that are paused, since when
	Ledger *ledger.Ledger
	Counts Counts
	Log    *zap.Logger
}

// Counts are what is counted of all accounts from the start of the process.
type Counts struct {
	Pipeline *metrics.Pipeline
	API      *metrics.API
	Jobs     *metrics.Jobs
}

// Account is the pipeline of one account. It is safe for concurrent use.
type Account struct {
	name    string
	client  *edgeone.Client
	paces   Paces
	zones   *zone.Finder
	tracker *tracker.Tracker
	worker  *worker.Worker
	refusal refusal
}

// New makes an Account. It does no I/O.
func New(cfg Config, deps Deps) (*Account, error) {
	e := cfg.EdgeOne
	a := &Account{name: e.Account, paces: NewPaces(cfg.Limits, deps.Counts.API)}
	switch {
	case cfg.HandedOver:
		a.paces.create.Resume(cfg.Sends)
	case !cfg.First:
		a.paces.create.Hold(Window)
	}
	var err error
	a.client, err = edgeone.New(edgeone.Config{
		Credentials: deps.Keys, Endpoint: e.Endpoint, Version: e.Version, Region: e.Region,
		Timeout: e.Timeout, May: leased(deps.Lease), Sent: a.sent,
		Called: func(action string, err error, took time.Duration) {
			deps.Counts.API.Called(action, err, took)
			a.refusal.called(err)
		},
	})
	if err != nil {
		return nil, err
	}
	describe, helpers := leasedPace{a.paces.describe, deps.Lease}, leasedPace{a.paces.helpers, deps.Lease}
	a.zones = zone.New(a.client, e.Zones, helpers.Wait, deps.Log.Named("zone"))
	a.zones.Prepare()
	a.tracker = tracker.New(tracker.Config{
		PollMin: cfg.Tracker.PollMin, PollMax: cfg.Tracker.PollMax, Deadline: cfg.Tracker.Deadline,
		PerSecond: cfg.Limits.DescribePerSecond,
	}, a.client, countedEnds{deps.Ledger, deps.Counts.Jobs}, describe, deps.Log.Named("tracker"))
	a.worker = worker.New(worker.Config{
		Account: e.Account, Subjects: cfg.Subjects, Version: e.Version, MaxTargets: cfg.Batch.MaxTargets,
		BulkWindow: cfg.Worker.Window, InteractiveWindow: cfg.Worker.InteractiveWindow, Drain: cfg.Worker.Drain,
		HandedOver: cfg.HandedOver,
	}, worker.Deps{
		Lanes: deps.Lanes, Acker: deps.Acker, API: a.client, Pace: a.paces.create, Look: describe, Aside: helpers.Wait,
		Lease: deps.Lease, Zones: a.zones, Queues: deps.Queues, Paused: deps.Paused, Ledger: deps.Ledger,
		Tracker: a.tracker, Metrics: deps.Counts.Pipeline, Log: deps.Log.Named("worker"),
	})
	return a, nil
}

// sent tells the pace when a call really goes to the wire.
func (a *Account) sent(action string) {
	switch action {
	case "CreatePurgeTask":
		a.paces.create.Sent()
		a.worker.OnWire()
	case "DescribePurgeTasks":
		a.paces.describe.Sent()
	}
}

// Follow takes over stored jobs: the tracker polls those that are not final, and the worker sends again what EdgeOne
// failed of the others.
func (a *Account) Follow(jobs []record.InFlight) {
	for _, job := range jobs {
		a.worker.MarkKnown(job.ID)
		if job.IsRetryPart() {
			a.worker.Retry(job)
			continue
		}
		a.tracker.Track(job)
	}
}

// Retry sends again what EdgeOne failed of a job.
func (a *Account) Retry(job record.InFlight) { a.worker.Retry(job) }

// Run works until pull ends and the worker has drained, or until work ends. Its errors are those of [worker.Worker.Run].
func (a *Account) Run(pull, work context.Context) error {
	defer a.client.CloseIdleConnections()
	background, end := context.WithCancel(work)
	defer end()
	var g errgroup.Group
	g.Go(func() error { return a.tracker.Run(background) })
	g.Go(func() error { return a.zones.Run(background) })
	g.Go(func() error {
		defer end()
		return a.worker.Run(pull, work)
	})
	return g.Wait()
}

// Set puts the keys in force that can change while the account runs. It does not block.
func (a *Account) Set(cfg Config) {
	a.paces.set(cfg.Limits)
	a.tracker.SetPerSecond(cfg.Limits.DescribePerSecond)
	a.worker.SetMaxTargets(cfg.Batch.MaxTargets)
	a.zones.Set(cfg.EdgeOne.Zones)
}

// Name is the configured name of the account.
func (a *Account) Name() string { return a.name }

// Sends are when the last calls of CreatePurgeTask were made, for the next leader.
func (a *Account) Sends() []time.Time { return a.paces.create.Sends() }

// Refused returns why EdgeOne refuses the credentials, empty while it does not.
func (a *Account) Refused() string { return cmp.Or(a.worker.Refused(), a.refusal.reason()) }

// Trouble returns why requests can't be parked, empty while they can.
func (a *Account) Trouble() string { return a.worker.Trouble() }

// Fill adds to s what holds of the account now.
func (a *Account) Fill(s *metrics.State) {
	s.Refused = a.Refused() != ""
	s.Left = a.worker.Holds(s.Lanes)
	s.Jobs, s.OldestJob = a.tracker.ByType()
	s.Paces = a.paces.State()
	s.Quotas = a.worker.Quotas()
}

// countedEnds are the ledger's ends of jobs, counted.
type countedEnds struct {
	tracker.Ledger

	jobs *metrics.Jobs
}

// End is the Ledger's.
func (c countedEnds) End(ctx context.Context, job record.InFlight, out record.Outcome) error {
	err := c.Ledger.End(ctx, job, out)
	if err == nil {
		c.jobs.Final(job.Type, job.Submitted, &out)
	}
	return err
}
