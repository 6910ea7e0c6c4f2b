package client

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/edgepurge/edgepurge/purge"
)

const (
	// ear is how many events may wait for their reader. More are dropped by nats.go, and found by a later look.
	ear = 16 << 10
	// heardMost is how many events that were heard are looked up at once.
	heardMost = 1024
)

// listen takes in the events of the source: by reading the stream, which misses none, or, without the right to read it, by
// a subscription.
func (a *awaited) listen(ctx context.Context) error {
	r := reading{c: a.c.shared, from: From{New: true}, ready: a.ready}
	var err error
	for err == nil {
		err = r.run(ctx, func(e Event, _ error) bool { return a.settle(ctx, e.Data, false) })
	}
	if errors.Is(err, ErrDenied) && ctx.Err() == nil {
		return a.hear(ctx)
	}
	return err
}

// hear takes in events as they are published. What is heard is confirmed by a look, where the rights allow one.
func (a *awaited) hear(ctx context.Context) error {
	before := a.c.nc.LastError()
	mail := make(chan *nats.Msg, ear)
	sub, err := a.c.nc.ChanSubscribe(a.c.subjects.EventOf(a.c.cfg.Source, "*"), mail)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }() // the one error is that the connection is closed
	if err := a.subscribed(ctx, before, sub.Subject); err != nil {
		return err
	}
	a.ready()
	for confirm := true; ; {
		heard := a.heard(ctx, mail)
		if confirm {
			confirm, err = a.confirm(ctx, heard)
		}
		if err != nil || ctx.Err() != nil {
			return err
		}
		for _, o := range heard { // those that could not be confirmed
			if !a.settle(ctx, o, false) {
				return nil
			}
		}
	}
}

// subscribed waits until the server has the subscription. It answers after it has refused one.
func (a *awaited) subscribed(ctx context.Context, before error, subject string) error {
	err := a.c.insist(ctx, "EVENTS", subject, func(ctx context.Context) error {
		bounded, cancel := context.WithTimeout(ctx, a.c.cfg.Timeout)
		defer cancel()
		return ofJetStream(a.c.nc.FlushWithContext(bounded))
	})
	if err == nil && a.c.nc.LastError() != before { //nolint:errorlint // another refusal is another value
		return a.c.denied(subject)
	}
	return err
}

// heard waits for events, and returns those of requests that are open, by id.
func (a *awaited) heard(ctx context.Context, mail <-chan *nats.Msg) map[string]purge.Outcome {
	all := make(map[string]purge.Outcome)
	add := func(m *nats.Msg) {
		_, _, id, _ := a.c.subjects.ParseEvent(m.Subject)
		if e, ok := a.c.eventOf(m.Header, m.Data, id); ok && a.isOpen(id) {
			all[id] = e.Data
		}
	}
	select {
	case m := <-mail:
		add(m)
	case <-ctx.Done():
		return nil
	}
	for len(all) < heardMost {
		select {
		case m := <-mail:
			add(m)
		default:
			return all
		}
	}
	return all
}

// confirm settles those of the requests that have a stored event, and takes them out of heard. What is heard is published
// just before it is stored, or refused because the request has its event already. It reports whether looks are allowed.
func (a *awaited) confirm(ctx context.Context, heard map[string]purge.Outcome) (bool, error) {
	for until := time.Now().Add(storedWithin); len(heard) > 0 && ctx.Err() == nil; {
		var failed error
		a.c.ended(ctx, maps.Keys(maps.Clone(heard)), func(id string, got purge.Outcome, err error) bool {
			switch {
			case err == nil:
				delete(heard, id)
				return a.settle(ctx, got, false)
			case !errors.Is(err, ErrNoEvent):
				failed = err
			}
			return failed == nil
		})
		if errors.Is(failed, ErrDenied) {
			return false, nil
		}
		if failed != nil || ctx.Err() != nil {
			return true, failed
		}
		if len(heard) == 0 || time.Now().After(until) {
			break
		}
		_ = pause(ctx, nil, storedAgain) // the loop ends with the context
	}
	return true, nil
}
