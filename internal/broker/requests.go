package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/purge"
)

// Outgoing is a request to be published.
type Outgoing struct {
	Lane    purge.Lane
	Source  string
	Request purge.Request
}

// PutRequests publishes requests and returns one error for each: nil means that the broker has it.
// The message id "<source>.<id>" saves the broker from a repeat within its duplicate window.
func (b *Broker) PutRequests(ctx context.Context, requests []Outgoing) []error {
	msgs := make([]*nats.Msg, len(requests))
	errs := make([]error, len(requests))
	for i, r := range requests {
		data, err := r.Request.Encode()
		if err != nil {
			errs[i] = err
			continue
		}
		msgs[i] = nats.NewMsg(b.subjects.Request(r.Lane, r.Source))
		msgs[i].Data = data
	}
	b.publish(ctx, msgs, errs, func(i int) []jetstream.PublishOpt {
		if requests[i].Request.ID == "" {
			return nil
		}
		return []jetstream.PublishOpt{jetstream.WithMsgID(requests[i].Source + "." + requests[i].Request.ID)}
	})
	for i, err := range errs {
		errs[i] = b.explain(err)
	}
	return errs
}

// explain says what to do about a refused publish.
func (b *Broker) explain(err error) error {
	api, _ := errors.AsType[*jetstream.APIError](err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("stream %s does not exist: run `edgepurge setup`, or start a worker", b.name("REQUESTS"))
	case errors.Is(err, nats.ErrMaxPayload), api != nil && api.ErrorCode == jetstream.JSErrCodeStreamMessageExceedsMaximum:
		return fmt.Errorf("request is too large: send fewer targets in one: %w", err)
	case api != nil && api.ErrorCode == codeStreamFull:
		return fmt.Errorf("stream %s is full: wait until the worker has caught up, or raise nats.max_bytes: %w", b.name("REQUESTS"), err)
	}
	return fmt.Errorf("publish request: %w", err)
}

// codeStreamFull is "maximum bytes exceeded" on a stream that discards new messages.
const codeStreamFull = 10077
