package main

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/purge"
)

// told is a terminal event, as far as it is of interest here.
type told struct {
	stored time.Time // by the NATS server's clock
	jobs   []string
}

// told reads all events that are stored now.
func (w *world) told(ctx context.Context) ([]told, error) {
	state, err := w.state(ctx, "PURGE_EVENTS")
	if err != nil {
		return nil, err
	}
	cons, err := w.js.OrderedConsumer(ctx, "PURGE_EVENTS", jetstream.OrderedConsumerConfig{})
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	list := make([]told, 0, state.Msgs)
	for uint64(len(list)) < state.Msgs {
		lot, err := cons.Fetch(500, jetstream.FetchMaxWait(5*time.Second))
		if err != nil {
			return nil, fmt.Errorf("read events: %w", err)
		}
		before := len(list)
		for m := range lot.Messages() {
			t, err := readEvent(m)
			if err != nil {
				return nil, err
			}
			list = append(list, t)
		}
		if len(list) == before {
			return nil, fmt.Errorf("read events: got %d of %d: %w", len(list), state.Msgs, lot.Error())
		}
	}
	return list, nil
}

func readEvent(m jetstream.Msg) (told, error) {
	meta, err := m.Metadata()
	if err != nil {
		return told{}, fmt.Errorf("read events: %w", err)
	}
	e, err := purge.DecodeEvent(m.Data())
	if err != nil {
		return told{}, err
	}
	if e.Data.Status != purge.Completed {
		return told{}, fmt.Errorf("%s ended %s, want %s", e.Subject, e.Data.Status, purge.Completed)
	}
	return told{meta.Timestamp, e.Data.Jobs}, nil
}
