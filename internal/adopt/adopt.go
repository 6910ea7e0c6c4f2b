package adopt

import (
	"context"
	"iter"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/wait"
)

// maxLookups bounds the calls whose job is looked for at the same time. While more answers than
// that are lost, EdgeOne is away, and would not answer whether a job came of them either.
const maxLookups = 32

// lookupTimes returns how long after the loss of its answer the job of a call is looked for.
// EdgeOne does not document how soon a new job shows: if the last look-up finds none, there is
// believed to be none. Urgent calls don't wait for the third.
func lookupTimes(urgent bool) []time.Duration {
	if urgent {
		return []time.Duration{500 * time.Millisecond, 1500 * time.Millisecond}
	}
	return []time.Duration{500 * time.Millisecond, 1500 * time.Millisecond, 4 * time.Second}
}

// API reads the rows of jobs. Errors are classified by [edgeone.Classify]. before is called before
// each page.
type API interface {
	AllTasks(ctx context.Context, q edgeone.TaskQuery, before func(context.Context) error) iter.Seq2[edgeone.Task, error]
}

// Pace keeps DescribePurgeTasks below its limit.
type Pace interface {
	Wait(ctx context.Context) error
	Throttled(sent time.Time) // a call of that time was refused as too fast
}

// Config is what a Finder works with.
type Config struct {
	API        API
	Pace       Pace
	HandedOver bool // the last leader drained: its last calls may have lost their answers just now
	Log        *zap.Logger
}

// Finder has the call log of one account, and looks for the jobs of its lost calls. All methods are
// safe for concurrent use.
type Finder struct {
	cfg     Config
	log     *callLog
	places  chan struct{} // capacity maxLookups: one for each call whose job is looked for
	lookups sync.WaitGroup
}

// New returns a Finder whose log is empty.
func New(cfg Config) *Finder {
	return &Finder{cfg: cfg, log: newCallLog(cfg.HandedOver), places: make(chan struct{}, maxLookups)}
}

// MarkKnown says that a job was made by an earlier leader, so that it is no lost call's.
func (f *Finder) MarkKnown(job string) { f.log.markKnown(job, time.Now()) }

// Begin says that a call is about to be sent. The Finder keeps p.Targets until the call has ended
// and, if its answer was lost, its job was found or not.
func (f *Finder) Begin(p edgeone.Purge, sent time.Time) *Call { return f.log.begin(p, sent) }

// End says what came of a call, and returns whose job the answer names. After [edgeone.Ambiguous],
// which is a lost answer, the caller calls Find.
func (f *Finder) End(c *Call, class edgeone.Class, created edgeone.Created) Owner {
	return f.log.end(c, class, created, time.Now())
}

// Find looks for the job of a call whose answer was lost, and passes it to then, or false if there
// is none or it is in doubt. It returns at once; then is called on a goroutine of the Finder,
// without a lock.
//
// When ctx ends before a job was found, then is not called: the call's messages come again, to the
// next leader.
func (f *Finder) Find(ctx context.Context, c *Call, urgent bool, then func(created edgeone.Created, found bool)) {
	f.lookups.Go(func() {
		created, found := f.find(ctx, c, urgent)
		if ctx.Err() != nil && !found {
			return
		}
		if !found {
			f.log.giveUp(c)
		}
		then(created, found)
	})
}

// Wait returns once each then of the calls of Find so far has returned. Find must not be called
// meanwhile.
func (f *Finder) Wait() { f.lookups.Wait() }

// find looks until the job is found or there can be none. A look-up without an answer is repeated
// at the next of the times; what cannot be read at the last is in doubt.
func (f *Finder) find(ctx context.Context, c *Call, urgent bool) (edgeone.Created, bool) {
	select {
	case f.places <- struct{}{}:
		defer func() { <-f.places }()
	default:
		return edgeone.Created{}, false
	}
	lost := time.Now()
	for _, after := range lookupTimes(urgent) {
		if !wait.Sleep(ctx, after-time.Since(lost)) {
			return edgeone.Created{}, false
		}
		begun := time.Now()
		job, err := f.lookup(ctx, c)
		if job.JobID != "" {
			return edgeone.Created{JobID: job.JobID, ServerTime: job.Created}, true
		}
		if err != nil && !f.retryable(err, c, begun) {
			return edgeone.Created{}, false
		}
	}
	return edgeone.Created{}, false
}

// retryable reports whether a look-up that failed may succeed later, and slows the pace if it was
// too fast.
func (f *Finder) retryable(err error, c *Call, begun time.Time) bool {
	f.cfg.Log.Debug("job of a lost answer not looked for", zap.String("zone", c.purge.Zone), zap.Error(err))
	switch edgeone.Classify(err) { //nolint:exhaustive // refusals stay
	case edgeone.Throttled:
		f.cfg.Pace.Throttled(begun)
		return true
	case edgeone.Ambiguous, edgeone.Transient:
		return true
	}
	return false
}
