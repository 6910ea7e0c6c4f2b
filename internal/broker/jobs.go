package broker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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

// Jobs are the stream of the jobs that EdgeOne works on, in parts (I2). It keeps no state and is
// safe for concurrent use.
type Jobs struct{ conn *Conn }

// PartLimit is how large a part of a job may be.
func (j *Jobs) PartLimit() int { return j.conn.partLimit() }

// Put stores the parts of a job and returns their sequences. Storing the same again by the same
// Broker replaces it; another record of a job with the same id stands beside it.
func (j *Jobs) Put(ctx context.Context, head record.Head, parts [][]byte) ([]uint64, error) {
	sequences := make([]uint64, len(parts))
	futures := make([]jetstream.PubAckFuture, len(parts))
	for i, data := range parts {
		m := jobMessage(j.subject(&head, i, data), &head, data)
		f, err := j.conn.js.PublishMsgAsync(m, jetstream.WithStallWait(publishTimeout))
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
			return nil, fmt.Errorf("store job %s: %w", head.ID, j.conn.alarmed(err))
		case <-ctx.Done():
			return nil, fmt.Errorf("store job %s: %w", head.ID, context.Cause(ctx))
		}
	}
	return sequences, nil
}

func jobMessage(subject string, head *record.Head, data []byte) *nats.Msg {
	m := nats.NewMsg(subject)
	m.Data = data
	m.Header.Set(versionHeader, strconv.Itoa(record.Version))
	m.Header.Set("Edgepurge-Rows", strconv.Itoa(head.Rows))
	m.Header.Set("Edgepurge-Submitted", head.Submitted.UTC().Format(time.RFC3339Nano))
	return m
}

// subject is where a part of a job is stored. An API may answer two calls with one job id: the sum
// of the content keeps the record of one call from taking the place of the other's.
func (j *Jobs) subject(h *record.Head, part int, data []byte) string {
	sum := sha256.Sum256(data)
	nonce := j.conn.nonce + "-" + hex.EncodeToString(sum[:8])
	at := []string{"jobs", token(h.Account), token(h.Zone), token(h.ID), nonce, strconv.Itoa(part)}
	return j.conn.subject(strings.Join(at, "."))
}

// All yields every stored part, oldest first, one body at a time. It asks the stream's leader for
// each, so that it misses none that is stored, and ends though parts go away meanwhile.
func (j *Jobs) All(ctx context.Context) iter.Seq2[record.StoredJob, error] {
	return func(yield func(record.StoredJob, error) bool) {
		fail := func(err error) { yield(record.StoredJob{}, fmt.Errorf("read jobs: %w", err)) }
		s, err := j.conn.stream(ctx, "JOBS")
		if err != nil {
			fail(err)
			return
		}
		next := jetstream.WithGetMsgSubject(j.conn.subject("jobs.>"))
		for sequence := uint64(1); ; sequence++ {
			m, err := s.GetMsg(ctx, sequence, next)
			if errors.Is(err, jetstream.ErrMsgNotFound) {
				return
			}
			if err != nil {
				fail(err)
				return
			}
			sequence = m.Sequence
			if !isRecord(m.Header) {
				if err := j.Delete(ctx, sequence); err != nil {
					fail(err)
					return
				}
				continue
			}
			if !yield(record.StoredJob{Sequence: sequence, Data: m.Data}, nil) {
				return
			}
		}
	}
}

// Get reads one part. A part that is not there any more is (nil, nil).
func (j *Jobs) Get(ctx context.Context, sequence uint64) ([]byte, error) {
	s, err := j.conn.stream(ctx, "JOBS")
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

// Count is the number of stored parts, and of whatever else lies there.
func (j *Jobs) Count(ctx context.Context) (int, error) {
	s, err := j.conn.js.Stream(ctx, j.conn.name("JOBS"))
	if err != nil {
		return 0, fmt.Errorf("count jobs: %w", err)
	}
	return int(s.CachedInfo().State.Msgs), nil
}

// Place returns where a part is; the zero Place when it is not there any more.
func (j *Jobs) Place(ctx context.Context, sequence uint64) (record.Place, error) {
	s, err := j.conn.stream(ctx, "JOBS")
	if err != nil {
		return record.Place{}, fmt.Errorf("find job %d: %w", sequence, err)
	}
	m, err := s.GetMsg(ctx, sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return record.Place{}, nil
	}
	if err != nil {
		return record.Place{}, fmt.Errorf("find job %d: %w", sequence, err)
	}
	return record.Place{Subject: m.Subject, Sequence: m.Sequence}, nil
}

// PutRetryPart stores what is left of a part beside it, and returns its sequence. Doing it again,
// as after a lost answer, gives the same one. A message in the part's own place would be less: the
// server forgets after a crash that it was replaced.
func (j *Jobs) PutRetryPart(ctx context.Context, of record.Place, head record.Head, data []byte) (uint64, error) {
	fail := func(err error) (uint64, error) {
		return 0, fmt.Errorf("store what is left of job %s: %w", head.ID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	subject := of.Subject + "-left"
	ack, err := j.conn.js.PublishMsg(ctx, jobMessage(subject, &head, data), jetstream.WithExpectLastSequencePerSubject(0))
	if err == nil {
		return ack.Sequence, nil
	}
	if !isThere(err) {
		return fail(err)
	}
	s, err := j.conn.stream(ctx, "JOBS")
	if err != nil {
		return fail(err)
	}
	m, err := s.GetLastMsgForSubject(ctx, subject)
	if err != nil {
		return fail(err)
	}
	return m.Sequence, nil
}

// PutAgain stores a part anew that had a sequence in a stream that has it no more, and returns its
// new one. Doing it again by the same Broker, as after a lost answer, replaces it.
func (j *Jobs) PutAgain(ctx context.Context, head record.Head, was uint64, data []byte) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	subject := j.subject(&head, head.Part, data) + "-again-" + strconv.FormatUint(was, 36)
	ack, err := j.conn.js.PublishMsg(ctx, jobMessage(subject, &head, data))
	if err != nil {
		return 0, fmt.Errorf("store job %s again: %w", head.ID, j.conn.alarmed(err))
	}
	return ack.Sequence, nil
}

// Delete removes a part whose requests have all their events; one that is gone already is no error.
func (j *Jobs) Delete(ctx context.Context, sequence uint64) error {
	s, err := j.conn.stream(ctx, "JOBS")
	if err != nil {
		return fmt.Errorf("remove job %d: %w", sequence, err)
	}
	if err := s.DeleteMsg(ctx, sequence); err != nil {
		// The words for one that is gone already, as after a lost answer, are not the same
		// everywhere.
		data, read := j.Get(ctx, sequence)
		if read == nil && data == nil {
			return nil
		}
		return fmt.Errorf("remove job %d: %w", sequence, errors.Join(err, read))
	}
	return nil
}
