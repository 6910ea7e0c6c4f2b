package worker

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/metrics"
	"github.com/edgepurge/edgepurge/internal/quota"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/trouble"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

// Config bounds a Worker.
type Config struct {
	Account           string
	Subjects          purge.Subjects
	Version           string        // of the API
	MaxTargets        int           // of a batch, below the quota; 0: the quota decides
	BulkWindow        int           // bulk targets held in memory; at least 1
	InteractiveWindow int           // the same for the interactive lane
	Drain             time.Duration // for what is in flight when the pull context ends
	HandedOver        bool          // the last owner drained: nothing is held by a dead process
}

const (
	linger   = 2 * time.Millisecond
	quiet    = 20 * time.Millisecond
	maxQuiet = 250 * time.Millisecond
	// callsAtOnce bounds the calls in flight: a zone whose calls are not answered leaves room for
	// others (I7).
	callsAtOnce = 2 * quota.MaxCalls
)

// Worker runs the pipeline of one account. Its parts share one state and know each other.
type Worker struct {
	*state

	cfg      Config
	lanes    map[purge.Lane]inbox.Consumer
	paused   func(context.Context) (map[purge.Lane]time.Time, error)
	log      *zap.Logger
	quota    *quota.Gate  // how much EdgeOne takes now, and until when nothing
	troubles *trouble.Log // of the loops that try again

	admitter *admitter
	line     *line
	sender   *sender
	recorder *recorder
	retrier  *retrier
	parker   *parker
	table    *table
}

// state is what the parts share: mu guards it, and the requests in it.
type state struct {
	mu       sync.Mutex
	batcher  *batcher.Batcher[waiter]
	requests map[record.Key]*request
	expiring int // requests that have a time to expire
}

// New makes a Worker.
func New(cfg Config, deps Deps) *Worker {
	gate := quota.New(quota.Config{API: deps.API, Pace: deps.Aside, Log: deps.Log})
	w := &Worker{
		cfg: cfg, lanes: deps.Lanes, paused: deps.Paused, log: deps.Log, quota: gate, troubles: trouble.New(deps.Log),
		state: &state{requests: make(map[record.Key]*request)},
	}
	w.line = &line{
		state: w.state, account: cfg.Account, quota: gate, metrics: deps.Metrics, wake: make(chan struct{}, 1),
	}
	w.SetMaxTargets(cfg.MaxTargets)
	w.batcher = batcher.New[waiter](batcher.Config{
		Limit:    w.line.limit,
		Bytes:    edgeone.TargetBytes,
		MaxBytes: edgeone.MaxBody - bodyHeadroom,
		Linger:   linger, Quiet: quiet, MaxQuiet: maxQuiet,
	})
	w.table = newTable(w.state, cfg, deps)
	w.recorder = newRecorder(w, deps)
	w.parker = newParker(w, deps)
	w.admitter = newAdmitter(w, deps)
	w.parker.admitter = w.admitter
	w.sender = newSender(w, deps)
	w.retrier = newRetrier(w, deps)
	return w
}

// bodyHeadroom is what a call's body holds beside its targets: the zone, hosts and field names.
const bodyHeadroom = 100_000

// SetMaxTargets changes Config.MaxTargets, for the batches that are bound from then on.
func (w *Worker) SetMaxTargets(n int) { w.line.maxTargets.Store(int64(n)) }

// OnWire tells that a CreatePurgeTask call is handed to the network now. It does not block.
func (w *Worker) OnWire() { wait.Signal(w.sender.onWire) }

// Refused returns why EdgeOne refuses the credentials, empty when it does not.
func (w *Worker) Refused() string { return w.quota.Refusal() }

// Trouble describes why requests can't be parked, empty while they can.
func (w *Worker) Trouble() string { return w.parker.parking.Trouble() }

// MarkKnown says, before Run, that an earlier leader made a job: it is none that a lost answer
// named.
func (w *Worker) MarkKnown(job string) { w.sender.adopt.MarkKnown(job) }

// Holds adds to a state what the Worker holds of its lanes. It looks at every request that is held,
// and so is not for more than now and then.
func (w *Worker) Holds(lanes []metrics.Lane) (left int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := make(map[purge.Lane]*metrics.Lane, len(lanes))
	for i := range lanes {
		l := &lanes[i]
		name := purge.Lane(l.Name)
		at[name] = l
		l.Paused, l.Held, l.Window = w.table.inbox.Paused(name), w.table.budget.Used(name), w.table.budget.Size(name)
	}
	for _, r := range w.requests {
		if l := at[r.cameBy]; l != nil {
			l.Requests++
			l.Targets += r.Waiting()
		}
	}
	return w.retrier.retries.Len()
}

// Quotas returns the quotas of the zones in use, in no order: what is left now, and when that was
// read.
func (w *Worker) Quotas() []metrics.Quota {
	readings := w.quota.Readings()
	all := make([]metrics.Quota, len(readings))
	for i, r := range readings {
		all[i] = metrics.Quota{
			Zone: r.Zone, Type: r.Type, Batch: r.Batch, Daily: r.Daily, Available: r.Available, Read: r.Read,
		}
	}
	return all
}
