package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

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
		data, err := encode(r.Request)
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

// encode gives the message of a request. Targets that are not UTF-8 keep their bytes, for the worker to refuse: the
// encoder would make other ones of them, and those would be purged.
func encode(r purge.Request) ([]byte, error) {
	targets := r.Targets
	if !slices.ContainsFunc(targets, func(t string) bool { return !utf8.ValidString(t) }) {
		return r.Encode()
	}
	r.Targets = nil
	data, err := r.Encode()
	if err != nil {
		return nil, err
	}
	before := []byte(`{"targets":[`)
	for i, t := range targets {
		if i > 0 {
			before = append(before, ',')
		}
		before = appendQuoted(before, t)
	}
	rest := bytes.TrimPrefix(data, []byte("{"))
	if len(rest) > 1 {
		rest = append([]byte(","), rest...)
	}
	return slices.Concat(before, []byte("]"), rest), nil
}

// appendQuoted adds a JSON string, and bytes that are not UTF-8 as they are.
func appendQuoted(data []byte, s string) []byte {
	data = append(data, '"')
	for s != "" {
		c, n := utf8.DecodeRuneInString(s)
		part := []byte(s[:n])
		if c != utf8.RuneError || n > 1 {
			part = quoted(s[:n])
			part = part[1 : len(part)-1]
		}
		data = append(data, part...)
		s = s[n:]
	}
	return append(data, '"')
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
