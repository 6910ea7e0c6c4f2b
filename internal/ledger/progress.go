package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
)

// progress are the records of the requests whose targets lie in several jobs. Each is changed by
// compare-and-set.
type progress struct {
	store     ProgressStore
	events    EventStore
	publisher publisher
	retry     retrier
	log       *zap.Logger
}

// recordFailures records targets as not purged, see [Ledger.RecordFailures].
func (ps *progress) recordFailures(ctx context.Context, r record.Request, failures []record.Failure, sent bool) error {
	marked, err := ps.update(ctx, r, func(p *record.Progress) {
		p.Sent = p.Sent || sent
		for _, f := range failures {
			p.Fail(f)
		}
	})
	if err == nil && !marked {
		err = fmt.Errorf("record failures of %s: %w", r.Key(), record.ErrVersion)
	}
	return err
}

// update changes a progress record by compare-and-set, and ends the request when no target is open:
// first the event, then the closing write that lets the record go with the events. It reports false
// for a record that is left alone.
func (ps *progress) update(ctx context.Context, r record.Request, change func(*record.Progress)) (bool, error) {
	for {
		p, after, err := ps.of(ctx, r)
		if err != nil || p == nil {
			return false, err
		}
		if p.Closed {
			return true, nil // its job was not removed yet
		}
		change(p)
		stored, err := ps.put(ctx, p, after, false)
		if err != nil {
			return false, err
		}
		if !stored {
			continue
		}
		if _, _, open := p.Counts(); open > 0 {
			return true, nil
		}
		return true, ps.close(ctx, p)
	}
}

func (ps *progress) close(ctx context.Context, p *record.Progress) error {
	if err := ps.publisher.publish(ctx, []record.Tally{p.Tally()}); err != nil {
		return err
	}
	k := p.Request.Key()
	p.Closed = true
	for {
		now, after, err := ps.of(ctx, p.Request)
		if err != nil || now == nil || now.Closed {
			return err
		}
		stored, err := ps.put(ctx, p, after, true)
		if err != nil {
			return fmt.Errorf("close progress of %s: %w", k, err)
		}
		if stored {
			return nil
		}
	}
}

// of reads a request's record, or begins it; nil when a newer version wrote it. A closed record
// speaks for the request only as long as its event is there: later the id may be used again.
func (ps *progress) of(ctx context.Context, r record.Request) (p *record.Progress, at record.Place, err error) {
	err = ps.retry.untilDone(ctx, "read progress", func() (err error) {
		p, at, err = ps.read(ctx, r.Key())
		return err
	})
	switch {
	case errors.Is(err, errLeftAlone):
		return nil, at, nil
	case err != nil:
		return nil, at, err
	case p == nil:
		p = record.NewProgress(r)
	}
	return p, at, nil
}

// errLeftAlone is what can't be read; another try changes nothing.
var errLeftAlone = errors.New("record left alone")

// read reads the record that speaks for a request, nil when there is none, and the place of the
// next.
func (ps *progress) read(ctx context.Context, k record.Key) (*record.Progress, record.Place, error) {
	data, at, err := ps.store.Get(ctx, k)
	if err != nil || data == nil {
		return nil, at, err
	}
	p, err := record.DecodeProgress(data)
	if err != nil {
		ps.log.Error("progress record left alone", zap.Stringer("request", k), zap.Error(err))
		return nil, at, backoff.Permanent(errLeftAlone)
	}
	if p.Closed {
		published, err := ps.events.Has(ctx, k)
		if err != nil {
			return nil, at, err
		}
		if !published {
			return nil, at, nil
		}
	}
	return p, at, nil
}

func (ps *progress) put(ctx context.Context, p *record.Progress, after record.Place, keep bool) (bool, error) {
	data, err := p.Encode()
	if err != nil {
		return false, err
	}
	stored := false
	err = ps.retry.untilDone(ctx, "store progress", func() (err error) {
		stored, err = ps.store.Put(ctx, p.Request.Key(), data, after, keep)
		return err
	})
	return stored, err
}
