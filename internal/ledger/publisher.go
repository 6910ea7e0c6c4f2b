package ledger

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// publisher is the one writer of terminal events (I1). It retries until the broker has them.
type publisher struct {
	instance  string
	published func(purge.Event)
	store     EventStore
	retry     retrier
	log       *zap.Logger
}

// publish publishes the ends of requests, see [Ledger.Publish].
func (p *publisher) publish(ctx context.Context, ends []record.Tally) error {
	if len(ends) == 0 {
		return nil
	}
	now := time.Now().UTC()
	events := make([]purge.Event, len(ends))
	for i := range ends {
		events[i] = purge.NewEvent(p.instance, ends[i].Outcome(now), now)
	}
	open := events
	return p.retry.untilDone(ctx, "publish events", func() error {
		errs := p.store.Publish(ctx, open)
		var left []purge.Event
		for i, err := range errs {
			if err == nil {
				p.published(open[i])
			} else if event, ok := p.encodable(open[i]); ok {
				left = append(left, event)
			}
		}
		if open = left; len(open) == 0 {
			return nil
		}
		return firstOf(errs)
	})
}

// ended returns which of the requests have their event. It retries until the context ends.
func (p *publisher) ended(ctx context.Context, keys []record.Key) (map[record.Key]bool, error) {
	ended := make(map[record.Key]bool)
	if len(keys) == 0 {
		return ended, nil
	}
	err := p.retry.untilDone(ctx, "look up events", func() error {
		found, err := p.store.Find(ctx, keys)
		for k := range found {
			ended[k] = true
		}
		return err
	})
	return ended, err
}

// encodable returns the event as it is, or what can be said of it when it can't be encoded, which
// no further try would mend; false when nothing can.
func (p *publisher) encodable(event purge.Event) (purge.Event, bool) {
	_, err := event.Encode()
	if err == nil {
		return event, true
	}
	o := &event.Data
	o.FailuresOmitted += len(o.Failures)
	o.Failures, o.Labels = nil, nil
	o.Times = purge.Times{Finished: o.Times.Finished}
	_, lost := event.Encode()
	p.log.Error("event can't be encoded; it is published without failures, labels and times",
		zap.String("request", event.Subject), zap.Error(err), zap.Bool("given_up", lost != nil))
	return event, lost == nil
}

func firstOf(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
