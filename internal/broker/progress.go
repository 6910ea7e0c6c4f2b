package broker

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/record"
)

// Progress reads the record of a request that spans jobs and its place; no data when there is none.
// What lies beside it and is no record is removed.
func (b *Broker) Progress(ctx context.Context, k record.Key) ([]byte, record.Place, error) {
	fail := func(err error) ([]byte, record.Place, error) {
		return nil, record.Place{}, fmt.Errorf("read progress of %s: %w", k, err)
	}
	s, err := b.stream(ctx, "PROGRESS")
	if err != nil {
		return fail(err)
	}
	for {
		m, err := s.GetLastMsgForSubject(ctx, b.markSubject(k, "*"))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil, record.Place{}, nil
		}
		if err != nil {
			return fail(err)
		}
		if isRecord(m.Header) {
			return m.Data, record.Place{Subject: m.Subject, Sequence: m.Sequence}, nil
		}
		if err := s.DeleteMsg(ctx, m.Sequence); err != nil {
			return fail(err)
		}
	}
}

// PutProgress stores the record in place of that at after, the zero Place for none. It reports false
// when another write came in between. With keep the record goes after the time that events are kept.
func (b *Broker) PutProgress(ctx context.Context, k record.Key, data []byte, after record.Place, keep bool) (bool, error) {
	m := nats.NewMsg(after.Subject)
	m.Data = data
	m.Header.Set(versionHeader, strconv.Itoa(record.Version))
	opts := []jetstream.PublishOpt{jetstream.WithExpectLastSequencePerSubject(after.Sequence)}
	if after.Sequence == 0 {
		m.Subject = b.markSubject(k, b.salt)
		opts[0] = jetstream.WithExpectLastSequenceForSubject(0, b.markSubject(k, "*"))
	}
	if keep {
		opts = append(opts, jetstream.WithMsgTTL(b.set.EventsKeep))
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	_, err := b.js.PublishMsg(ctx, m, opts...)
	if isThere(err) || isConflict(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("store progress of %s: %w", k, b.alarmed(err))
	}
	return true, nil
}

func (b *Broker) markSubject(k record.Key, salt string) string {
	return b.subject("marks." + token(k.Source) + "." + k.ID + "." + salt)
}
