package ledger

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// Store is the durable side. A write that returns nil is stored; any error means that it may or may
// not be, and is tried again. All methods are safe for concurrent use.
type Store interface {
	// PutEvents publishes each event unless its request has one; nil means that it has.
	PutEvents(ctx context.Context, events []purge.Event) []error
	// EventsOf finds terminal events. A miss is no proof that there is none.
	EventsOf(ctx context.Context, keys []record.Key) (map[record.Key]purge.Outcome, error)
	// HasEvent is the proof, by the stream's leader, that a request has its terminal event or has none.
	HasEvent(ctx context.Context, k record.Key) (bool, error)
	PutDead(ctx context.Context, letters []record.DeadLetter) []error

	PartLimit() int
	PutJob(ctx context.Context, head record.Head, parts [][]byte) ([]uint64, error)
	// Jobs yields every stored part, oldest first, one at a time.
	Jobs(ctx context.Context) iter.Seq2[record.StoredJob, error]
	// Job reads a part; nil without an error when it is not there any more.
	Job(ctx context.Context, sequence uint64) ([]byte, error)
	DropJob(ctx context.Context, sequence uint64) error

	// Progress reads a record and its place; no data when there is none.
	Progress(ctx context.Context, k record.Key) ([]byte, record.Place, error)
	// PutProgress replaces the record at after; false when another write was first.
	PutProgress(ctx context.Context, k record.Key, data []byte, after record.Place, keep bool) (bool, error)
}

// Ledger is safe for concurrent use.
type Ledger struct {
	store    Store
	instance string
	log      *zap.Logger
	index    index
	told     func(purge.Event)
}

// New makes a Ledger. The instance is the installation's name in events; told, if not nil, is called
// for each terminal event once it is stored, from many goroutines.
func New(store Store, instance string, log *zap.Logger, told func(purge.Event)) *Ledger {
	if told == nil {
		told = func(purge.Event) {}
	}
	return &Ledger{store: store, instance: instance, log: log, index: newIndex(), told: told}
}

// Load reads the stored jobs and fills the index. A part written by a newer version is left alone,
// with an error in the log; it counts as in flight no more than as done.
func (l *Ledger) Load(ctx context.Context) ([]record.InFlight, error) {
	var jobs []record.InFlight
	at := make(map[string]int)
	for part, err := range l.store.Jobs(ctx) {
		if err != nil {
			return nil, err
		}
		head, err := l.load(part)
		if err != nil {
			l.log.Error("stored job left alone", zap.Uint64("sequence", part.Sequence), zap.Error(err))
			continue
		}
		key := head.Account + "/" + head.Zone + "/" + head.ID
		i, ok := at[key]
		if !ok {
			i = len(jobs)
			at[key] = i
			jobs = append(jobs, record.InFlight{Head: head})
		}
		jobs[i].Sequences = append(jobs[i].Sequences, part.Sequence)
	}
	return jobs, nil
}

func (l *Ledger) load(part record.StoredJob) (record.Head, error) {
	head, err := record.DecodeHead(firstLine(part.Data))
	if err != nil {
		return record.Head{}, err
	}
	var keys []record.Key
	for k, err := range record.Keys(part.Data) {
		if err != nil {
			return record.Head{}, err
		}
		keys = append(keys, k)
	}
	for _, k := range keys {
		l.index.add(k, part.Sequence)
	}
	return head, nil
}

func firstLine(data []byte) []byte {
	for i, c := range data {
		if c == '\n' {
			return data[:i]
		}
	}
	return data
}

// Record stores a job. When it returns without an error, the messages of its requests may be acked as
// far as their targets are concerned (I2). It tries until the context ends.
//
// A request whose targets did not fit into one part is marked as spanning in j, and so is one with so
// many refused targets that they have no place in a part beside the others.
func (l *Ledger) Record(ctx context.Context, j *record.Job) (record.InFlight, error) {
	if err := l.unload(ctx, j); err != nil {
		return record.InFlight{}, err
	}
	parts, err := j.Encode(l.store.PartLimit())
	if err != nil {
		return record.InFlight{}, err
	}
	var sequences []uint64
	err = l.insist(ctx, "store job", func() error {
		sequences, err = l.store.PutJob(ctx, j.Head, parts)
		return err
	})
	if err != nil {
		return record.InFlight{}, err
	}
	for i, data := range parts {
		for k, err := range record.Keys(data) {
			if err == nil {
				l.index.add(k, sequences[i])
			}
		}
	}
	head := j.Head
	head.Version, head.Parts = record.Version, len(parts)
	return record.InFlight{Head: head, Sequences: sequences}, nil
}

// unload moves the refused targets of a request to its progress record where they would crowd a part.
func (l *Ledger) unload(ctx context.Context, j *record.Job) error {
	const worst = 6 // bytes of one byte in JSON
	for i := range j.Shares {
		s := &j.Shares[i]
		size := 0
		for _, f := range s.Settled {
			size += worst * (len(f.Target) + len(f.Code) + len(f.Reason) + len(f.Field) + 10)
		}
		if size <= l.store.PartLimit()/4 {
			continue
		}
		if err := l.Settle(ctx, s.Request, s.Settled, false); err != nil {
			return err
		}
		s.Spans, s.Settled = true, nil
	}
	return nil
}

// Tell publishes the ends of requests that need nothing but an event. It tries until the context ends.
func (l *Ledger) Tell(ctx context.Context, ends []record.Tally) error {
	if len(ends) == 0 {
		return nil
	}
	now := time.Now().UTC()
	events := make([]purge.Event, len(ends))
	for i := range ends {
		events[i] = purge.NewEvent(l.instance, ends[i].Outcome(now), now)
	}
	open := events
	return l.insist(ctx, "publish events", func() error {
		errs := l.store.PutEvents(ctx, open)
		var left []purge.Event
		for i, err := range errs {
			if err != nil {
				left = append(left, open[i])
				continue
			}
			l.told(open[i])
		}
		open = left
		return firstOf(errs)
	})
}

// Bury stores dead letters. It tries until the context ends.
func (l *Ledger) Bury(ctx context.Context, letters []record.DeadLetter) error {
	open := letters
	return l.insist(ctx, "store dead letters", func() error {
		errs := l.store.PutDead(ctx, open)
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

func firstOf(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// insist tries an idempotent write until it is done or the context ends: giving up would lose
// something that only this process knows.
func (l *Ledger) insist(ctx context.Context, what string, op func() error) error {
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
		l.log.Warn(what+" did not succeed, trying again", zap.Error(err), zap.Duration("wait", wait))
	})
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
