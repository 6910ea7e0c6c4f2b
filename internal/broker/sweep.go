package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// A producer chooses the subject for the server's answer to its publish, and the server checks no
// permission for that: such answers can lie in every stream (docs/adr/0006). Who reads a record by
// its name removes what lies beside it; what nobody asks for by name, a sweep finds.

// Sweep reads at most that many messages of the stream, from a sequence on, and removes those that
// are no records of edgepurge. It returns the sequence to go on from; past is true when nothing was
// left to read.
func (p *Progress) Sweep(ctx context.Context, from uint64, most int) (next uint64, removed int, past bool, err error) {
	return p.conn.sweep(ctx, "PROGRESS", "marks.*.*.*", from, most)
}

// Sweep reads at most that many messages of the stream, from a sequence on, and removes those that
// are no records of edgepurge. It returns the sequence to go on from; past is true when nothing was
// left to read. What the queues' readers have removed since the last call counts as removed by this
// one.
func (p *Parked) Sweep(ctx context.Context, from uint64, most int) (next uint64, removed int, past bool, err error) {
	read := int(p.junk.Swap(0))
	next, removed, past, err = p.conn.sweep(ctx, "PARKED", "parked.*.*.*.*.*.*.*", from, most)
	return next, read + removed, past, err
}

func (c *Conn) sweep(
	ctx context.Context, name, subject string, from uint64, most int,
) (next uint64, removed int, past bool, err error) {
	s, err := c.stream(ctx, name)
	if err != nil {
		return from, 0, false, fmt.Errorf("sweep stream %s: %w", c.name(name), err)
	}
	every := jetstream.WithGetMsgSubject(c.subject(subject))
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
			return from, removed, false, fmt.Errorf("sweep stream %s: %w", c.name(name), err)
		}
		from = m.Sequence + 1
	}
	return from, removed, false, nil
}
