package client

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
)

// lingered sends what waited for others long enough.
func (x *exchange) lingered() {
	x.mu.Lock()
	wave := x.wave(true)
	if len(x.queue) > 0 && !x.closed {
		x.flush.Reset(linger)
	}
	x.mu.Unlock()
	x.send(wave)
}

// missing ends calls without an answer.
func (x *exchange) missing() {
	x.mu.Lock()
	now := time.Now()
	for number, c := range x.open {
		if now.Sub(c.sent) >= x.timeout {
			x.settle(number, answer{err: errSilent})
		}
	}
	x.swept = len(x.open) > 0
	if x.swept {
		x.sweep.Reset(x.timeout / 4)
	}
	wave := x.wave(false)
	x.mu.Unlock()
	x.send(wave)
}

// watch ends the calls whose answers went with a connection, and wakes who waits for another. It ends with close, or
// with the connection.
func (x *exchange) watch() {
	defer close(x.watched)
	for status := range x.status {
		x.mu.Lock()
		if status != nats.CONNECTED {
			x.drop(errLost)
		}
		close(x.turned)
		x.turned = make(chan struct{})
		wave := x.wave(false)
		x.mu.Unlock()
		x.send(wave)
		if status == nats.CLOSED {
			return
		}
	}
}

// drop ends all calls that are sent; x.mu is held.
func (x *exchange) drop(err error) {
	for number := range x.open {
		x.settle(number, answer{err: err})
	}
}

// turn gives a channel that is closed when the connection goes or comes next.
func (x *exchange) turn() (<-chan struct{}, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.start(); err != nil {
		return nil, err
	}
	return x.turned, nil
}

// connected waits until the connection is up.
func (x *exchange) connected(ctx context.Context) error {
	for {
		turned, err := x.turn()
		switch {
		case err != nil:
			return err
		case x.nc.IsClosed():
			return nats.ErrConnectionClosed
		case x.nc.IsConnected():
			return nil
		}
		// nats.go drops what it can't tell at once: look again in any case.
		if err := pause(ctx, turned, time.Second); err != nil {
			return err
		}
	}
}

// close ends all calls with ErrClosed.
func (x *exchange) close() {
	x.mu.Lock()
	x.closed = true
	x.drop(ErrClosed)
	queue := x.queue
	x.queue = nil
	close(x.turned)
	x.turned = make(chan struct{})
	started := x.started
	x.mu.Unlock()
	for _, c := range queue {
		c.done <- answer{err: ErrClosed}
	}
	if !started {
		return
	}
	x.flush.Stop()
	x.sweep.Stop()
	_ = x.sub.Unsubscribe() // the one error is that the connection is closed
	x.nc.RemoveStatusListener(x.status)
	<-x.watched
}

// pause waits for d, or until early is closed. It returns the cause of the context when that ends first.
func pause(ctx context.Context, early <-chan struct{}, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-early:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
