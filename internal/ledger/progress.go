package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
)

// RecordFailures notes targets of a request that spans jobs as not purged, without a job of their own; sent
// says that EdgeOne refused them, rather than edgepurge. It tells the request if none is open. The error
// is [record.ErrVersion] when the request's progress is of a newer version; nothing is noted then.
func (l *Ledger) RecordFailures(ctx context.Context, r record.Request, failures []record.Failure, sent bool) error {
	marked, err := l.updateProgress(ctx, r, func(p *record.Progress) {
		p.Sent = p.Sent || sent
		for _, f := range failures {
			p.Fail(f)
		}
	})
	if err == nil && !marked {
		err = fmt.Errorf("settle targets of %s: %w", r.Key(), record.ErrVersion)
	}
	return err
}

// updateProgress changes a progress record by compare-and-set, and ends the request when no target is open:
// first the event, then the closing write that lets the record go with the events. It reports false
// for a record that is left alone.
func (l *Ledger) updateProgress(ctx context.Context, r record.Request, change func(*record.Progress)) (bool, error) {
	for {
		p, after, err := l.progressOf(ctx, r)
		if err != nil || p == nil {
			return false, err
		}
		if p.Closed {
			return true, nil // its job was not removed yet
		}
		change(p)
		stored, err := l.putProgress(ctx, p, after, false)
		if err != nil {
			return false, err
		}
		if !stored {
			continue
		}
		if _, _, open := p.Counts(); open > 0 {
			return true, nil
		}
		return true, l.closeProgress(ctx, p)
	}
}

func (l *Ledger) closeProgress(ctx context.Context, p *record.Progress) error {
	if err := l.Publish(ctx, []record.Tally{p.Tally()}); err != nil {
		return err
	}
	k := p.Request.Key()
	p.Closed = true
	for {
		now, after, err := l.progressOf(ctx, p.Request)
		if err != nil || now == nil || now.Closed {
			return err
		}
		stored, err := l.putProgress(ctx, p, after, true)
		if err != nil {
			return fmt.Errorf("close progress of %s: %w", k, err)
		}
		if stored {
			return nil
		}
	}
}

// progressOf reads a request's record, or begins it; nil when a newer version wrote it. A closed record
// speaks for the request only as long as its event is there: later the id may be used again.
func (l *Ledger) progressOf(ctx context.Context, r record.Request) (p *record.Progress, at record.Place, err error) {
	err = l.retryUntilDone(ctx, "read progress", func() (err error) {
		p, at, err = l.readProgress(ctx, r.Key())
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

// readProgress reads the record that speaks for a request, nil when there is none, and the place of the next.
func (l *Ledger) readProgress(ctx context.Context, k record.Key) (*record.Progress, record.Place, error) {
	data, at, err := l.stores.Progress.Get(ctx, k)
	if err != nil || data == nil {
		return nil, at, err
	}
	p, err := record.DecodeProgress(data)
	if err != nil {
		l.log.Error("progress record left alone", zap.Stringer("request", k), zap.Error(err))
		return nil, at, backoff.Permanent(errLeftAlone)
	}
	if p.Closed {
		told, err := l.stores.Events.Has(ctx, k)
		if err != nil {
			return nil, at, err
		}
		if !told {
			return nil, at, nil
		}
	}
	return p, at, nil
}

func (l *Ledger) putProgress(ctx context.Context, p *record.Progress, after record.Place, keep bool) (bool, error) {
	data, err := p.Encode()
	if err != nil {
		return false, err
	}
	stored := false
	err = l.retryUntilDone(ctx, "store progress", func() (err error) {
		stored, err = l.stores.Progress.Put(ctx, p.Request.Key(), data, after, keep)
		return err
	})
	return stored, err
}
