package broker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// Events are the stream of terminal events (I1), and the progress that is published beside it. It
// keeps no state and is safe for concurrent use.
type Events struct{ conn *Conn }

// Publish publishes terminal events, each on the condition that the request has none yet, and
// returns one error for each: nil means that its event is stored, by this call or before.
//
// This is the one place that writes events, with the one filter string that makes the condition
// hold against every other writer (I1). Only 10071 proves that something is there, and it counts
// once that is seen to be an event; 10164, 10077, time-outs and lost connections are errors, and
// the caller tries again.
func (ev *Events) Publish(ctx context.Context, events []purge.Event) []error {
	msgs := make([]*nats.Msg, len(events))
	errs := make([]error, len(events))
	for i := range events {
		data, err := events[i].Encode()
		if err != nil {
			errs[i] = err
			continue
		}
		msgs[i] = nats.NewMsg(ev.subject(&events[i]))
		msgs[i].Header.Set("Content-Type", purge.EventContentType)
		msgs[i].Data = data
	}
	ev.conn.publish(ctx, msgs, errs, func(i int) []jetstream.PublishOpt {
		return []jetstream.PublishOpt{jetstream.WithExpectLastSequenceForSubject(0, ev.filter(keyOf(&events[i])))}
	})
	ev.prove(ctx, events, msgs, errs)
	return errs
}

func keyOf(e *purge.Event) record.Key { return record.Key{Source: e.Data.Source, ID: e.Data.Request} }

// subject is where an event is stored, whatever its source.
func (ev *Events) subject(e *purge.Event) string {
	return ev.conn.subjects.Event(token(e.Data.Source), e.Data.Status, e.Data.Request)
}

// filter is the one filter string of a request's event.
func (ev *Events) filter(k record.Key) string { return ev.conn.subjects.EventOf(token(k.Source), k.ID) }

// isEvent distinguishes our events from what else may lie under their subjects: a producer can name
// any subject as the one for the server's answer to its publish, and the server checks no
// permission for that. Where a producer may read its own events, it can have them sent there too;
// but an event keeps the condition of its publish, which no copy of it fulfils.
func isEvent(h nats.Header) bool { return h.Get("Content-Type") == purge.EventContentType }

// prove turns those errors into nil that mean that the request has its event.
func (ev *Events) prove(ctx context.Context, events []purge.Event, msgs []*nats.Msg, errs []error) {
	var keys []record.Key
	for i, err := range errs {
		if isThere(err) {
			keys = append(keys, keyOf(&events[i]))
		}
	}
	found, err := ev.Find(ctx, keys)
	for i := range errs {
		if !isThere(errs[i]) {
			continue
		}
		k := keyOf(&events[i])
		if _, ok := found[k]; ok || err != nil {
			errs[i] = err
			continue
		}
		errs[i] = ev.putOver(ctx, msgs[i], ev.filter(k))
	}
}

// Has reports whether a request has its terminal event. It asks the stream's leader, so that both
// answers are proof.
func (ev *Events) Has(ctx context.Context, k record.Key) (bool, error) {
	has, _, err := ev.lookFor(ctx, ev.filter(k))
	return has, err
}

// lookFor looks for an event among what lies under a filter, and returns the last sequence when
// none is.
func (ev *Events) lookFor(ctx context.Context, filter string) (has bool, last uint64, err error) {
	for {
		sequence, header, err := ev.conn.leadersNext(ctx, ev.conn.name("EVENTS"), filter, last+1)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return false, last, nil
		}
		if err != nil {
			return false, 0, fmt.Errorf("look for event: %w", err)
		}
		last = sequence
		if isEvent(header) {
			return true, last, nil
		}
	}
}

// putOver stores an event on the condition that what is there are none, and nothing is added to it.
func (ev *Events) putOver(ctx context.Context, event *nats.Msg, filter string) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	has, last, err := ev.lookFor(ctx, filter)
	if err != nil || has {
		return err
	}
	if _, err := ev.conn.js.PublishMsg(ctx, event, jetstream.WithExpectLastSequenceForSubject(last, filter)); err != nil {
		return fmt.Errorf("publish event: %w", err)
	}
	return nil
}

// Find returns which of the requests have their terminal event, with the body digest it keeps. On a
// replicated stream the answer may miss the newest events: enough to save a purge, never proof that
// there is none.
func (ev *Events) Find(ctx context.Context, keys []record.Key) (map[record.Key]purge.Outcome, error) {
	lots := slices.Collect(slices.Chunk(keys, lookupBatch))
	parts := make([]map[record.Key]purge.Outcome, len(lots))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(lookupsAtOnce)
	for i, lot := range lots {
		parts[i] = make(map[record.Key]purge.Outcome)
		g.Go(func() error { return ev.find(gctx, lot, parts[i]) })
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("look up events: %w", err)
	}
	found := make(map[record.Key]purge.Outcome)
	for _, part := range parts {
		maps.Copy(found, part)
	}
	return found, nil
}

func (ev *Events) find(ctx context.Context, keys []record.Key, found map[record.Key]purge.Outcome) error {
	filters := make([]string, len(keys))
	for i, k := range keys {
		filters[i] = ev.filter(k)
	}
	err := ev.conn.lastOf(ctx, ev.conn.name("EVENTS"), filters, func(m *nats.Msg) error {
		// One that this version can't read counts as not found: its request is purged again, and
		// its event stands.
		if e, err := purge.DecodeEvent(m.Data); err == nil && ev.subject(&e) == added(m.Header, "Nats-Subject") {
			found[keyOf(&e)] = e.Data
		}
		return nil
	})
	if errors.Is(err, errIncomplete) && len(keys) > 1 {
		mid := len(keys) / 2
		return errors.Join(ev.find(ctx, keys[:mid], found), ev.find(ctx, keys[mid:], found))
	}
	return err
}

// PublishProgress publishes progress to whoever listens. Nothing is stored, and no answer is waited
// for.
func (ev *Events) PublishProgress(e purge.ProgressEvent) error {
	data, err := e.Encode()
	if err != nil {
		return err
	}
	m := nats.NewMsg(ev.conn.subjects.Progress(e.Data.Source, e.Data.Request))
	m.Header.Set("Content-Type", purge.EventContentType)
	m.Data = data
	if err := ev.conn.nc.PublishMsg(m); err != nil {
		return fmt.Errorf("publish progress: %w", err)
	}
	return nil
}
