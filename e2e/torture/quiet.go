package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/wait"
)

// quiet waits until nothing is left to do: no request, no job, nothing parked, and for a while no new event. It tells
// what is left when the context ends first.
func (w *world) quiet(ctx context.Context) (left string, quiet bool) {
	const still = 3 * time.Second
	var events uint64
	since := time.Now()
	for {
		n, what := w.left(ctx)
		told := w.state(ctx, "PURGE_EVENTS")
		if n > 0 || told == nil || told.LastSeq != events {
			since = time.Now()
		}
		if told != nil {
			events = told.LastSeq
		}
		if time.Since(since) > still {
			return "", true
		}
		if !wait.Sleep(ctx, 200*time.Millisecond) {
			return what, false
		}
	}
}

// left tells what the workers still have to do; more than none where the broker can't tell.
func (w *world) left(ctx context.Context) (n int, what string) {
	var text []string
	for _, name := range []string{"PURGE_REQUESTS", "PURGE_JOBS", "PURGE_PARKED"} {
		s := w.state(ctx, name)
		if s == nil {
			return 1, name + " does not answer"
		}
		n += int(s.Msgs)
		text = append(text, fmt.Sprintf("%s %d", name, s.Msgs))
	}
	return n, strings.Join(text, ", ")
}

// collect writes what is stored in the end: events, dead letters, and the emulator's rows.
func (w *world) collect(ctx context.Context, from time.Time) error {
	err := w.dump(ctx, "PURGE_EVENTS", eventsFile, func(m jetstream.Msg, meta *jetstream.MsgMetadata) any {
		return told{Subject: m.Subject(), Sequence: meta.Sequence.Stream, Stored: meta.Timestamp, Event: m.Data()}
	})
	err = errors.Join(err, w.dump(ctx, "PURGE_DEAD", lettersFile, func(m jetstream.Msg, _ *jetstream.MsgMetadata) any {
		return letter{m.Subject(), m.Headers().Get("Edgepurge-Request"), m.Headers().Get("Edgepurge-Code")}
	}))
	n, openErr := newNotes(w.dir, rowsFile)
	if openErr != nil {
		return errors.Join(err, openErr)
	}
	return errors.Join(err, w.rows(ctx, from, n), n.close())
}

// dump writes a line for each message of a stream.
func (w *world) dump(ctx context.Context, stream, file string, line func(jetstream.Msg, *jetstream.MsgMetadata) any) error {
	n, err := newNotes(w.dir, file)
	if err != nil {
		return err
	}
	return errors.Join(w.each(ctx, stream, func(m jetstream.Msg) error {
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("read %s: %w", stream, err)
		}
		n.add(line(m, meta))
		return nil
	}), n.close())
}

// each reads every message of a stream. A consumer may be lost on the way: a new one goes on where it was.
func (w *world) each(ctx context.Context, stream string, do func(jetstream.Msg) error) error {
	next, last := uint64(1), uint64(0)
	for range 10 {
		if s := w.state(ctx, stream); s != nil {
			next, last = max(next, s.FirstSeq), s.LastSeq
			if next > last {
				return nil
			}
		}
		seen, err := w.some(ctx, stream, next, last, do)
		if err != nil && ctx.Err() != nil {
			return err
		}
		next = max(next, seen+1)
	}
	return fmt.Errorf("read %s: what comes after message %d does not come", stream, next-1)
}

// some reads from one sequence to another as long as messages come, and returns the last that came.
func (w *world) some(ctx context.Context, stream string, next, last uint64, do func(jetstream.Msg) error) (seen uint64, err error) {
	cons, err := w.js.OrderedConsumer(ctx, stream, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: next,
	})
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", stream, err)
	}
	for seen < last {
		lot, err := cons.Fetch(500, jetstream.FetchMaxWait(3*time.Second))
		if err != nil {
			return seen, fmt.Errorf("read %s: %w", stream, err)
		}
		before := seen
		for m := range lot.Messages() {
			meta, err := m.Metadata()
			if err != nil {
				return seen, fmt.Errorf("read %s: %w", stream, err)
			}
			if meta.Sequence.Stream <= seen {
				continue
			}
			if err := do(m); err != nil {
				return seen, err
			}
			seen = meta.Sequence.Stream
		}
		if seen == before {
			return seen, fmt.Errorf("read %s: no more messages come: %w", stream, lot.Error())
		}
	}
	return seen, nil
}
