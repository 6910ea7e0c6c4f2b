package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/edgepurge/edgepurge/purge"
)

const (
	// firstLook and lastLook are between looks for an event that should come by itself; each is twice the one before.
	// A look finds what was missed: on the way between servers of a cluster, or by a replica that lagged at the look
	// before.
	firstLook = 2 * time.Second
	lastLook  = 30 * time.Second
	// storedWithin bounds the wait for an event to be stored that was heard, storedAgain is between looks for it.
	storedWithin = time.Second
	storedAgain  = 5 * time.Millisecond
	// mailbox is how many messages below a request's events may wait for their reader: one event, and what a stranger
	// had the server answer there.
	mailbox = 16
)

// PurgeAndWait asks for a purge like [Client.Purge] and waits for its end like [Client.Wait]. When the event is that of
// another request with the same id, its outcome comes with [ErrIDReused]. With any error the outcome's Request is the id,
// for a later Wait, unless the request is not valid; nothing else of it is set.
func (c *Client) PurgeAndWait(ctx context.Context, r purge.Request) (purge.Outcome, error) {
	o, err := c.order(r)
	if err != nil {
		return purge.Outcome{}, fmt.Errorf("purge: %w", err)
	}
	got, err := c.putAndWait(ctx, o)
	if err != nil {
		return c.unknown(o.id), fmt.Errorf("purge %s: %w", o.id, err)
	}
	if got.Digest != "" && !r.HasDigest(got.Digest) && got.Digest != purge.RawDigest(o.msg.Data) {
		return got, fmt.Errorf("purge %s: %w: %s, with the digest %s", o.id, ErrIDReused, got.Status, got.Digest)
	}
	return got, nil
}

func (c *shared) unknown(id string) purge.Outcome {
	return purge.Outcome{Request: id, Source: c.cfg.Source}
}

func (c *shared) putAndWait(ctx context.Context, o order) (purge.Outcome, error) {
	w, err := c.listen(o.id) // first, so that nothing is missed
	if err != nil {
		return purge.Outcome{}, err
	}
	defer w.close()
	if err := c.put(ctx, o); err != nil {
		return purge.Outcome{}, err
	}
	return w.wait(ctx)
}

// Wait waits for the end of a request that was asked for, by whomever under this source, until the context ends. It goes
// on over lost connections and restarts of servers. That a request ended otherwise than completed is no error: look at
// the outcome's Status. A request that nobody has asked for does not end, nor does one whose event is not kept any more.
//
// Without the right to look for stored events (see the package) it still gets what comes while the connection holds, a
// second later.
func (c *Client) Wait(ctx context.Context, id string) (purge.Outcome, error) {
	got, err := c.justWait(ctx, id)
	if err != nil {
		return c.unknown(id), fmt.Errorf("wait for %s: %w", id, err)
	}
	return got, nil
}

func (c *shared) justWait(ctx context.Context, id string) (purge.Outcome, error) {
	if !validID(id) {
		return purge.Outcome{}, errID
	}
	w, err := c.listen(id)
	if err != nil {
		return purge.Outcome{}, err
	}
	defer w.close()
	return w.wait(ctx)
}

// waiter gets the event of one request.
type waiter struct {
	c    *shared
	id   string
	sub  *nats.Subscription
	mail chan *nats.Msg
}

func (c *shared) listen(id string) (*waiter, error) {
	w := &waiter{c: c, id: id, mail: make(chan *nats.Msg, mailbox)}
	var err error
	w.sub, err = c.nc.ChanSubscribe(c.subjects.EventOf(c.cfg.Source, id), w.mail)
	return w, err
}

func (w *waiter) close() { _ = w.sub.Unsubscribe() } // the one error is that the connection is closed

// wait looks for the event, and looks again after a while and with each new connection, until it is there.
func (w *waiter) wait(ctx context.Context) (purge.Outcome, error) {
	for again := firstLook; ; again = min(2*again, lastLook) {
		got, err := w.once(ctx, again)
		if err == nil || !errors.Is(err, ErrNoEvent) {
			return got, err
		}
	}
}

// once looks for the event, and listens for a while. ErrNoEvent tells that it is time to look again.
func (w *waiter) once(ctx context.Context, while time.Duration) (purge.Outcome, error) {
	turned, err := w.c.line.turn()
	if err != nil {
		return purge.Outcome{}, err
	}
	look, err := w.c.line.begin(w.c.lookUp(w.id))
	if err != nil {
		return purge.Outcome{}, err
	}
	defer w.c.line.forget(look)
	timer := time.NewTimer(while)
	defer timer.Stop()
	for {
		select {
		case m := <-w.mail:
			if heard, err := w.c.outcomeOf(m, w.id); err == nil {
				return w.stored(ctx, heard), nil
			}
		case a := <-look.done:
			if got, err := w.seen(a); err == nil || errors.Is(err, ErrDenied) {
				return got, err
			}
		case <-turned:
			if err := w.c.line.connected(ctx); err != nil {
				return purge.Outcome{}, err
			}
			return purge.Outcome{}, ErrNoEvent
		case <-timer.C:
			return purge.Outcome{}, ErrNoEvent
		case <-w.c.closing:
			return purge.Outcome{}, ErrClosed
		case <-ctx.Done():
			return purge.Outcome{}, fmt.Errorf("%w (the request has not ended)", context.Cause(ctx))
		}
	}
}

// stored gives the event that the broker keeps, once it is there. What is heard is what was published, just before it
// is stored, or refused because the request has its event already. Where nothing can be looked for in time, what was
// heard counts.
func (w *waiter) stored(ctx context.Context, heard purge.Outcome) purge.Outcome {
	ctx, cancel := context.WithTimeout(ctx, storedWithin)
	defer cancel()
	for {
		got, err := w.c.look(ctx, w.id)
		if err == nil {
			return got
		}
		if !errors.Is(err, ErrNoEvent) {
			return heard
		}
		select {
		case <-time.After(storedAgain):
		case <-ctx.Done():
			return heard
		}
	}
}

// seen reads the answer to a look. A right to listen that is missing is told by then: the server refuses it before it
// answers what came behind it.
func (w *waiter) seen(a answer) (purge.Outcome, error) {
	if a.err == nil {
		if got, err := w.c.found(a.msg, w.id); err == nil {
			return got, nil
		}
	}
	if err := w.c.denied(w.sub.Subject); err != nil {
		return purge.Outcome{}, err
	}
	return purge.Outcome{}, ErrNoEvent
}
