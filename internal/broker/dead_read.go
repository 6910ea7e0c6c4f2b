package broker

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrNoDeadLetter says that the stream has no dead letter under a sequence.
var ErrNoDeadLetter = errors.New("no such dead letter")

// DeadLetter is a stored dead letter. Its name is its sequence in the stream.
type DeadLetter struct {
	Sequence    uint64
	Stored      time.Time
	Reason      string // the word in its subject: the code in kebab case
	Code        string
	Message     string
	Request     string // source/id
	Subject     string // that the request came on
	ContentType string
	Size        int    // of the body, in bytes
	Data        []byte // the request's original bytes; nil in a list
}

// List yields the dead letters that are stored now, oldest first, without their bodies. Source and
// code, when not empty, choose among them; the code may be in kebab case too.
func (d *Dead) List(ctx context.Context, source, code string) iter.Seq2[DeadLetter, error] {
	return func(yield func(DeadLetter, error) bool) {
		if err := d.list(ctx, d.filter(source, code), func(l DeadLetter) bool { return yield(l, nil) }); err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			yield(DeadLetter{}, fmt.Errorf("read dead letters: %w", err))
		}
	}
}

// filter is the filter for a source and a code, each of which may be empty for all.
func (d *Dead) filter(source, code string) string {
	tokens := strings.Split(d.conn.subjects.DeadLetters(), ".")
	if code != "" {
		tokens[2] = strings.Split(d.conn.subjects.Dead(code, "*"), ".")[2]
	}
	if source != "" {
		tokens[3] = token(source)
	}
	return strings.Join(tokens, ".")
}

func (d *Dead) list(ctx context.Context, filter string, each func(DeadLetter) bool) error {
	cons, err := d.conn.js.OrderedConsumer(ctx, d.conn.name("DEAD"), jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{filter}, HeadersOnly: true,
	})
	if err != nil {
		return err
	}
	info, err := cons.Info(ctx)
	if err != nil || info.NumPending == 0 {
		return err
	}
	it, err := cons.Messages(jetstream.PullHeartbeat(storedHeartbeat))
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, it.Stop)()
	defer it.Stop()
	for {
		m, err := nextStored(ctx, cons, it)
		if err != nil || m == nil {
			return err
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		l, ok := letterOf(m.Subject(), m.Headers(), meta.Sequence.Stream, meta.Timestamp)
		if size, err := strconv.Atoi(m.Headers().Get(nats.MsgSize)); err == nil {
			l.Size = size
		}
		if ok && !each(l) || meta.NumPending == 0 {
			return nil
		}
	}
}

// letterOf reads what a message says beside its body; false when it is none of ours: a producer can
// make the server's answer to its publish land beside the letters, but that has no headers.
func letterOf(subject string, h nats.Header, sequence uint64, stored time.Time) (DeadLetter, bool) {
	tokens := strings.Split(subject, ".")
	if h.Get("Edgepurge-Code") == "" || len(tokens) != 4 {
		return DeadLetter{}, false
	}
	return DeadLetter{
		Sequence: sequence, Stored: stored.UTC(), Reason: tokens[2],
		Code: h.Get("Edgepurge-Code"), Message: h.Get("Edgepurge-Message"),
		Request: h.Get("Edgepurge-Request"), Subject: h.Get("Edgepurge-Subject"), ContentType: h.Get("Content-Type"),
	}, true
}

// Get reads one dead letter with its body. The error is [ErrNoDeadLetter] when there is none.
func (d *Dead) Get(ctx context.Context, sequence uint64) (DeadLetter, error) {
	l, _, err := d.get(ctx, sequence)
	return l, err
}

func (d *Dead) get(ctx context.Context, sequence uint64) (DeadLetter, jetstream.Stream, error) {
	s, err := d.conn.js.Stream(ctx, d.conn.name("DEAD"))
	if err != nil {
		return DeadLetter{}, nil, fmt.Errorf("read dead letter %d: %w", sequence, err)
	}
	m, err := s.GetMsg(ctx, sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return DeadLetter{}, nil, fmt.Errorf("%w: %d", ErrNoDeadLetter, sequence)
	}
	if err != nil {
		return DeadLetter{}, nil, fmt.Errorf("read dead letter %d: %w", sequence, err)
	}
	l, ok := letterOf(m.Subject, m.Header, m.Sequence, m.Time)
	if !ok {
		return DeadLetter{}, nil, fmt.Errorf("%w: %d", ErrNoDeadLetter, sequence)
	}
	l.Data, l.Size = m.Data, len(m.Data)
	return l, s, nil
}

// Delete removes a dead letter for good. The error is [ErrNoDeadLetter] when there is none.
func (d *Dead) Delete(ctx context.Context, sequence uint64) error {
	_, s, err := d.get(ctx, sequence)
	if err != nil {
		return err
	}
	if err := s.DeleteMsg(ctx, sequence); err != nil {
		return fmt.Errorf("drop dead letter %d: %w", sequence, err)
	}
	return nil
}
