package broker

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/record"
)

// PartLimit is how large a part of a job may be.
func (b *Broker) PartLimit() int { return int(b.nc.MaxPayload()) - partHeadroom }

// PutJob stores the parts of a job and returns their sequences. Storing the same again by the same Broker
// replaces it; another record of a job with the same id stands beside it.
func (b *Broker) PutJob(ctx context.Context, head record.Head, parts [][]byte) ([]uint64, error) {
	sequences := make([]uint64, len(parts))
	futures := make([]jetstream.PubAckFuture, len(parts))
	for i, data := range parts {
		m := jobMessage(b.jobSubject(&head, i, data), &head, data)
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
			return nil, fmt.Errorf("store job %s: %w", head.ID, b.alarmed(err))
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

// jobSubject is where a part of a job is stored. An API may answer two calls with one job id: the sum of the
// content keeps the record of one call from taking the place of the other's.
func (b *Broker) jobSubject(h *record.Head, part int, data []byte) string {
	sum := sha256.Sum256(data)
	salt := b.salt + "-" + hex.EncodeToString(sum[:8])
	return b.subject("jobs." + token(h.Account) + "." + token(h.Zone) + "." + token(h.ID) + "." + salt + "." + strconv.Itoa(part))
}

// versionHeader tells what edgepurge stored from what else may lie under its internal subjects. A
// producer can name any subject as the one for the server's answer to its publish; the answer has no
// headers, and can't meet a subject that holds a salt, so that it replaces nothing.
const versionHeader = "Edgepurge-Version"

func isRecord(h nats.Header) bool { return h.Get(versionHeader) != "" }

// maxToken is how long a token may be as it is; a server closes the connection of one whose subject does
// not fit into a control line of 4,096 bytes.
const maxToken = 128

// token makes a string that others choose fit into a subject: what NATS gives a meaning, what its index
// can't hold, and what JSON would change on its way into a question about the subject, is encoded.
func token(s string) string {
	odd := func(r rune) bool { return r <= ' ' || strings.ContainsRune(".*>%\x7f", r) }
	if s != "" && len(s) <= maxToken && utf8.ValidString(s) && !strings.ContainsFunc(s, odd) {
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
		s, err := b.stream(ctx, "JOBS")
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
			sequence = m.Sequence
			if !isRecord(m.Header) {
				if err := b.DropJob(ctx, sequence); err != nil {
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

// Job reads one part. A part that is not there any more is (nil, nil).
func (b *Broker) Job(ctx context.Context, sequence uint64) ([]byte, error) {
	s, err := b.stream(ctx, "JOBS")
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

// JobCount is the number of stored parts, and of whatever else lies there.
func (b *Broker) JobCount(ctx context.Context) (int, error) {
	s, err := b.js.Stream(ctx, b.name("JOBS"))
	if err != nil {
		return 0, fmt.Errorf("count jobs: %w", err)
	}
	return int(s.CachedInfo().State.Msgs), nil
}

// JobPlace tells where a part is; the zero Place when it is not there any more.
func (b *Broker) JobPlace(ctx context.Context, sequence uint64) (record.Place, error) {
	s, err := b.stream(ctx, "JOBS")
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

// PutLeft stores what is left of a part beside it, and gives its sequence. Doing it again, as after a
// lost answer, gives the same one. A message in the part's own place would be less: the server forgets
// after a crash that it was replaced.
func (b *Broker) PutLeft(ctx context.Context, of record.Place, head record.Head, data []byte) (uint64, error) {
	fail := func(err error) (uint64, error) {
		return 0, fmt.Errorf("store what is left of job %s: %w", head.ID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	subject := of.Subject + "-left"
	ack, err := b.js.PublishMsg(ctx, jobMessage(subject, &head, data), jetstream.WithExpectLastSequencePerSubject(0))
	if err == nil {
		return ack.Sequence, nil
	}
	if !isThere(err) {
		return fail(err)
	}
	s, err := b.stream(ctx, "JOBS")
	if err != nil {
		return fail(err)
	}
	m, err := s.GetLastMsgForSubject(ctx, subject)
	if err != nil {
		return fail(err)
	}
	return m.Sequence, nil
}

// PutJobAgain stores a part anew that had a sequence in a stream that has it no more, and gives its new one.
// Doing it again by the same Broker, as after a lost answer, replaces it.
func (b *Broker) PutJobAgain(ctx context.Context, head record.Head, was uint64, data []byte) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	subject := b.jobSubject(&head, head.Part, data) + "-again-" + strconv.FormatUint(was, 36)
	ack, err := b.js.PublishMsg(ctx, jobMessage(subject, &head, data))
	if err != nil {
		return 0, fmt.Errorf("store job %s again: %w", head.ID, b.alarmed(err))
	}
	return ack.Sequence, nil
}

// DropJob removes a part whose requests have all been told; one that is gone already is no error.
func (b *Broker) DropJob(ctx context.Context, sequence uint64) error {
	s, err := b.stream(ctx, "JOBS")
	if err != nil {
		return fmt.Errorf("remove job %d: %w", sequence, err)
	}
	if err := s.DeleteMsg(ctx, sequence); err != nil {
		// The words for one that is gone already, as after a lost answer, are not the same everywhere.
		data, read := b.Job(ctx, sequence)
		if read == nil && data == nil {
			return nil
		}
		return fmt.Errorf("remove job %d: %w", sequence, errors.Join(err, read))
	}
	return nil
}
