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

// Progress is the stream of the records of requests whose targets lie in several jobs. It keeps no
// state and is safe for concurrent use.
type Progress struct{ conn *Conn }

// Get reads the record of a request whose targets lie in several jobs and its place; no data when
// there is none. What lies beside it and is no record is removed.
func (p *Progress) Get(ctx context.Context, k record.Key) ([]byte, record.Place, error) {
	fail := func(err error) ([]byte, record.Place, error) {
		return nil, record.Place{}, fmt.Errorf("read progress of %s: %w", k, err)
	}
	s, err := p.conn.stream(ctx, "PROGRESS")
	if err != nil {
		return fail(err)
	}
	for {
		m, err := s.GetLastMsgForSubject(ctx, p.subject(k, "*"))
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

// Put stores the record in place of that at after, the zero Place for none. It reports false when
// another write came in between. With keep the record goes after the time that events are kept.
func (p *Progress) Put(ctx context.Context, k record.Key, data []byte, after record.Place, keep bool) (bool, error) {
	m := nats.NewMsg(after.Subject)
	m.Data = data
	m.Header.Set(versionHeader, strconv.Itoa(record.Version))
	opts := []jetstream.PublishOpt{jetstream.WithExpectLastSequencePerSubject(after.Sequence)}
	if after.Sequence == 0 {
		m.Subject = p.subject(k, p.conn.nonce)
		opts[0] = jetstream.WithExpectLastSequenceForSubject(0, p.subject(k, "*"))
	}
	if keep {
		opts = append(opts, jetstream.WithMsgTTL(p.conn.set.EventsKeep))
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	_, err := p.conn.js.PublishMsg(ctx, m, opts...)
	if isThere(err) || isConflict(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("store progress of %s: %w", k, p.conn.alarmed(err))
	}
	return true, nil
}

func (p *Progress) subject(k record.Key, salt string) string {
	return p.conn.subject("marks." + token(k.Source) + "." + k.ID + "." + salt)
}
