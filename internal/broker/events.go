package broker

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// errFull says that the client's line of unanswered publishes is full.
var errFull = errors.New("too many publishes wait for their answer")

// PutEvents publishes terminal events, each on the condition that the request has none yet, and
// returns one error for each: nil means that its event is stored, by this call or before.
//
// This is the one place that writes events, with the one filter string that makes the condition hold
// against every other writer (I1). Only 10071 proves that an event is there: 10164, 10077, time-outs
// and lost connections are errors, and the caller tries again.
func (b *Broker) PutEvents(ctx context.Context, events []purge.Event) []error {
	msgs := make([]*nats.Msg, len(events))
	errs := make([]error, len(events))
	for i := range events {
		o := &events[i].Data
		data, err := events[i].Encode()
		if err != nil {
			errs[i] = err
			continue
		}
		msgs[i] = nats.NewMsg(b.subjects.Event(o.Source, o.Status, o.Request))
		msgs[i].Header.Set("Content-Type", purge.EventContentType)
		msgs[i].Data = data
	}
	b.publish(ctx, msgs, errs, func(i int) []jetstream.PublishOpt {
		o := &events[i].Data
		return []jetstream.PublishOpt{
			jetstream.WithExpectLastSequenceForSubject(0, b.subjects.EventOf(o.Source, o.Request)),
		}
	})
	for i, err := range errs {
		if isThere(err) {
			errs[i] = nil
		}
	}
	return errs
}

// PutDead stores dead letters, returning one error for each.
func (b *Broker) PutDead(ctx context.Context, letters []record.DeadLetter) []error {
	msgs := make([]*nats.Msg, len(letters))
	for i, d := range letters {
		m := nats.NewMsg(b.subjects.Dead(d.Code, d.Key.Source))
		m.Data = d.Data
		m.Header.Set("Edgepurge-Subject", d.Subject)
		m.Header.Set("Edgepurge-Request", d.Key.String())
		m.Header.Set("Edgepurge-Code", d.Code)
		m.Header.Set("Edgepurge-Message", headerText(d.Message))
		if d.ContentType != "" {
			m.Header.Set("Content-Type", headerText(d.ContentType))
		}
		msgs[i] = m
	}
	errs := make([]error, len(letters))
	b.publish(ctx, msgs, errs, func(i int) []jetstream.PublishOpt {
		// A refusal that is told again after a crash should not leave a second letter.
		id := strconv.FormatUint(letters[i].Sequence, 36) + "-" + strconv.FormatInt(letters[i].Stored.UnixNano(), 36)
		return []jetstream.PublishOpt{jetstream.WithMsgID(id)}
	})
	return errs
}

// headerText makes a text fit into one header line.
func headerText(s string) string {
	out := make([]byte, 0, min(len(s), 512))
	for i := 0; i < len(s) && len(out) < 512; i++ {
		if c := s[i]; c >= 0x20 && c != 0x7f {
			out = append(out, c)
		} else {
			out = append(out, ' ')
		}
	}
	return string(out)
}

// publish sends messages (nil ones are passed over) and waits for every answer.
func (b *Broker) publish(ctx context.Context, msgs []*nats.Msg, errs []error, opts func(int) []jetstream.PublishOpt) {
	futures := make([]jetstream.PubAckFuture, len(msgs))
	for i, m := range msgs {
		if m == nil {
			continue
		}
		f, err := b.js.PublishMsgAsync(m, append(opts(i), jetstream.WithStallWait(publishTimeout))...)
		if errors.Is(err, jetstream.ErrTooManyStalledMsgs) {
			err = errFull
		}
		futures[i], errs[i] = f, err
	}
	for i, f := range futures {
		if f == nil || errs[i] != nil {
			continue
		}
		select {
		case <-f.Ok():
		case errs[i] = <-f.Err():
		case <-ctx.Done():
			errs[i] = context.Cause(ctx)
		}
	}
}

// Event is a stored event with its place in the stream.
type Event struct {
	Sequence uint64
	Data     []byte
	Source   string
	Status   purge.Status
	ID       string
}

// Reading says which events are read.
type Reading int

// The readings.
const (
	ReadStored Reading = iota // those that are stored now
	ReadAll                   // those, and what comes
	ReadNew                   // only what comes
)

// Events hands over the events of a source ("" for all) in order, until the reading is done, the
// context ends, or each returns false. ready, if not nil, is called when no event that comes will be
// missed.
func (b *Broker) Events(ctx context.Context, source string, what Reading, ready func(), each func(Event) bool) error {
	if err := b.events(ctx, source, what, ready, each); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("read events: %w", err)
	}
	return nil
}

func (b *Broker) events(ctx context.Context, source string, what Reading, ready func(), each func(Event) bool) error {
	cfg := jetstream.OrderedConsumerConfig{FilterSubjects: []string{b.subjects.Events()}}
	if source != "" {
		cfg.FilterSubjects = []string{b.subject("events." + source + ".*.*")}
	}
	if what == ReadNew {
		// By sequence, not "new": the consumer may be made anew before its first message.
		stream, err := b.js.Stream(ctx, b.name("EVENTS"))
		if err != nil {
			return err
		}
		cfg.DeliverPolicy = jetstream.DeliverByStartSequencePolicy
		cfg.OptStartSeq = stream.CachedInfo().State.LastSeq + 1
	}
	cons, err := b.js.OrderedConsumer(ctx, b.name("EVENTS"), cfg)
	if err != nil {
		return err
	}
	info, err := cons.Info(ctx)
	if err != nil {
		return err
	}
	if ready != nil {
		ready()
	}
	if what == ReadStored && info.NumPending == 0 {
		return nil
	}
	it, err := cons.Messages()
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, it.Stop)()
	defer it.Stop()
	for {
		m, err := it.Next()
		if err != nil {
			return err
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		s, st, id, ok := b.subjects.ParseEvent(m.Subject())
		if ok && !each(Event{meta.Sequence.Stream, m.Data(), s, st, id}) {
			return nil
		}
		if what == ReadStored && meta.NumPending == 0 {
			return nil
		}
	}
}
