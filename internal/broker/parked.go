package broker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// Park stores requests at the end of a queue, in order, and returns one error for each: nil means that
// the request waits in this queue or another, by this call or before.
func (b *Broker) Park(ctx context.Context, q record.Queue, requests []record.Parked) []error {
	msgs := make([]*nats.Msg, len(requests))
	errs := make([]error, len(requests))
	for i := range requests {
		data, err := requests[i].Encode()
		if err == nil && len(data) > b.PartLimit() {
			err = fmt.Errorf("%w: it has %d bytes", record.ErrUnfit, len(data))
		}
		if err != nil {
			errs[i] = fmt.Errorf("park request %s: %w", requests[i].Request.Key(), err)
			continue
		}
		k := requests[i].Request.Key()
		msgs[i] = nats.NewMsg(b.queueSubject(q) + "." + token(k.Source) + "." + k.ID + "." + b.salt)
		msgs[i].Header.Set(versionHeader, strconv.Itoa(record.Version))
		msgs[i].Data = data
	}
	b.publish(ctx, msgs, errs, func(i int) []jetstream.PublishOpt {
		return []jetstream.PublishOpt{jetstream.WithExpectLastSequenceForSubject(0, b.parkedOf(requests[i].Request.Key()))}
	})
	for i, err := range errs {
		switch {
		case isThere(err):
			errs[i] = b.provePark(ctx, requests[i].Request.Key())
		case err != nil && msgs[i] != nil:
			errs[i] = fmt.Errorf("park request %s: %w", requests[i].Request.Key(), err)
		}
	}
	return errs
}

// provePark is nil when what is under a request's subjects is the request. What is not is removed.
func (b *Broker) provePark(ctx context.Context, k record.Key) error {
	s, err := b.stream(ctx, "PARKED")
	if err != nil {
		return fmt.Errorf("look for parked request %s: %w", k, err)
	}
	m, err := s.GetLastMsgForSubject(ctx, b.parkedOf(k))
	if err == nil && isRecord(m.Header) {
		return nil
	}
	if err == nil {
		err = s.DeleteMsg(ctx, m.Sequence)
	}
	return fmt.Errorf("park request %s, in the place of what is no record: %w", k, errors.Join(err, errFull))
}

// ParkedOf returns those of the requests that are parked. On a replicated stream it may miss the newest:
// enough to save a purge, never proof that there is none.
func (b *Broker) ParkedOf(ctx context.Context, keys []record.Key) (map[record.Key]record.Request, error) {
	found := make(map[record.Key]record.Request)
	for len(keys) > 0 {
		n := min(lookupLot, len(keys))
		if err := b.parkedRequests(ctx, keys[:n], found); err != nil {
			return nil, fmt.Errorf("look up parked requests: %w", err)
		}
		keys = keys[n:]
	}
	return found, nil
}

func (b *Broker) parkedRequests(ctx context.Context, keys []record.Key, found map[record.Key]record.Request) error {
	filters := make([]string, len(keys))
	for i, k := range keys {
		filters[i] = b.parkedOf(k)
	}
	err := b.lastOf(ctx, b.name("PARKED"), filters, func(m *nats.Msg) error {
		if p, err := record.DecodeParked(m.Data); err == nil && isRecord(m.Header) {
			found[p.Request.Key()] = p.Request
		}
		return nil
	})
	if errors.Is(err, errIncomplete) && len(keys) > 1 {
		mid := len(keys) / 2
		return errors.Join(b.parkedRequests(ctx, keys[:mid], found), b.parkedRequests(ctx, keys[mid:], found))
	}
	return err
}

// Queues tells the queues that there are, whether or not something waits in them, and those whose consumer
// somebody deleted while requests waited in them.
func (b *Broker) Queues(ctx context.Context) ([]record.Queue, error) {
	s, err := b.stream(ctx, "PARKED")
	if err != nil {
		return nil, fmt.Errorf("list queues: %w", err)
	}
	var queues []record.Queue
	list := s.ListConsumers(ctx)
	waiting := uint64(0)
	for info := range list.Info() {
		waiting += info.NumPending + uint64(info.NumAckPending)
		m := info.Config.Metadata
		if lane := m["lane"]; lane != "" {
			queues = append(queues, record.Queue{Account: m["account"], Zone: m["zone"], Type: m["type"], Lane: purge.Lane(lane)})
		}
	}
	if err := list.Err(); err != nil {
		return nil, fmt.Errorf("list queues: %w", err)
	}
	all, err := s.Info(ctx)
	if err != nil {
		return nil, fmt.Errorf("list queues: %w", err)
	}
	if all.State.Msgs <= waiting { // each message has its consumer
		return queues, nil
	}
	lost, err := b.orphans(ctx, s, queues)
	if err != nil {
		return nil, fmt.Errorf("list queues: %w", err)
	}
	return append(queues, lost...), nil
}

// OpenQueue makes a queue if there is none, and gives what pulls from it.
func (b *Broker) OpenQueue(ctx context.Context, q record.Queue) (*Lane, error) {
	name := queueName(q)
	cons, err := b.js.CreateOrUpdateConsumer(ctx, b.name("PARKED"), jetstream.ConsumerConfig{
		Durable:       name,
		FilterSubject: b.queueSubject(q) + ".*.*.*",
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       ackWait(purge.Bulk),
		MaxDeliver:    -1,
		MaxAckPending: b.unacked(purge.Bulk),
		Metadata:      map[string]string{"account": q.Account, "zone": q.Zone, "type": q.Type, "lane": string(q.Lane)},
	})
	if err != nil {
		return nil, fmt.Errorf("open queue of zone %s: %w", q.Zone, err)
	}
	l := b.newLane("PARKED", name, ackWait(purge.Bulk), cons)
	l.gather = gatherFor
	return l, nil
}

// CloseQueue removes a queue that is empty; it reports false when it is not.
func (b *Broker) CloseQueue(ctx context.Context, q record.Queue) (bool, error) {
	s, err := b.stream(ctx, "PARKED")
	if err != nil {
		return false, fmt.Errorf("close queue of zone %s: %w", q.Zone, err)
	}
	cons, err := s.Consumer(ctx, queueName(q))
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("close queue of zone %s: %w", q.Zone, err)
	}
	if i := cons.CachedInfo(); i.NumPending > 0 || i.NumAckPending > 0 {
		return false, nil
	}
	if err := s.DeleteConsumer(ctx, queueName(q)); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return false, fmt.Errorf("close queue of zone %s: %w", q.Zone, err)
	}
	return true, nil
}

func (b *Broker) queueSubject(q record.Queue) string {
	return b.subject("parked." + token(q.Account) + "." + token(q.Zone) + "." + token(q.Type) + "." + token(string(q.Lane)))
}

// parkedOf is the filter of a request's message in whatever queue.
func (b *Broker) parkedOf(k record.Key) string {
	return b.subject("parked.*.*.*.*." + token(k.Source) + "." + k.ID + ".*")
}

// queueName names a queue's consumer: a name takes fewer characters than a zone may have.
func queueName(q record.Queue) string {
	sum := sha256.Sum256([]byte(q.Account + "\x00" + q.Zone + "\x00" + q.Type + "\x00" + string(q.Lane)))
	return "queue-" + hex.EncodeToString(sum[:12])
}
