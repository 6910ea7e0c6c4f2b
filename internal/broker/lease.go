package broker

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
)

const (
	leaseRenew = time.Second
	// leaseMargin is taken off the lease's end for what lies between a look at the clock and the
	// wire.
	leaseMargin = 500 * time.Millisecond
	// confirmWait is how long a leader that was unsure waits before it is sure again: replicas that
	// stand by ask at once for a lease that has run out.
	confirmWait = time.Second
)

// ErrLeaseLost says that another replica is the leader now.
var ErrLeaseLost = errors.New("lease lost: another replica leads")

// errLeaseGone is [ErrLeaseLost] where somebody removed the lease itself.
var errLeaseGone = fmt.Errorf("%w, or none: the lease does not exist any more: %w", ErrLeaseLost, record.ErrGone)

// Lease is the right to send. It is one message that is delivered to one replica at a time and
// never acked: InProgress renews it, AckWait ends it, a nak hands it over.
//
// It is no fence: the server honours a stale leader's renewals and naks too. So a leader that is
// past its validity, or has reconnected, counts as unsure and neither sends nor renews until the
// consumer says that the last delivery is its own; what two replicas may send twice all the same
// gets one event (I1, I3).
type Lease struct {
	conn  *Conn
	cons  jetstream.Consumer
	reply string
	turn  uint64    // the delivery's sequence in the consumer
	made  time.Time // when the consumer was made: another of its name counts anew
	first bool      // nobody has ever held the lease before
	start time.Time
	until atomic.Int64  // valid until this long after start (monotonic)
	epoch atomic.Uint64 // the connection's epoch when the lease was last known to be ours
	given atomic.Bool   // released
}

// Acquire blocks until this replica is the leader.
func (c *Control) Acquire(ctx context.Context) (*Lease, error) {
	if err := c.SeedLease(ctx); err != nil {
		return nil, err
	}
	cons, err := c.conn.js.Consumer(ctx, c.conn.name("CONTROL"), ownerConsumer)
	if err != nil {
		return nil, fmt.Errorf("bind to lease: %w", err)
	}
	lane := c.conn.newLane("CONTROL", ownerConsumer, leaseAckWait, cons)
	// The message is held back from others for a whole AckWait when nobody takes it: one that comes
	// as the context ends goes to the next replica at once.
	defer func() { c.handBack(lane.Rest()) }()
	for {
		turn, err := c.next(ctx, lane)
		switch {
		case ctx.Err() != nil:
			c.handBack(turn)
			return nil, context.Cause(ctx)
		case errors.Is(err, record.ErrGone):
			return nil, fmt.Errorf("wait for lease: %w", record.ErrGone)
		case err != nil:
			wait.Sleep(ctx, 50*time.Millisecond) // an error that comes at once must not spin
		case len(turn) > 0:
			l := c.newLease(lane, turn[0])
			if l.take(ctx, turn[0].Sequence) == nil {
				return l, nil
			}
			if ctx.Err() != nil {
				c.handBack(turn)
			}
		default: // nothing came for the whole time of a pull: there may be no lease to come
			if err := c.SeedLease(ctx); err != nil && ctx.Err() == nil {
				c.conn.log.Debug("lease not looked at", zap.Error(err))
			}
		}
	}
}

// take makes a lease that was just delivered valid, once no other replica can count on one.
func (l *Lease) take(ctx context.Context, sequence uint64) error {
	from, err := l.comesFrom(ctx, sequence)
	if err == nil && from.wait {
		err = l.await(ctx)
	}
	if err != nil {
		return err
	}
	l.first = from.fresh
	return l.confirm(ctx, 0)
}

// next waits for the lease message; empty when none came.
func (c *Control) next(ctx context.Context, lane *Lane) ([]record.Delivery, error) {
	if err := c.conn.Ready(ctx, func(error) {}); err != nil {
		return nil, err
	}
	return lane.Pull(ctx, 1)
}

// handBack returns the lease message to the next replica.
func (c *Control) handBack(turn []record.Delivery) {
	for _, d := range turn {
		_ = c.conn.nc.Publish(d.Reply, []byte(wordNak)) // lost, the lease runs out
	}
}

