package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/edgepurge/edgepurge/purge"
)

// Purge asks for a purge, and returns when the broker has stored the request. A request without an id gets one: 26
// letters and digits by chance. The id is returned with an error too, unless the request is not valid: where the error
// leaves open whether the request is stored, call again with that id.
//
// The call goes on through time-outs, lost connections and elections until the context ends; one without an end may wait
// for ever. It ends early with what a further try can't mend: a request that is not valid, [ErrTooLarge], [ErrFull],
// [ErrNoStream], [ErrDenied], [ErrClosed], or a connection that is closed.
//
// A valid request may still end as rejected, for the worker knows more: zones, policy, what the API can do. Targets
// without a canonical form are refused here only if no other is left; else they fail alone.
//
// That a request of this id is stored already is no error, whatever became of it: the new message is stored too, and joins
// the first or ends with it. With another body under the same id nothing is done for that body: an id names one change.
func (c *Client) Purge(ctx context.Context, r purge.Request) (id string, err error) {
	o, err := c.order(r)
	if err != nil {
		return "", fmt.Errorf("purge: %w", err)
	}
	if err := c.put(ctx, o); err != nil {
		return o.id, fmt.Errorf("purge %s: %w", o.id, err)
	}
	return o.id, nil
}

// order is a request, ready to be sent.
type order struct {
	id  string
	msg nats.Msg
}

func (c *Client) order(r purge.Request) (order, error) {
	if !validLane(c.lane) {
		return order{}, errLane(c.lane)
	}
	if r.ID == "" {
		r.ID = rand.Text()
	}
	if err := c.check(r); err != nil {
		return order{}, err
	}
	data, err := encode(r)
	if err != nil {
		return order{}, err
	}
	// Without a message id: the broker's table of these is shared by all sources, and another could have put this one there.
	return order{id: r.ID, msg: nats.Msg{Subject: c.subjects.Request(c.lane, c.cfg.Source), Data: data}}, nil
}

func (c *shared) check(r purge.Request) error {
	if !c.cfg.Unchecked {
		return check(r)
	}
	if !purge.ValidID(r.ID) {
		return &purge.Reason{Code: purge.CodeMalformed, Message: "an id is 1 to 64 of A-Za-z0-9_-, not beginning with _", Field: "id"}
	}
	return nil
}

// check refuses what the worker would reject for its form.
func check(r purge.Request) error {
	if err := r.Validate(); err != nil {
		return err
	}
	var first *purge.Reason
	for i, target := range r.Targets {
		_, err := purge.Canonical(r.Type, target)
		if err == nil {
			return nil
		}
		if reason, ok := errors.AsType[*purge.Reason](err); ok && first == nil {
			first = &purge.Reason{Code: reason.Code, Message: reason.Message, Field: fmt.Sprintf("targets[%d]", i)}
		}
	}
	if first != nil {
		return first
	}
	return nil
}

// put publishes until the broker has the message.
func (c *shared) put(ctx context.Context, o order) error {
	if err := c.enter(); err != nil {
		return err
	}
	defer c.leave()
	return c.publish(ctx, o)
}

func (c *shared) publish(ctx context.Context, o order) error {
	return c.insist(ctx, "REQUESTS", o.msg.Subject, func(ctx context.Context) error {
		m, err := c.line.ask(ctx, o.msg)
		return published(answer{m, err})
	})
}

// published reads the answer to a publish, or what came instead of it.
func published(a answer) error {
	switch {
	case errors.Is(a.err, nats.ErrMaxPayload):
		return fmt.Errorf("%w: %w", ErrTooLarge, a.err)
	case a.err != nil:
		return a.err
	}
	return stored(a.msg)
}
