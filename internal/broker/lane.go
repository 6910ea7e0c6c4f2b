package broker

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
)

// takeOverWait is a lane's AckWait while a new leader fetches what its predecessor held.
const takeOverWait = time.Second

const (
	// gatherFor is how long a pull of what need not be fast waits for more than minGather messages:
	// what is done for each lot costs as much for few.
	gatherFor = 3 * time.Millisecond
	minGather = 256
	// restTimeout bounds how long the end of a pull may hold up a drain. A lease that was on its
	// way comes to the next replica by itself after that.
	restTimeout = leaseAckWait
	// restQuiet is how long the replication of a delivery may take at the end of a pull; what takes
	// longer comes again after AckWait.
	restQuiet = 200 * time.Millisecond
	// bindEvery is how often a lane whose consumer is missing asks for it.
	bindEvery = time.Second
)

// Lane is the consumer of one lane, or of a queue of parked requests. Pull is for one goroutine;
// the others are safe for concurrent use.
type Lane struct {
	conn    *Conn
	stream  string
	name    string // of the consumer
	ackWait time.Duration
	gather  time.Duration // how long a pull waits for more when little has come
	max     int           // messages that are delivered and not acked: what its consumer should allow
	bound   atomic.Pointer[binding]
	junk    func() // counts a message that is no record, where only records belong; nil: all belong

	cur  *pull  // nil while there is none
	big  bool   // the next message is larger than pullBytes
	seen uint64 // the consumer's number of the last delivery
}

// binding is the consumer that a lane is bound to.
type binding struct {
	cons jetstream.Consumer
	made time.Time // its name alone does not distinguish it from a later one
}

func bindingTo(cons jetstream.Consumer) *binding { return &binding{cons, cons.CachedInfo().Created} }

// newLane makes a lane that is bound to a consumer, or that waits for one where it is nil.
func (c *Conn) newLane(stream, name string, wait time.Duration, cons jetstream.Consumer) *Lane {
	l := &Lane{conn: c, stream: c.name(stream), name: name, ackWait: wait}
	if cons != nil {
		l.bound.Store(bindingTo(cons))
	}
	return l
}

// bind binds a lane to a consumer that was missing.
func (l *Lane) bind(ctx context.Context) error {
	cons, err := l.conn.js.Consumer(ctx, l.stream, l.name)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		wait.Sleep(ctx, bindEvery)
		return fmt.Errorf("consumer %s/%s is missing: run `edgepurge setup`", l.stream, l.name)
	}
	if err != nil {
		return fmt.Errorf("bind to lane %s: %w", l.name, err)
	}
	l.bound.Store(bindingTo(cons))
	return nil
}

// Same returns nil while the lane is bound to no consumer, and while the one that it was bound to
// exists, and [record.ErrGone] when it does not, or another one has its name: the stream was made
// anew, and an ack of a message of the old one would take away that which has its number now. Other
// errors are passing.
func (l *Lane) Same(ctx context.Context) error {
	b := l.bound.Load()
	if b == nil {
		return nil
	}
	info, err := b.cons.Info(ctx)
	switch {
	case err != nil && Gone(err) && l.conn.missing(ctx, l.stream, l.name):
		return fmt.Errorf("lane %s: %w", l.name, record.ErrGone)
	case err != nil:
		return fmt.Errorf("look up lane %s: %w", l.name, err)
	case !info.Created.Equal(b.made):
		return fmt.Errorf("lane %s was made anew: %w", l.name, record.ErrGone)
	}
	return nil
}

// AckWait is how long a message may be held without a sign of life.
func (l *Lane) AckWait() time.Duration { return l.ackWait }

// Pull waits for the first message and returns it with all that have arrived by then, at most room.
// What is pulled and not acked comes again after AckWait. An error is passing (the server is away,
// a pull was lost) unless the context has ended or it is [record.ErrGone].
func (l *Lane) Pull(ctx context.Context, room int) ([]record.Delivery, error) {
	if l.bound.Load() == nil {
		if err := l.bind(ctx); err != nil {
			return nil, err
		}
	}
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
// counts messages as delivered before it sends them, and nothing says how many there are.
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

// ShortenAckWait lets the broker deliver soon what the last leader holds, and returns the AckWait
// in force from then on. RestoreAckWait must not be called before those messages came again: that
// would put them off by all of the lane's own.
func (l *Lane) ShortenAckWait(ctx context.Context) (time.Duration, error) {
	return takeOverWait, l.setAckWait(ctx, takeOverWait)
}

// RestoreAckWait restores the lane's own AckWait. It also raises the messages that may be unacked
// to what this version needs, where the last one made the consumer with fewer and the user may
// change it.
func (l *Lane) RestoreAckWait(ctx context.Context) error { return l.setAckWait(ctx, l.ackWait) }

func (l *Lane) setAckWait(ctx context.Context, wait time.Duration) error {
	b := l.bound.Load()
	if b == nil {
		return nil
	}
	info, err := b.cons.Info(ctx)
	if err != nil {
		return fmt.Errorf("look up lane %s: %w", l.name, err)
	}
	cfg := info.Config
	cfg.AckWait = wait
	if cfg.MaxAckPending > 0 { // else there is no bound
		cfg.MaxAckPending = max(cfg.MaxAckPending, l.max)
	}
	if cfg.AckWait == info.Config.AckWait && cfg.MaxAckPending == info.Config.MaxAckPending {
		return nil
	}
	_, err = l.conn.js.UpdateConsumer(ctx, l.stream, cfg)
	if err != nil && cfg.AckWait != info.Config.AckWait { // a survey names the other difference
		return fmt.Errorf("set ack wait of lane %s: %w", l.name, err)
	}
	return nil
}

// Depth returns how many messages of the lane wait and how many are delivered but not acked.
func (l *Lane) Depth(ctx context.Context) (waiting, held int, err error) {
	b := l.bound.Load()
	if b == nil {
		return 0, 0, nil
	}
	info, err := b.cons.Info(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("look up lane %s: %w", l.name, err)
	}
	return int(info.NumPending), info.NumAckPending, nil
}
