package broker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// Queues returns the queues that there are, whether or not something waits in them, and those whose
// consumer somebody deleted while requests waited in them.
func (p *Parked) Queues(ctx context.Context) ([]record.Queue, error) {
	s, err := p.conn.stream(ctx, "PARKED")
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
			queues = append(queues, record.Queue{
				Account: m["account"], Zone: m["zone"], Type: record.TypeNamed(m["type"]), Lane: purge.Lane(lane),
			})
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
	lost, err := p.orphans(ctx, s, queues)
	if err != nil {
		return nil, fmt.Errorf("list queues: %w", err)
	}
	return append(queues, lost...), nil
}

// Open makes a queue if there is none, and returns what pulls from it.
func (p *Parked) Open(ctx context.Context, q record.Queue) (*Lane, error) {
	name := queueName(q)
	cons, err := p.conn.js.CreateOrUpdateConsumer(ctx, p.conn.name("PARKED"), jetstream.ConsumerConfig{
		Durable:       name,
		FilterSubject: p.queueSubject(q) + ".*.*.*",
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       ackWait(purge.Bulk),
		MaxDeliver:    -1,
		MaxAckPending: p.conn.definitions().unacked(purge.Bulk),
		Metadata: map[string]string{
			"account": q.Account, "zone": q.Zone, "type": record.TypeName(q.Type), "lane": string(q.Lane),
		},
	})
	if err != nil {
		return nil, fmt.Errorf("open queue of zone %s: %w", q.Zone, err)
	}
	l := p.conn.newLane("PARKED", name, ackWait(purge.Bulk), cons)
	l.gather, l.junk = gatherFor, func() { p.junk.Add(1) }
	return l, nil
}

// Close removes a queue that is empty; it reports false when it is not.
func (p *Parked) Close(ctx context.Context, q record.Queue) (bool, error) {
	s, err := p.conn.stream(ctx, "PARKED")
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

func (p *Parked) queueSubject(q record.Queue) string {
	of := []string{"parked", token(q.Account), token(q.Zone), token(record.TypeName(q.Type)), token(string(q.Lane))}
	return p.conn.subject(strings.Join(of, "."))
}

// queueName names a queue's consumer: a name takes fewer characters than a zone may have.
func queueName(q record.Queue) string {
	typ := record.TypeName(q.Type)
	sum := sha256.Sum256([]byte(q.Account + "\x00" + q.Zone + "\x00" + typ + "\x00" + string(q.Lane)))
	return "queue-" + hex.EncodeToString(sum[:12])
}

// orphans returns the queues that hold requests and have no consumer any more, because somebody
// deleted it.
func (p *Parked) orphans(ctx context.Context, s jetstream.Stream, have []record.Queue) ([]record.Queue, error) {
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(p.conn.subject("parked.>")))
	if err != nil {
		return nil, err
	}
	known := make(map[string]bool)
	for _, q := range have {
		known[p.queueSubject(q)] = true
	}
	var lost []record.Queue
	for subject := range info.State.Subjects {
		tokens := strings.Split(subject, ".") // prefix, parked, account, zone, type, lane, source, id, salt
		if len(tokens) != 9 {
			continue
		}
		of := strings.Join(tokens[:6], ".")
		if known[of] {
			continue
		}
		known[of] = true
		q := record.Queue{
			Account: untoken(tokens[2]), Zone: untoken(tokens[3]), Type: record.TypeNamed(untoken(tokens[4])),
			Lane: purge.Lane(untoken(tokens[5])),
		}
		ours, err := p.holdsRecord(ctx, s, of+".*.*.*")
		if err != nil {
			return nil, err
		}
		if ours && p.queueSubject(q) == of { // a name that was too long cannot be read back
			lost = append(lost, q)
		}
	}
	return lost, nil
}

// holdsRecord reports whether one of the first messages under a filter is a record.
func (p *Parked) holdsRecord(ctx context.Context, s jetstream.Stream, filter string) (bool, error) {
	const looks = 20
	for sequence, n := uint64(1), 0; n < looks; n++ {
		m, err := s.GetMsg(ctx, sequence, jetstream.WithGetMsgSubject(filter))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("look for parked requests: %w", err)
		}
		if isRecord(m.Header) {
			return true, nil
		}
		sequence = m.Sequence + 1
	}
	return false, nil
}
