package worker

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/adopt"
	"github.com/edgepurge/edgepurge/internal/deadletter"
	"github.com/edgepurge/edgepurge/internal/duequeue"
	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/parking"
	"github.com/edgepurge/edgepurge/internal/quarantine"
	"github.com/edgepurge/edgepurge/internal/quota"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/trouble"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/internal/zonewait"
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
	// callsAtOnce bounds the calls in flight: a zone whose calls are not answered leaves room for others (I7).
	callsAtOnce = 2 * quota.MaxCalls
)

// Worker runs the pipeline of one account.
type Worker struct {
	cfg Config
	Deps

	maxTargets atomic.Int64  // of a batch, below the quota; 0: the quota decides
	wake       chan struct{} // capacity 1: the batcher may have something to send
	onWire     chan struct{} // capacity 1: the call granted last has gone to the wire
	quota      *quota.Gate   // how much EdgeOne takes now, and until when nothing
	// troubles are those of the loops that try again.
	troubles *trouble.Log
	adopt    *adopt.Finder           // the job of a call whose answer was lost
	calls    chan struct{}           // capacity callsAtOnce: one place for each call in flight
	abort    context.CancelCauseFunc // ends Run

	pullQueue  func(stop context.Context, p *inbox.Puller) error // pulls a queue of parked requests; set by Run
	inbox      *inbox.Inbox
	budget     *inbox.Budget
	retries    *duequeue.Queue[record.InFlight] // parts of jobs to be tried again, and not yet in line
	parking    *parking.Parking[inbox.Consumer, *request]
	overflow   *parking.Overflow[*request] // what must be parked
	zonewait   *zonewait.List[*request]    // whose zone is not known yet
	quarantine *quarantine.Quarantine[inbox.Delivery]
	letters    *deadletter.Backlog[*request] // of refused requests

	mu       sync.Mutex
	batcher  *batcher.Batcher[waiter]
	requests map[record.Key]*request
	expiring int // requests that have a time to expire
}

// New makes a Worker.
func New(cfg Config, deps Deps) *Worker {
	w := &Worker{
		cfg: cfg, Deps: deps, abort: func(error) {},
		wake:   make(chan struct{}, 1),
		onWire: make(chan struct{}, 1), calls: make(chan struct{}, callsAtOnce),
		requests: make(map[record.Key]*request),
	}
	w.troubles = trouble.New(w.Log)
	w.adopt = adopt.New(adopt.Config{API: w.API, Pace: w.Look, HandedOver: cfg.HandedOver, Log: w.Log})
	w.quota = quota.New(quota.Config{API: w.API, Pace: w.Aside, Log: w.Log})
	w.retries = duequeue.New[record.InFlight]()
	w.budget = inbox.NewBudget(cfg.InteractiveWindow, cfg.BulkWindow)
	w.inbox = inbox.New(inbox.Config{
		Acker: w.Acker, Lease: w.Lease, Budget: w.budget, HandedOver: cfg.HandedOver, Log: w.Log,
	})
	w.quarantine = quarantine.New(quarantine.Config[inbox.Delivery]{
		Ledger: w.Ledger.Quarantine(), Owner: quarantineOwner{w}, Log: w.Log,
	})
	w.letters = deadletter.New(deadletter.Config[*request]{Ledger: w.Ledger, Owner: letterOwner{w}, Log: w.Log})
	w.parking = parking.New(parking.Config[inbox.Consumer, *request]{
		Broker: w.Queues, Ledger: w.Ledger, Owner: parkingOwner{w}, Log: w.Log,
	})
	w.overflow = parking.NewOverflow(cfg.Account, w.quota, kinds{w}, w.budget.Size)
	w.zonewait = zonewait.New[*request](w.Zones, w.overflow.Share)
	w.SetMaxTargets(cfg.MaxTargets)
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

// SetMaxTargets changes Config.MaxTargets, for the batches that are bound from then on.
func (w *Worker) SetMaxTargets(n int) { w.maxTargets.Store(int64(n)) }

// OnWire tells that a CreatePurgeTask call is handed to the network now. It does not block.
func (w *Worker) OnWire() { wait.Signal(w.onWire) }

// Refused returns why EdgeOne refuses the credentials, empty when it does not.
func (w *Worker) Refused() string { return w.quota.Refusal() }

// Trouble describes why requests can't be parked, empty while they can.
func (w *Worker) Trouble() string { return w.parking.Trouble() }
