package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// A producer chooses the subject for the server's answer to its publish, and the server checks no permission
// for that: such answers can lie in every stream (docs/adr/0006). Who reads a record by its name removes what
// lies beside it; what nobody asks for by name, a sweep finds.

// Swept are the streams that a sweep reads: the others are read as a whole anyway, or drop messages by age.
func Swept() []string { return []string{"PARKED", "PROGRESS"} }

// Sweep reads at most so many messages of a stream, from a sequence on, and removes those that are no records of
// edgepurge. It returns the sequence to go on from; past is true when nothing was left to read.
func (b *Broker) Sweep(ctx context.Context, name string, from uint64, most int) (next uint64, removed int, past bool, err error) {
	s, err := b.stream(ctx, name)
	if err != nil {
		return from, 0, false, fmt.Errorf("sweep stream %s: %w", b.name(name), err)
	}
	if name == "PARKED" {
		removed = int(b.junk.Swap(0)) // by those who read the queues
	}
	every := jetstream.WithGetMsgSubject(b.sweptSubject(name))
	for range most {
		m, err := s.GetMsg(ctx, from, every)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return from, removed, true, nil
		}
		if err == nil && !isRecord(m.Header) {
			if err = s.DeleteMsg(ctx, m.Sequence); err == nil {
				removed++
			}
		}
		if err != nil {
			return from, removed, false, fmt.Errorf("sweep stream %s: %w", b.name(name), err)
		}
		from = m.Sequence + 1
	}
	return from, removed, false, nil
}

func (b *Broker) sweptSubject(name string) string {
	if name == "PARKED" {
		return b.subject("parked.*.*.*.*.*.*.*")
	}
	return b.subject("marks.*.*.*")
}
