package broker

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/record"
)

// PartLimit is how large a part of a job may be.
func (b *Broker) PartLimit() int { return int(b.nc.MaxPayload()) - partHeadroom }

// PutJob stores the parts of a job and returns their sequences. Storing it again replaces it.
func (b *Broker) PutJob(ctx context.Context, head record.Head, parts [][]byte) ([]uint64, error) {
	sequences := make([]uint64, len(parts))
	futures := make([]jetstream.PubAckFuture, len(parts))
	for i, data := range parts {
		m := nats.NewMsg(b.jobSubject(&head, i))
		m.Data = data
		m.Header.Set("Edgepurge-Version", strconv.Itoa(record.Version))
		m.Header.Set("Edgepurge-Rows", strconv.Itoa(head.Rows))
		m.Header.Set("Edgepurge-Submitted", head.Submitted.UTC().Format(time.RFC3339Nano))
		f, err := b.js.PublishMsgAsync(m, jetstream.WithStallWait(publishTimeout))
		if err != nil {
			return nil, fmt.Errorf("store job %s: %w", head.ID, err)
		}
		futures[i] = f
	}
	for i, f := range futures {
		select {
		case ack := <-f.Ok():
			sequences[i] = ack.Sequence
		case err := <-f.Err():
			return nil, fmt.Errorf("store job %s: %w", head.ID, err)
		case <-ctx.Done():
			return nil, fmt.Errorf("store job %s: %w", head.ID, context.Cause(ctx))
		}
	}
	return sequences, nil
}

func (b *Broker) jobSubject(h *record.Head, part int) string {
	return b.subject("jobs." + token(h.Account) + "." + token(h.Zone) + "." + token(h.ID) + "." + strconv.Itoa(part))
}

// maxToken is how long a token may be as it is; a server closes the connection of one whose subject does
// not fit into a control line of 4,096 bytes.
const maxToken = 128

// token makes a string that others choose fit into a subject: what NATS gives a meaning, and what its
// index can't hold, is encoded.
func token(s string) string {
	odd := func(r rune) bool { return r <= ' ' || strings.ContainsRune(".*>%\x7f", r) }
	if s != "" && len(s) <= maxToken && !strings.ContainsFunc(s, odd) {
		return s
	}
	if len(s) > maxToken {
		sum := sha256.Sum256([]byte(s))
		s = string(sum[:])
	}
	return "%" + base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString([]byte(s))
}

// Jobs yields every stored part, oldest first, one body at a time. It asks the stream's leader for each,
// so that it misses none that is stored, and ends though parts go away meanwhile.
func (b *Broker) Jobs(ctx context.Context) iter.Seq2[record.StoredJob, error] {
	return func(yield func(record.StoredJob, error) bool) {
		fail := func(err error) { yield(record.StoredJob{}, fmt.Errorf("read jobs: %w", err)) }
		s, err := b.js.Stream(ctx, b.name("JOBS"))
		if err != nil {
			fail(err)
			return
		}
		next := jetstream.WithGetMsgSubject(b.subject("jobs.>"))
		for sequence := uint64(1); ; sequence++ {
			m, err := s.GetMsg(ctx, sequence, next)
			if errors.Is(err, jetstream.ErrMsgNotFound) {
				return
			}
			if err != nil {
				fail(err)
				return
			}
			if !yield(record.StoredJob{Sequence: m.Sequence, Data: m.Data}, nil) {
				return
			}
			sequence = m.Sequence
		}
	}
}

// Job reads one part. A part that is not there any more is (nil, nil).
func (b *Broker) Job(ctx context.Context, sequence uint64) ([]byte, error) {
	s, err := b.js.Stream(ctx, b.name("JOBS"))
	if err != nil {
		return nil, fmt.Errorf("read job %d: %w", sequence, err)
	}
	m, err := s.GetMsg(ctx, sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read job %d: %w", sequence, err)
	}
	return m.Data, nil
}

// DropJob removes a part whose requests have all been told; one that is gone already is no error.
func (b *Broker) DropJob(ctx context.Context, sequence uint64) error {
	s, err := b.js.Stream(ctx, b.name("JOBS"))
	if err != nil {
		return fmt.Errorf("remove job %d: %w", sequence, err)
	}
	if err := s.DeleteMsg(ctx, sequence); err != nil {
		// The words for one that is gone already, as after a lost answer, are not the same everywhere.
		if data, read := b.Job(ctx, sequence); read == nil && data == nil {
			return nil
		}
		return fmt.Errorf("remove job %d: %w", sequence, err)
	}
	return nil
}

// Progress reads the record of a request that spans jobs and its sequence; 0 when there is none.
func (b *Broker) Progress(ctx context.Context, k record.Key) ([]byte, uint64, error) {
	s, err := b.js.Stream(ctx, b.name("PROGRESS"))
	if err != nil {
		return nil, 0, fmt.Errorf("read progress of %s: %w", k, err)
	}
	m, err := s.GetLastMsgForSubject(ctx, b.markSubject(k))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read progress of %s: %w", k, err)
	}
	return m.Data, m.Sequence, nil
}

// PutProgress replaces the record whose sequence is after, 0 for none. It reports false when another
// write came in between. With keep the record goes after the time that events are kept.
func (b *Broker) PutProgress(ctx context.Context, k record.Key, data []byte, after uint64, keep bool) (bool, error) {
	opts := []jetstream.PublishOpt{jetstream.WithExpectLastSequencePerSubject(after)}
	if keep {
		opts = append(opts, jetstream.WithMsgTTL(b.set.EventsKeep))
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	_, err := b.js.Publish(ctx, b.markSubject(k), data, opts...)
	if isThere(err) || isConflict(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("store progress of %s: %w", k, err)
	}
	return true, nil
}

func (b *Broker) markSubject(k record.Key) string {
	return b.subject("marks." + token(k.Source) + "." + k.ID)
}
