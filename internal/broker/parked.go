package broker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/record"
)

// Parked is the stream of the requests that wait for their zone or its next day, in queues of their
// own. It is safe for concurrent use.
type Parked struct {
	conn *Conn
	junk atomic.Int64 // messages of queues that were no records, and removed, since the last sweep
}

// Put stores requests at the end of a queue, in order, and returns one error for each: nil means
// that the request waits in this queue or another, by this call or before.
func (p *Parked) Put(ctx context.Context, q record.Queue, requests []record.Parked) []error {
	msgs := make([]*nats.Msg, len(requests))
	errs := make([]error, len(requests))
	for i := range requests {
		data, err := requests[i].Encode()
		if err == nil && len(data) > p.conn.partLimit() {
			err = fmt.Errorf("%w: it has %d bytes", record.ErrUnfit, len(data))
		}
		if err != nil {
			errs[i] = fmt.Errorf("park request %s: %w", requests[i].Request.Key(), err)
			continue
		}
		k := requests[i].Request.Key()
		msgs[i] = nats.NewMsg(p.queueSubject(q) + "." + token(k.Source) + "." + k.ID + "." + p.conn.nonce)
		msgs[i].Header.Set(versionHeader, strconv.Itoa(record.Version))
		msgs[i].Data = data
	}
	p.conn.publish(ctx, msgs, errs, func(i int) []jetstream.PublishOpt {
		return []jetstream.PublishOpt{jetstream.WithExpectLastSequenceForSubject(0, p.filter(requests[i].Request.Key()))}
	})
	for i, err := range errs {
		switch {
		case isThere(err):
			errs[i] = p.prove(ctx, requests[i].Request.Key())
		case err != nil && msgs[i] != nil:
			errs[i] = fmt.Errorf("park request %s: %w", requests[i].Request.Key(), err)
		}
	}
	return errs
}

// prove is nil when what is under a request's subjects is the request. What is not is removed.
func (p *Parked) prove(ctx context.Context, k record.Key) error {
	s, err := p.conn.stream(ctx, "PARKED")
	if err != nil {
		return fmt.Errorf("look for parked request %s: %w", k, err)
	}
	m, err := s.GetLastMsgForSubject(ctx, p.filter(k))
	if err == nil && isRecord(m.Header) {
		return nil
	}
	if err == nil {
		err = s.DeleteMsg(ctx, m.Sequence)
	}
	return fmt.Errorf("park request %s, in the place of what is no record: %w", k, errors.Join(err, errFull))
}

// Find returns those of the requests that are parked. On a replicated stream it may miss the
// newest: enough to save a purge, never proof that there is none.
func (p *Parked) Find(ctx context.Context, keys []record.Key) (map[record.Key]record.Request, error) {
	found := make(map[record.Key]record.Request)
	for len(keys) > 0 {
		n := min(lookupBatch, len(keys))
		if err := p.find(ctx, keys[:n], found); err != nil {
			return nil, fmt.Errorf("look up parked requests: %w", err)
		}
		keys = keys[n:]
	}
	return found, nil
}

func (p *Parked) find(ctx context.Context, keys []record.Key, found map[record.Key]record.Request) error {
	filters := make([]string, len(keys))
	for i, k := range keys {
		filters[i] = p.filter(k)
	}
	err := p.conn.lastOf(ctx, p.conn.name("PARKED"), filters, func(m *nats.Msg) error {
		if p, err := record.DecodeParked(m.Data); err == nil && isRecord(m.Header) {
			found[p.Request.Key()] = p.Request
		}
		return nil
	})
	if errors.Is(err, errIncomplete) && len(keys) > 1 {
		mid := len(keys) / 2
		return errors.Join(p.find(ctx, keys[:mid], found), p.find(ctx, keys[mid:], found))
	}
	return err
}

// filter is the filter of a request's message in whatever queue.
func (p *Parked) filter(k record.Key) string {
	return p.conn.subject("parked.*.*.*.*." + token(k.Source) + "." + k.ID + ".*")
}

// Count is the number of parked requests.
func (p *Parked) Count(ctx context.Context) (int, error) {
	s, err := p.conn.js.Stream(ctx, p.conn.name("PARKED"))
	if err != nil {
		return 0, fmt.Errorf("count parked requests: %w", err)
	}
	return int(s.CachedInfo().State.Msgs), nil
}
