package ledger

import (
	"context"
	"sync/atomic"

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
	// Leads reports whether this process leads: only then is it known that no other has removed a
	// part.
	Leads func() bool
	// Submitted is called when a job is stored, Parked when requests are stored in a queue of which
	// no target is in a job.
	Submitted func(*record.Job)
	Parked    func(record.Queue, []record.Parked)
}

// Ledger is safe for concurrent use.
type Ledger struct {
	cfg    Config
	jobs   JobStore
	dead   DeadStore
	parked ParkedStore
	log    *zap.Logger

	index      index
	recent     recent
	followed   followed
	orphans    orphans
	publisher  publisher
	progress   progress
	quarantine *Quarantine
	finder     finder
	retry      retrier

	parking atomic.Bool // something may be parked
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
	retry := retrier{trouble.New(log)}
	events := publisher{cfg.Instance, cfg.Published, stores.Events, retry, log}
	l := &Ledger{
		cfg: cfg, jobs: stores.Jobs, dead: stores.Dead, parked: stores.Parked, log: log,
		index: newIndex(), recent: newRecent(), followed: newFollowed(),
		publisher: events, progress: progress{stores.Progress, stores.Events, events, retry, log},
		quarantine: &Quarantine{stores.Progress, retry, log}, retry: retry,
	}
	l.finder = finder{&l.index, stores.Jobs, stores.Events, stores.Parked, &l.progress, &l.parking, log}
	return l
}

// Record stores a job. When it returns without an error, the messages of its requests may be acked
// as far as their targets are concerned (I2). It tries until the context ends.
//
// A request whose targets did not fit into one part is marked as in several jobs in j, and so is
// one with so many refused targets that they have no place in a part beside the others.
func (l *Ledger) Record(ctx context.Context, j *record.Job) (record.InFlight, error) {
	if err := l.moveEarlierFailures(ctx, j); err != nil {
		return record.InFlight{}, err
	}
	parts, bodies, err := j.EncodeParts(l.jobs.PartLimit())
	if err != nil {
		return record.InFlight{}, err
	}
	var sequences []uint64
	err = l.retry.untilDone(ctx, "store job", func() error {
		sequences, err = l.jobs.Put(ctx, j.Head, bodies)
		return err
	})
	if err != nil {
		return record.InFlight{}, err
	}
	for i := range parts {
		if err := l.displace(ctx, sequences[i], j.ID); err != nil {
			return record.InFlight{}, err
		}
		l.followed.add(sequences[i], j.ID)
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

// moveEarlierFailures moves the refused targets of a request to its progress record where they
// would crowd a part.
func (l *Ledger) moveEarlierFailures(ctx context.Context, j *record.Job) error {
	const worst = 6 // bytes of one byte in JSON
	for i := range j.Shares {
		s := &j.Shares[i]
		size := 0
		for _, f := range s.EarlierFailures {
			size += worst * (len(f.Target) + len(f.Code) + len(f.Reason) + len(f.Field) + 10)
		}
		if size <= l.jobs.PartLimit()/4 {
			continue
		}
		if err := l.RecordFailures(ctx, s.Request, s.EarlierFailures, false); err != nil {
			return err
		}
		s.MultiJob, s.EarlierFailures = true, nil
	}
	return nil
}

// Publish publishes the ends of requests that need nothing but an event. It retries until the
// context ends, except an event that can't be encoded: that is published with less, or else logged
// and given up. Published is called for those too that were stored before, as in a redo after a
// crash.
func (l *Ledger) Publish(ctx context.Context, ends []record.Tally) error {
	return l.publisher.publish(ctx, ends)
}

// RecordFailures records targets of a request in several jobs as not purged, without a job of their
// own; sent says that EdgeOne refused them, rather than edgepurge. It publishes the request's event
// if no target is open. The error is [record.ErrVersion] when the request's progress is of a newer
// version; nothing is recorded then.
func (l *Ledger) RecordFailures(ctx context.Context, r record.Request, failures []record.Failure, sent bool) error {
	return l.progress.recordFailures(ctx, r, failures, sent)
}

// Quarantine returns the record of the messages that are handled apart.
func (l *Ledger) Quarantine() *Quarantine { return l.quarantine }

// StoreDeadLetters stores dead letters. It tries until the context ends.
func (l *Ledger) StoreDeadLetters(ctx context.Context, letters []record.DeadLetter) error {
	open := letters
	return l.retry.untilDone(ctx, "store dead letters", func() error {
		errs := l.dead.Put(ctx, open)
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
	return l.dead.Put(ctx, letters)
}
