package main

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/purge"
)

const (
	// maxPending bounds the publishes in flight, as a worker's connection does.
	maxPending = 8192
	// publishWait is how long an answer to a publish may take.
	publishWait = 30 * time.Second
	// source is who asks in every scenario, zone that which the emulator lists.
	source = "bench"
	zone   = "zone-emulator"
	prefix = "purge"
)

func requests(lane purge.Lane) string {
	return purge.Subjects{Prefix: prefix}.Request(lane, source)
}

// page is a URL of usual length.
func page(i int) string { return fmt.Sprintf("https://www.example.com/blog/2026/11/post-%08d/", i) }

// name is the id of a request.
func name(i int) string { return "r-" + strconv.Itoa(i) }

// body is a request for some targets; the id has to be different for each.
func (b *bench) body(id string, targets ...string) []byte {
	r := purge.Request{Zone: zone, Targets: targets}
	if b.ids {
		r.ID = id
	}
	data, _ := r.Encode() // it has no times
	return data
}

// singles are requests for one URL each.
func (b *bench) singles(from, to int) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := from; i < to; i++ {
			if !yield(b.body(name(i), page(i))) {
				return
			}
		}
	}
}

// publish stores messages in a stream under one subject, and returns when the last is acknowledged.
func (w *world) publish(ctx context.Context, subject string, bodies iter.Seq[[]byte]) error {
	p, err := newPublisher(w.nc)
	if err != nil {
		return err
	}
	for body := range bodies {
		if err := p.put(&nats.Msg{Subject: subject, Data: body}); err != nil {
			return err
		}
	}
	return p.done(ctx)
}

// publisher publishes without waiting for each answer.
type publisher struct {
	js      jetstream.JetStream
	refused atomic.Int64
}

func newPublisher(nc *nats.Conn) (*publisher, error) {
	p := new(publisher)
	var err error
	p.js, err = jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(maxPending), jetstream.WithPublishAsyncTimeout(publishWait),
		jetstream.WithPublishAsyncErrHandler(func(jetstream.JetStream, *nats.Msg, error) { p.refused.Add(1) }))
	if err != nil {
		return nil, fmt.Errorf("open jetstream: %w", err)
	}
	return p, nil
}

func (p *publisher) put(m *nats.Msg, opts ...jetstream.PublishOpt) error {
	if _, err := p.js.PublishMsgAsync(m, append(opts, jetstream.WithStallWait(publishWait))...); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

// done waits for the answers, and tells of refusals.
func (p *publisher) done(ctx context.Context) error {
	defer p.js.CleanupPublisher()
	select {
	case <-p.js.PublishAsyncComplete():
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if n := p.refused.Load(); n > 0 {
		return fmt.Errorf("publish: %d messages were refused, or not answered within %v", n, publishWait)
	}
	return nil
}
