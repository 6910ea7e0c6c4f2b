package broker

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
)

// takeOverWait is a lane's AckWait while a new owner fetches what its predecessor held.
const takeOverWait = time.Second

const (
	// gatherFor is how long a pull of what need not be fast waits for more than minGather messages: what is
	// done for each lot costs as much for few.
	gatherFor = 3 * time.Millisecond
	minGather = 256
	// restTimeout bounds how long the end of a pull may hold up a drain. A lease that was on its way comes to
	// the next replica by itself after that.
	restTimeout = leaseAckWait
	// restQuiet is how long the replication of a delivery may take at the end of a pull; what takes
	// longer comes again after AckWait.
	restQuiet = 200 * time.Millisecond
)

// Lane is the consumer of one lane, or of a queue of parked requests. Pull is for one goroutine; the others are safe for concurrent use.
type Lane struct {
	conn    *Conn
	stream  string
	name    string // of the consumer
	ackWait time.Duration
	gather  time.Duration // how long a pull waits for more when little has come
	cons    jetstream.Consumer
	junk    func() // counts a message that is no record, where only records belong; nil: all belong

	made time.Time // when the consumer was made: its name alone does not tell it from one made anew
	cur  *pull     // nil while there is none
	big  bool      // the next message is larger than pullBytes
	seen uint64    // the consumer's number of the last delivery
}

func (c *Conn) newLane(stream, name string, wait time.Duration, cons jetstream.Consumer) *Lane {
	return &Lane{conn: c, stream: c.name(stream), name: name, ackWait: wait, cons: cons, made: cons.CachedInfo().Created}
}

// Same returns nil while the consumer that the lane was bound to exists, and [record.ErrGone] when it
// does not, or another one has its name: the stream was made anew, and an ack of a message of the old
// one would take away that which has its number now. Other errors are passing.
func (l *Lane) Same(ctx context.Context) error {
	info, err := l.cons.Info(ctx)
	switch {
	case err != nil && Gone(err) && l.conn.missing(ctx, l.stream, l.name):
		return fmt.Errorf("lane %s: %w", l.name, record.ErrGone)
	case err != nil:
		return fmt.Errorf("look up lane %s: %w", l.name, err)
	case !info.Created.Equal(l.made):
		return fmt.Errorf("lane %s was made anew: %w", l.name, record.ErrGone)
	}
	return nil
}

// AckWait is how long a message may be held without a sign of life.
func (l *Lane) AckWait() time.Duration { return l.ackWait }

// Pull waits for the first message and returns it with all that have arrived by then, at most room.
// What is pulled and not acked comes again after AckWait. An error is passing (the server is away, a
// pull was lost) unless the context has ended or it is [record.ErrGone].
func (l *Lane) Pull(ctx context.Context, room int) ([]record.Delivery, error) {
	if l.cur == nil {
		cur, err := l.ask(min(room, pullMessages), l.big)
		if err != nil {
			return nil, err
		}
		l.cur = cur
	}
	got := l.cur.take(room, nil)
	for len(got) == 0 && !l.cur.ended {
		var err error
		if got, err = l.cur.wait(ctx, got); err != nil {
			return nil, err
		}
		got = l.cur.take(room, got)
	}
	if n := len(got); l.gather > 0 && n > 0 && n < min(room, minGather) && !l.cur.ended {
		wait.Sleep(ctx, l.gather)
		got = l.cur.take(room, got)
	}
	if l.cur.anew {
		if err := l.Same(ctx); err != nil {
			l.end()
			return nil, err
		}
		l.cur.anew = false
	}
	if !l.cur.ended {
		return got, nil
	}
	err := l.cur.err
	l.end()
	if err == nil || len(got) > 0 {
		return got, nil
	}
	if Gone(err) {
		if gone := l.Same(ctx); errors.Is(gone, record.ErrGone) {
			return nil, l.conn.alarmed(gone)
		}
	}
	return nil, fmt.Errorf("pull lane %s: %w", l.name, err)
}

// Rest ends the pull that is open and gives what it brought that nobody has taken; the caller gives
// it back.
func (l *Lane) Rest() []record.Delivery {
	if l.cur == nil {
		return nil
	}
	defer l.end()
	ctx, cancel := context.WithTimeout(context.Background(), restTimeout)
	defer cancel()
	got := l.underway(ctx)
	// What the server sent before it learns of the end has arrived when the flush is answered.
	if l.cur.sub.Drain() == nil {
		_ = l.conn.nc.FlushWithContext(ctx)
	}
	return l.cur.take(math.MaxInt, got)
}

// underway takes what comes until nothing has come for a while. On a replicated stream the server
// counts messages as delivered before it sends them, and nothing tells how many there are.
func (l *Lane) underway(ctx context.Context) []record.Delivery {
	got := l.cur.take(math.MaxInt, nil)
	for l.conn.set.Replicas > 1 && !l.cur.ended {
		before := len(got)
		quiet, cancel := context.WithTimeout(ctx, restQuiet)
		got, _ = l.cur.wait(quiet, got)
		cancel()
		if got = l.cur.take(math.MaxInt, got); len(got) == before {
			break
		}
	}
	return got
}

// end forgets the pull.
func (l *Lane) end() {
	l.big, l.seen = l.cur.big, l.cur.seen
	l.cur.close()
	l.cur = nil
}

// Hurry lets the broker deliver soon what a predecessor holds, by a short AckWait, which it returns;
// Settle restores the lane's own. Restoring it before those messages were fetched again would put them
// off by all of it.
func (l *Lane) Hurry(ctx context.Context) (time.Duration, error) {
	return takeOverWait, l.setAckWait(ctx, takeOverWait)
}

// Settle ends what Hurry began.
func (l *Lane) Settle(ctx context.Context) error { return l.setAckWait(ctx, l.ackWait) }

func (l *Lane) setAckWait(ctx context.Context, wait time.Duration) error {
	info, err := l.cons.Info(ctx)
	if err != nil {
		return fmt.Errorf("look up lane %s: %w", l.name, err)
	}
	cfg := info.Config
	if cfg.AckWait == wait {
		return nil
	}
	cfg.AckWait = wait
	if _, err := l.conn.js.UpdateConsumer(ctx, l.stream, cfg); err != nil {
		return fmt.Errorf("set ack wait of lane %s: %w", l.name, err)
	}
	return nil
}

// Depth tells how many messages of the lane wait and how many are delivered but not acked.
func (l *Lane) Depth(ctx context.Context) (waiting, held int, err error) {
	info, err := l.cons.Info(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("look up lane %s: %w", l.name, err)
	}
	return int(info.NumPending), info.NumAckPending, nil
}
