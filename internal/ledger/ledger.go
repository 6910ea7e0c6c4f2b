package ledger

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/trouble"
	"github.com/edgepurge/edgepurge/purge"
)

// Config is what a Ledger does beside storing. The functions may be nil; they are called from many
// goroutines.
type Config struct {
	Instance  string                // the installation's name in events
	Attempts  int                   // how often a target is sent at most before its failure counts; 0 is 1
	Published func(purge.Event)     // a terminal event is stored
	Retry     func(record.InFlight) // what is left of a job is stored, to be sent again
	// Leads reports whether this process leads: only then is it known that no other has removed a part.
	Leads func() bool
	// Submitted is called when a job is stored, Parked when requests are stored in a queue of which no target is in a job.
	Submitted func(*record.Job)
	Parked    func(record.Queue, []record.Parked)
}

// Ledger is safe for concurrent use.
type Ledger struct {
	cfg    Config
	stores Stores
	log    *zap.Logger
	index  index
	// troubles are those of the writes that are tried until they succeed.
	troubles *trouble.Log
	recent   recent

	parking atomic.Bool // something may be parked

	mu       sync.Mutex
	parts    map[uint64]string // sequences of the stored parts that somebody follows, with their jobs
	moved    map[place]uint64  // where those were stored again that were removed from outside
	removing map[place]bool    // those that are being removed
	orphans  map[uint64]bool   // those that nobody did at the last look
}

// New makes a Ledger.
func New(cfg Config, stores Stores, log *zap.Logger) *Ledger {
	if cfg.Published == nil {
		cfg.Published = func(purge.Event) {}
	}
	if cfg.Retry == nil {
		cfg.Retry = func(record.InFlight) {}
	}
	if cfg.Leads == nil {
		cfg.Leads = func() bool { return true }
	}
	if cfg.Submitted == nil {
		cfg.Submitted = func(*record.Job) {}
	}
	if cfg.Parked == nil {
		cfg.Parked = func(record.Queue, []record.Parked) {}
	}
	return &Ledger{
		cfg: cfg, stores: stores, log: log, index: newIndex(), recent: newRecent(), parts: make(map[uint64]string), moved: make(map[place]uint64),
		removing: make(map[place]bool), troubles: trouble.New(log),
	}
}

// Record stores a job. When it returns without an error, the messages of its requests may be acked as
// far as their targets are concerned (I2). It tries until the context ends.
//
// A request whose targets did not fit into one part is marked as spanning in j, and so is one with so
// many refused targets that they have no place in a part beside the others.
func (l *Ledger) Record(ctx context.Context, j *record.Job) (record.InFlight, error) {
	if err := l.moveEarlierFailures(ctx, j); err != nil {
		return record.InFlight{}, err
	}
	parts, bodies, err := j.EncodeParts(l.stores.Jobs.PartLimit())
	if err != nil {
		return record.InFlight{}, err
	}
	var sequences []uint64
	err = l.retryUntilDone(ctx, "store job", func() error {
		sequences, err = l.stores.Jobs.Put(ctx, j.Head, bodies)
		return err
	})
	if err != nil {
		return record.InFlight{}, err
	}
	for i := range parts {
		if err := l.displace(ctx, sequences[i], j.ID); err != nil {
			return record.InFlight{}, err
		}
		l.follow(sequences[i], j.ID)
		for s := range parts[i].Shares {
			l.index.add(parts[i].Shares[s].Key(), sequences[i])
		}
		l.recent.add(sequences[i], &parts[i])
	}
	l.cfg.Submitted(j)
	head := j.Head
	head.Version, head.Parts = record.Version, len(parts)
	return record.InFlight{Head: head, Sequences: sequences}, nil
}

// moveEarlierFailures moves the refused targets of a request to its progress record where they would crowd a part.
func (l *Ledger) moveEarlierFailures(ctx context.Context, j *record.Job) error {
	const worst = 6 // bytes of one byte in JSON
	for i := range j.Shares {
		s := &j.Shares[i]
		size := 0
		for _, f := range s.EarlierFailures {
			size += worst * (len(f.Target) + len(f.Code) + len(f.Reason) + len(f.Field) + 10)
		}
		if size <= l.stores.Jobs.PartLimit()/4 {
			continue
		}
		if err := l.RecordFailures(ctx, s.Request, s.EarlierFailures, false); err != nil {
			return err
		}
		s.MultiJob, s.EarlierFailures = true, nil
	}
	return nil
}

// Publish publishes the ends of requests that need nothing but an event. It tries until the context ends,
// but for an event that can't be encoded: that is told with less, or else logged and given up. Told is
// called for those too that were stored before, as in a redo after a crash.
func (l *Ledger) Publish(ctx context.Context, ends []record.Tally) error {
	if len(ends) == 0 {
		return nil
	}
	now := time.Now().UTC()
	events := make([]purge.Event, len(ends))
	for i := range ends {
		events[i] = purge.NewEvent(l.cfg.Instance, ends[i].Outcome(now), now)
	}
	open := events
	return l.retryUntilDone(ctx, "publish events", func() error {
		errs := l.stores.Events.Publish(ctx, open)
		var left []purge.Event
		for i, err := range errs {
			if err == nil {
				l.cfg.Published(open[i])
			} else if event, ok := l.encodable(open[i]); ok {
				left = append(left, event)
			}
		}
		if open = left; len(open) == 0 {
			return nil
		}
		return firstOf(errs)
	})
}

// StoreDeadLetters stores dead letters. It tries until the context ends.
func (l *Ledger) StoreDeadLetters(ctx context.Context, letters []record.DeadLetter) error {
	open := letters
	return l.retryUntilDone(ctx, "store dead letters", func() error {
		errs := l.stores.Dead.Put(ctx, open)
		var left []record.DeadLetter
		for i, err := range errs {
			if err != nil {
				left = append(left, open[i])
			}
		}
		open = left
		return firstOf(errs)
	})
}

// TryStoreDeadLetters stores dead letters once, and returns one error for each.
func (l *Ledger) TryStoreDeadLetters(ctx context.Context, letters []record.DeadLetter) []error {
	return l.stores.Dead.Put(ctx, letters)
}

func firstOf(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// retryUntilDone tries an idempotent write until it is done or the context ends: giving up would lose
// something that only this process knows.
func (l *Ledger) retryUntilDone(ctx context.Context, what string, op func() error) error {
	failing := l.troubles.On(what+" did not succeed, trying again", "")
	defer failing.Leave()
	b := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(20*time.Millisecond),
		backoff.WithMaxInterval(2*time.Second),
		backoff.WithMaxElapsedTime(0))
	err := backoff.RetryNotify(func() error {
		if ctx.Err() != nil {
			return backoff.Permanent(context.Cause(ctx))
		}
		return op()
	}, backoff.WithContext(b, ctx), func(err error, wait time.Duration) {
		failing.Failed(err, zap.Duration("wait", wait))
	})
	if err == nil {
		failing.Over()
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