func (c *Control) newLease(lane *Lane, turn record.Delivery) *Lease {
	b := lane.bound.Load()
	l := &Lease{conn: c.conn, cons: b.cons, reply: turn.Reply, turn: lane.seen, made: b.made, start: time.Now()}
	l.epoch.Store(c.conn.epoch.Load())
	return l
}

// Valid reports whether this replica may send now.
func (l *Lease) Valid() bool {
	return !l.given.Load() && time.Since(l.start) < time.Duration(l.until.Load()) && l.epoch.Load() == l.conn.epoch.Load()
}

// First reports whether it is known that nobody has ever held the lease before.
func (l *Lease) First() bool { return l.first }

// Keep renews the lease until the context ends (nil) or another replica holds it ([ErrLeaseLost]).
// While the broker can't be asked it keeps trying, and Valid returns false. Once the lease is
// released it only waits for the context.
func (l *Lease) Keep(ctx context.Context) error {
	timer := time.NewTimer(leaseRenew)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.conn.reconnected:
		case <-timer.C:
		}
		wait := leaseRenew
		if err := l.step(ctx); l.given.Load() {
			continue // it was given back while it was asked for: that it is another's now is no loss
		} else if errors.Is(err, ErrLeaseLost) {
			l.until.Store(0) // before its time is over, too
			return err
		} else if err != nil {
			wait = 200 * time.Millisecond
		}
		timer.Reset(wait)
	}
}

func (l *Lease) step(ctx context.Context) error {
	if l.given.Load() {
		return nil
	}
	if !l.Valid() {
		return l.confirm(ctx, confirmWait)
	}
	until, err := l.renew(ctx)
	if err != nil {
		return err
	}
	// The server answers a stale leader too, and a lease that has run out once, as in a restart,
	// may be on its way to another replica all the same.
	if err := l.checkOurs(ctx); err != nil {
		return err
	}
	if !l.Valid() {
		return l.confirm(ctx, confirmWait)
	}
	l.until.Store(until)
	return nil
}

// confirm asks whether the last delivery is ours, and only then renews; then it asks again, for the
// lease may have run out in between. A lease that has run out is delivered to the next replica that
// asks, whatever is said of it then: so one that was unsure lets those that stand by ask first.
func (l *Lease) confirm(ctx context.Context, settle time.Duration) error {
	epoch := l.conn.epoch.Load()
	if err := l.checkOurs(ctx); err != nil {
		return err
	}
	if settle > 0 {
		if _, err := l.renew(ctx); err != nil {
			return err
		}
		if !wait.Sleep(ctx, settle) {
			return context.Cause(ctx)
		}
	}
	until, err := l.renew(ctx)
	if err != nil {
		return err
	}
	if err := l.checkOurs(ctx); err != nil {
		return err
	}
	l.until.Store(until)
	l.epoch.Store(epoch)
	return nil
}

// ours is nil when the last delivery is ours.
func (l *Lease) checkOurs(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, leaseRenew)
	defer cancel()
	info, err := l.cons.Info(ctx)
	if err != nil {
		if Gone(err) && l.conn.missing(ctx, l.conn.name("CONTROL"), ownerConsumer) {
			return errLeaseGone
		}
		return fmt.Errorf("look up lease: %w", err)
	}
	if info.Delivered.Consumer != l.turn || !info.Created.Equal(l.made) {
		return ErrLeaseLost
	}
	if info.NumAckPending == 0 {
		// The server answers the renewal of a message that was removed, too. Without it no replica
		// could take over, and whoever stores another would make a second leader.
		return fmt.Errorf("%w: its message was removed", errLeaseGone)
	}
	return nil
}

// renew returns the lease's new end, counted from before the sending: the server's clock for it
// starts later.
func (l *Lease) renew(ctx context.Context) (until int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, leaseRenew)
	defer cancel()
	sent := time.Since(l.start)
	if _, err := l.conn.nc.RequestWithContext(ctx, l.reply, []byte(wordInProgress)); err != nil {
		return 0, fmt.Errorf("renew lease: %w", err)
	}
	return int64(sent + leaseAckWait - leaseMargin), nil
}
