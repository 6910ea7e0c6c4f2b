package broker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
)

// The lease message says why nobody could hold a lease when it was stored.
const (
	// vacantHeader is missing where somebody else stored the message.
	vacantHeader = "Edgepurge-Vacant"
	vacantFresh  = "fresh"  // there was no stream of this installation
	vacantWaited = "waited" // there was no lease for longer than a lease lasts
)

const (
	// vacancyPoll is how often somebody who waits to store a lease message looks whether there is
	// one.
	vacancyPoll = 250 * time.Millisecond
	// youngLease is the age, by the server's clock, below which a lease's message or consumer
	// counts as new. It is longer than a lease by what the clocks of two servers may differ.
	youngLease = leaseAckWait + 2*time.Second
	// quietRenew is how often a new lease is renewed while its holder waits. It is short because
	// somebody may have shortened the consumer's AckWait.
	quietRenew = 300 * time.Millisecond
)

func (c *Control) leaseSubject() string { return c.conn.subject("control.lease") }

// SeedLease stores the lease message if nobody can get one any more: it was removed, acked by
// somebody, or never stored. The holder of the lease that is gone may count on it for as long as a
// lease lasts, so that SeedLease waits that long before it stores the next one (I3). It changes
// nothing otherwise.
func (c *Control) SeedLease(ctx context.Context) error { return c.seedLease(ctx, false) }

// seedLease is SeedLease. fresh says that this call made all streams, so that nobody holds a lease.
func (c *Control) seedLease(ctx context.Context, fresh bool) error {
	for {
		before, err := c.leaseState(ctx)
		if err == nil && !before.vacant {
			return nil
		}
		if err == nil && !fresh {
			before, err = c.awaitVacancy(ctx, before)
		}
		if err == nil && before.vacant {
			err = c.putLease(ctx, before, fresh)
		}
		if err == nil || isThere(err) || isConflict(err) {
			continue // until it is seen to be there
		}
		return fmt.Errorf("seed lease: %w", err)
	}
}

// leaseState is what decides whether somebody can get the lease.
type leaseState struct {
	created time.Time // of the stream
	last    uint64    // its last sequence
	message uint64    // the sequence of the lease message; 0: there is none
	vacant  bool      // nobody can get a lease
}

// leaseState reads the last sequence first: what is stored after that makes a conditional publish
// fail.
func (c *Control) leaseState(ctx context.Context) (leaseState, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	s, err := c.conn.js.Stream(ctx, c.conn.name("CONTROL"))
	if err != nil {
		return leaseState{}, err
	}
	info := s.CachedInfo()
	state := leaseState{created: info.Created, last: info.State.LastSeq}
	m, err := s.GetLastMsgForSubject(ctx, c.leaseSubject())
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		state.vacant = true
		return state, nil
	}
	if err != nil {
		return leaseState{}, err
	}
	state.message = m.Sequence
	cons, err := s.Consumer(ctx, ownerConsumer)
	if err != nil {
		return leaseState{}, err
	}
	state.vacant = lost(cons.CachedInfo())
	return state, nil
}

// lost reports that the lease message is neither held by a replica nor waits for one: it was
// removed, or acked, which only somebody else does.
func lost(info *jetstream.ConsumerInfo) bool { return info.NumPending == 0 && info.NumAckPending == 0 }

// vacancy is a state in which nobody can get a lease, and since when it is known. While nothing
// changes, it holds over several tries.
type vacancy struct {
	mu    sync.Mutex
	state leaseState
	since time.Time
}

// seen returns since when the state is known.
func (v *vacancy) seen(state leaseState) (since time.Time, known bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	known = v.state == state
	if !known {
		v.state, v.since = state, time.Now()
	}
	return v.since, known
}

// awaitVacancy waits until a state is known for as long as a lease lasts, or something changes, and
// returns the state that it found then.
func (c *Control) awaitVacancy(ctx context.Context, before leaseState) (leaseState, error) {
	since, known := c.vacancy.seen(before)
	if !known {
		c.conn.log.Warn("no lease can be taken; a new one is stored after the time for which the last one may be held",
			zap.String("stream", c.conn.name("CONTROL")), zap.Duration("wait", leaseAckWait))
	}
	for end := since.Add(leaseAckWait); time.Now().Before(end); {
		wait.Sleep(ctx, min(vacancyPoll, time.Until(end)))
		if ctx.Err() != nil {
			return leaseState{}, context.Cause(ctx)
		}
		now, err := c.leaseState(ctx)
		if err != nil {
			return leaseState{}, err
		}
		if now != before {
			now.vacant = false // the next look decides
			return now, nil
		}
	}
	return before, nil
}

// putLease stores the lease message on the condition that nothing was stored in the stream since
// the look.
func (c *Control) putLease(ctx context.Context, at leaseState, fresh bool) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	if at.message > 0 {
		s, err := c.conn.stream(ctx, "CONTROL")
		if err == nil {
			err = s.DeleteMsg(ctx, at.message)
		}
		if err != nil {
			return err
		}
	}
	m := nats.NewMsg(c.leaseSubject())
	m.Header.Set(versionHeader, strconv.Itoa(record.Version))
	m.Header.Set(vacantHeader, vacantWaited)
	if fresh {
		m.Header.Set(vacantHeader, vacantFresh)
	}
	_, err := c.conn.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequence(at.last))
	return err
}

// origin is where a lease that was just delivered comes from.
type origin struct {
	fresh bool // nobody has ever held a lease before
	wait  bool // another replica may still count on a lease that it got before
}

// comesFrom looks whether the lease message or its consumer was made so lately that the holder of a
// lease before may not know yet that it has lost it: the server delivers the new one to whoever
// asks first.
func (l *Lease) comesFrom(ctx context.Context, sequence uint64) (origin, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	info, err := l.cons.Info(ctx)
	if err != nil {
		return origin{}, fmt.Errorf("look up lease: %w", err)
	}
	s, err := l.conn.stream(ctx, "CONTROL")
	if err != nil {
		return origin{}, fmt.Errorf("read lease: %w", err)
	}
	m, err := s.GetMsg(ctx, sequence)
	if err != nil {
		return origin{}, fmt.Errorf("read lease: %w", err)
	}
	// A consumer that was made anew after the message was stored had another before it.
	first := !m.Time.Before(info.Created)
	young := info.TimeStamp.Sub(info.Created) < youngLease || info.TimeStamp.Sub(m.Time) < youngLease
	vacant := first && m.Header.Get(vacantHeader) != ""
	o := origin{
		fresh: first && l.turn == 1 && m.Header.Get(vacantHeader) == vacantFresh,
		wait:  young && !vacant || info.Config.AckWait < leaseAckWait,
	}
	if o.wait && info.Config.AckWait >= leaseAckWait {
		// One that handed over knows that it holds the lease no more.
		_, handed, err := l.Predecessor(ctx)
		o.wait = !handed
		return o, err
	}
	return o, nil
}

// await renews the lease, and does not use it, for as long as another replica may count on an older
// one.
func (l *Lease) await(ctx context.Context) error {
	l.conn.log.Info("waits with a new lease for as long as the last one may be held", zap.Duration("wait", leaseAckWait))
	for end := time.Now().Add(leaseAckWait); time.Now().Before(end); {
		if _, err := l.renew(ctx); err != nil {
			return err
		}
		wait.Sleep(ctx, quietRenew)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}
