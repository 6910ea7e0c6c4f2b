package broker

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// orphans returns the queues that hold requests and have no consumer any more, because somebody deleted it.
func (b *Broker) orphans(ctx context.Context, s jetstream.Stream, have []record.Queue) ([]record.Queue, error) {
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(b.subject("parked.>")))
	if err != nil {
		return nil, err
	}
	known := make(map[string]bool)
	for _, q := range have {
		known[b.queueSubject(q)] = true
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
		q := record.Queue{Account: untoken(tokens[2]), Zone: untoken(tokens[3]), Type: untoken(tokens[4]), Lane: purge.Lane(untoken(tokens[5]))}
		ours, err := b.holdsRecord(ctx, s, of+".*.*.*")
		if err != nil {
			return nil, err
		}
		if ours && b.queueSubject(q) == of { // a name that was too long cannot be read back
			lost = append(lost, q)
		}
	}
	return lost, nil
}

// holdsRecord reports whether one of the first messages under a filter is a record.
func (b *Broker) holdsRecord(ctx context.Context, s jetstream.Stream, filter string) (bool, error) {
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

// untoken reads what token wrote, except a name that was too long.
func untoken(s string) string {
	encoded, ok := strings.CutPrefix(s, "%")
	if !ok {
		return s
	}
	name, err := base32.HexEncoding.WithPadding(base32.NoPadding).DecodeString(encoded)
	if err != nil {
		return s
	}
	return string(name)
}
