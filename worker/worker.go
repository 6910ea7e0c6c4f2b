package worker

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// Lane is where the requests of one lane come from. Errors are passing unless the context has ended or
// they are [record.ErrGone].
// Pull and Rest are for one goroutine, the others are safe for concurrent use.
type Lane interface {
	// Pull waits for the first delivery and returns those that have arrived, at most room.
	Pull(ctx context.Context, room int) ([]record.Delivery, error)
	// Rest gives what was pulled and not taken.
	Rest() []record.Delivery
	AckWait() time.Duration
	// Depth counts the messages that wait and those that are delivered but not acked.
	Depth(ctx context.Context) (waiting, held int, err error)
	// Hurry and Settle bracket the time in which what a predecessor held comes soon; Hurry returns the
	// AckWait in force until then.
	Hurry(ctx context.Context) (time.Duration, error)
	Settle(ctx context.Context) error
}

// Acker answers deliveries by their reply subjects, whatever lane they came by.
type Acker interface {
	// Ack returns nil when the broker has taken all of them.
	Ack(ctx context.Context, replies []string) error
	InProgress(replies []string) error
	Nak(replies []string) error
}

// API is what the worker asks of EdgeOne. Errors are classified by [edgeone.Classify].
type API interface {
	CreatePurge(ctx context.Context, p edgeone.Purge) (edgeone.Created, error)
	Quotas(ctx context.Context, zone string) (map[string]edgeone.Quota, error)
}

// Pace keeps CreatePurgeTask below its limit.
type Pace interface {
	Wait(ctx context.Context) error
	Throttled()
	Hold(d time.Duration)
}

// Lease tells whether this replica may send now (I3).
type Lease interface{ Valid() bool }

// Zones tells the zone of a host, or package zone's errors.
type Zones interface {
	Find(host string) (string, error)
	Updated() <-chan struct{}
}

// Tracker takes over a job that is stored.
type Tracker interface{ Track(job record.InFlight) }

// Config bounds a Worker.
type Config struct {
	Account           string
	Subjects          purge.Subjects
	MaxTargets        int           // of a batch, below the quota; 0: the quota decides
	BulkWindow        int           // bulk targets held in memory; at least 1
	InteractiveWindow int           // the same for the interactive lane
	Drain             time.Duration // for what is in flight when the pull context ends
	HandedOver        bool          // the last owner drained: nothing is held by a dead process
}

// Deps are what a Worker works with.
type Deps struct {
	Lanes   map[purge.Lane]Lane
	Acker   Acker
	API     API
	Pace    Pace
	Aside   func(context.Context) error // paces DescribeContentQuota
	Lease   Lease
	Zones   Zones
	Ledger  *ledger.Ledger
	Tracker Tracker
	Metrics *Metrics
	Log     *zap.Logger
}

const (
	linger   = 2 * time.Millisecond
	quiet    = 20 * time.Millisecond
	maxQuiet = 250 * time.Millisecond
	// callsAtOnce bounds the calls in flight: at 20 a second, enough for an API that takes 1.5 s.
	callsAtOnce = 32
)

// Worker runs the pipeline of one account.
type Worker struct {
	cfg Config
	Deps

	wake   chan struct{} // capacity 1: the batcher may have something to send
	onWire chan struct{} // capacity 1: the call granted last has gone to the wire
	quotas quotas
	calls  chan struct{} // capacity callsAtOnce: one place for each call in flight

	mu       sync.Mutex
	batcher  *batcher.Batcher[waiter]
	requests map[record.Key]*request
	waiting  []*request // admitted, but their zone is not known yet
	weight   map[purge.Lane]int
	ackWait  map[purge.Lane]time.Duration // as it is now in the broker
	room     map[purge.Lane]chan struct{} // capacity 1: weight went down
	expiring int                          // requests that have a time to expire
	refusal  string                       // why EdgeOne refuses the credentials; empty when it does not
}

// New makes a Worker.
func New(cfg Config, deps Deps) *Worker {
	w := &Worker{
		cfg: cfg, Deps: deps,
		wake: make(chan struct{}, 1), onWire: make(chan struct{}, 1), calls: make(chan struct{}, callsAtOnce),
		requests: make(map[record.Key]*request),
		weight:   make(map[purge.Lane]int),
		ackWait:  make(map[purge.Lane]time.Duration),
		room:     make(map[purge.Lane]chan struct{}),
	}
	for name, lane := range deps.Lanes {
		w.room[name] = make(chan struct{}, 1)
		w.ackWait[name] = lane.AckWait()
	}
	w.quotas = newQuotas()
	w.batcher = batcher.New[waiter](batcher.Config{
		Limit:    w.limit,
		Bytes:    edgeone.TargetBytes,
		MaxBytes: edgeone.MaxBody - bodyHeadroom,
		Linger:   linger, Quiet: quiet, MaxQuiet: maxQuiet,
	})
	return w
}

// bodyHeadroom is what a call's body holds beside its targets: the zone, hosts and field names.
const bodyHeadroom = 100_000

// Run works until pull ends, and then drains: it pulls and sends nothing more, waits for the calls in
// flight and their records, and gives back what it still holds. The end of work ends everything at
// once; so does a lost lease, which the caller tells by ending work. It returns nil after a drain.
func (w *Worker) Run(pull, work context.Context) error {
	g, ctx := errgroup.WithContext(work)
	stop, cancel := context.WithCancelCause(pull)
	defer cancel(nil)
	stopped := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	defer stopped()
	for name, lane := range w.Lanes {
		g.Go(func() error { return w.pull(stop, ctx, name, lane) })
	}
	background, end := context.WithCancel(ctx)
	var keepers sync.WaitGroup
	keepers.Go(func() { w.keep(background) })
	keepers.Go(func() { w.watchZones(background) })
	keepers.Go(func() { w.watchQuotas(background) })
	g.Go(func() error { return w.send(stop, ctx) })
	err := g.Wait()
	end()
	keepers.Wait()
	if work.Err() != nil {
		return context.Cause(work)
	}
	if err == nil {
		w.giveBack()
	}
	return err
}

// OnWire tells that a CreatePurgeTask call is handed to the network now. It does not block.
func (w *Worker) OnWire() { signal(w.onWire) }

// Refused tells why EdgeOne refuses the credentials, empty when it does not.
func (w *Worker) Refused() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.refusal
}

// Waiting is the number of targets that wait to be sent.
func (w *Worker) Waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.batcher.Waiting()
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// endOf is nil for an error that only says that the context has ended.
func endOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the context ended: a clean stop
	}
	return err
}

// sleep waits for d, or less if the context ends; then it returns false.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
