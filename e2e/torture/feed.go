package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/wait"
)

const (
	// inFlight bounds the publishes that wait for the broker: what a minute without it brings together.
	inFlight = 8192
	// tries is how often a message with an id is published until the broker has it; the others only once, for a
	// second copy would be a second request.
	tries = 8
)

// feed publishes the load until stop ends, and then waits for what is in flight, which work bounds.
func feed(stop, work context.Context, js jetstream.JetStream, l *load, n *notes) {
	room := make(chan struct{}, inFlight)
	var publishes sync.WaitGroup
	due := time.Now()
	for {
		m := l.next()
		due = due.Add(m.after)
		if !wait.Sleep(stop, time.Until(due)) {
			break
		}
		select {
		case room <- struct{}{}:
		case <-work.Done():
		}
		publishes.Go(func() {
			defer func() { <-room }()
			publish(work, js, &m)
			n.add(m)
		})
	}
	publishes.Wait()
}

// publish tries to store a message, and notes what the broker said.
func publish(ctx context.Context, js jetstream.JetStream, m *message) {
	m.First = time.Now()
	for {
		m.Tries++
		ack, err := put(ctx, js, m)
		m.Last = time.Now()
		if err == nil {
			m.Sequence, m.Error = ack.Sequence, ""
			return
		}
		m.Error = err.Error()
		var refused *jetstream.APIError
		if m.Tries == tries || m.Want == wantRejected || m.ID == "" && !errors.As(err, &refused) {
			return
		}
		if !wait.Sleep(ctx, time.Second) {
			return
		}
	}
}

func put(ctx context.Context, js jetstream.JetStream, m *message) (*jetstream.PubAck, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	msg := nats.NewMsg(m.subject())
	msg.Data = m.body
	if m.contentType != "" {
		msg.Header.Set("Content-Type", m.contentType)
	}
	if m.msgID != "" {
		msg.Header.Set("Nats-Msg-Id", m.msgID)
	}
	return js.PublishMsg(ctx, msg)
}
