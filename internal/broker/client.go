package broker

import (
	"cmp"
	"context"
	"errors"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/edgepurge/edgepurge/client"
)

// Client returns a producer's client over this connection, which stays the broker's. The prefix is
// the installation's, and it waits no longer for an answer than this connection does.
func (c *Conn) Client(cfg client.Config) (*client.Client, error) {
	cfg.Prefix = c.set.Prefix
	cfg.Timeout, cfg.Absence = cmp.Or(cfg.Timeout, c.answer), min(cfg.Absence, c.answer)
	return client.New(c.nc, cfg)
}

// refusals are calls that end when the server refuses this connection a right: it drops what it
// refuses, so that they would wait for an answer in vain.
type refusals struct {
	mu   sync.Mutex
	last int
	open map[int]context.CancelCauseFunc
}

// unlessRefused makes a call, and ends it with [client.ErrDenied] when the server refuses a right
// meanwhile. It is for commands, which do one thing at a time.
func (c *Conn) unlessRefused(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer c.refusals.add(cancel)()
	err := call(ctx)
	if refusal := context.Cause(ctx); err != nil && errors.Is(refusal, client.ErrDenied) {
		return refusal
	}
	return err
}

func (r *refusals) add(cancel context.CancelCauseFunc) (remove func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open == nil {
		r.open = make(map[int]context.CancelCauseFunc)
	}
	r.last++
	n := r.last
	r.open[n] = cancel
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.open, n)
	}
}

// refused ends the calls under way if that is what the connection reports.
func (r *refusals) refused(err error) {
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, cancel := range r.open {
		cancel(&denied{refusal: err})
	}
}
