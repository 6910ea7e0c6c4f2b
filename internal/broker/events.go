package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// errFull says that the client's line of underWay publishes is full.
var errFull = errors.New("too many publishes wait for their answer")

// PutEvents publishes terminal events, each on the condition that the request has none yet, and
// returns one error for each: nil means that its event is stored, by this call or before.
//
// This is the one place that writes events, with the one filter string that makes the condition hold
// against every other writer (I1). Only 10071 tells that something is there, and it counts once that is
// seen to be an event; 10164, 10077, time-outs and lost connections are errors, and the caller tries
// again.
func (b *Broker) PutEvents(ctx context.Context, events []purge.Event) []error {
	msgs := make([]*nats.Msg, len(events))
	errs := make([]error, len(events))
	for i := range events {
		data, err := events[i].Encode()
		if err != nil {
			errs[i] = err
			continue
		}
		msgs[i] = nats.NewMsg(b.eventSubject(&events[i]))
		msgs[i].Header.Set("Content-Type", purge.EventContentType)
		msgs[i].Data = data
	}
	b.publish(ctx, msgs, errs, func(i int) []jetstream.PublishOpt {
		return []jetstream.PublishOpt{jetstream.WithExpectLastSequenceForSubject(0, b.eventOf(keyOf(&events[i])))}
	})
	b.prove(ctx, events, msgs, errs)
	return errs
}

func keyOf(e *purge.Event) record.Key { return record.Key{Source: e.Data.Source, ID: e.Data.Request} }

// eventSubject is where an event is stored, whatever its source.
func (b *Broker) eventSubject(e *purge.Event) string {
	return b.subjects.Event(token(e.Data.Source), e.Data.Status, e.Data.Request)
}

// eventOf is the one filter string of a request's event.
func (b *Broker) eventOf(k record.Key) string { return b.subjects.EventOf(token(k.Source), k.ID) }

// isEvent tells our events from what else may lie under their subjects: a producer can name any subject
// as the one for the server's answer to its publish, and the server checks no permission for that. Where a producer may
// read its own events, it can have them sent there too; but an event keeps the condition of its publish, which no copy of
// it fulfils.
func isEvent(h nats.Header) bool { return h.Get("Content-Type") == purge.EventContentType }

// prove turns those errors into nil that mean that the request has its event.
func (b *Broker) prove(ctx context.Context, events []purge.Event, msgs []*nats.Msg, errs []error) {
	var keys []record.Key
	for i, err := range errs {
		if isThere(err) {
			keys = append(keys, keyOf(&events[i]))
		}
	}
	found, err := b.EventsOf(ctx, keys)
	for i := range errs {
		if !isThere(errs[i]) {
			continue
		}
		k := keyOf(&events[i])
		if _, ok := found[k]; ok || err != nil {
			errs[i] = err
			continue
		}
		errs[i] = b.putOver(ctx, msgs[i], b.eventOf(k))
	}
}

// HasEvent tells whether a request has its terminal event. It asks the stream's leader, so that both
// answers are proof.
func (b *Broker) HasEvent(ctx context.Context, k record.Key) (bool, error) {
	has, _, err := b.lookFor(ctx, b.eventOf(k))
	return has, err
}

// lookFor looks for an event among what lies under a filter, and gives the last sequence when none is.
func (b *Broker) lookFor(ctx context.Context, filter string) (has bool, last uint64, err error) {
	for {
		sequence, header, err := b.leadersNext(ctx, b.name("EVENTS"), filter, last+1)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return false, last, nil
		}
		if err != nil {
			return false, 0, fmt.Errorf("look for event: %w", err)
		}
		last = sequence
		if isEvent(header) {
			return true, last, nil
		}
	}
}

// putOver stores an event on the condition that what is there are none, and nothing is added to it.
func (b *Broker) putOver(ctx context.Context, event *nats.Msg, filter string) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	has, last, err := b.lookFor(ctx, filter)
	if err != nil || has {
		return err
	}
	if _, err := b.js.PublishMsg(ctx, event, jetstream.WithExpectLastSequenceForSubject(last, filter)); err != nil {
		return fmt.Errorf("publish event: %w", err)
	}
	return nil
}

// underWay bounds the publishes of one lot that wait for their answer: enough to keep the broker busy, and
// little enough that what is urgent on the same connection does not wait behind them.
const underWay = 128

// publish sends messages (nil ones are passed over) and waits for every answer.
func (b *Broker) publish(ctx context.Context, msgs []*nats.Msg, errs []error, opts func(int) []jetstream.PublishOpt) {
	futures := make([]jetstream.PubAckFuture, len(msgs))
	answer := func(i int) {
		f := futures[i]
		if f == nil || errs[i] != nil {
			return
		}
		select {
		case <-f.Ok():
		case err := <-f.Err():
			errs[i] = b.alarmed(err)
		case <-ctx.Done():
			errs[i] = context.Cause(ctx)
		}
	}
	for i, m := range msgs {
		if i >= underWay {
			answer(i - underWay)
		}
		if m == nil {
			continue
		}
		f, err := b.js.PublishMsgAsync(m, append(opts(i), jetstream.WithStallWait(publishTimeout))...)
		if errors.Is(err, jetstream.ErrTooManyStalledMsgs) {
			err = errFull
		}
		futures[i], errs[i] = f, err
	}
	for i := max(0, len(msgs)-underWay); i < len(msgs); i++ {
		answer(i)
	}
}

// Event is a stored event with its place in the stream. Source, Status and ID are those of its subject, where
// a source that is none is encoded.
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
// missed. [client.ErrDenied] says that the rights of this user do not show them.
func (b *Broker) Events(ctx context.Context, source string, what Reading, ready func(), each func(Event) bool) error {
	err := b.unlessRefused(ctx, func(ctx context.Context) error { return b.events(ctx, source, what, ready, each) })
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("read events: %w", err)
	}
	return nil
}

func (b *Broker) events(ctx context.Context, source string, what Reading, ready func(), each func(Event) bool) error {
	// A refusal of a question is silence: the client bounds it, but not where the context has an end.
	soon, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	cfg := jetstream.OrderedConsumerConfig{FilterSubjects: []string{b.subjects.Events()}}
	if source != "" {
		cfg.FilterSubjects = []string{b.subject("events." + source + ".*.*")}
	}
	if what == ReadNew {
		// By sequence, not "new": the consumer may be made anew before its first message.
		stream, err := b.js.Stream(soon, b.name("EVENTS"))
		if err != nil {
			return err
		}
		cfg.DeliverPolicy = jetstream.DeliverByStartSequencePolicy
		cfg.OptStartSeq = stream.CachedInfo().State.LastSeq + 1
	}
	cons, err := b.js.OrderedConsumer(soon, b.name("EVENTS"), cfg)
	if err != nil {
		return err
	}
	info, err := cons.Info(soon)
	if err != nil {
		return err
	}
	if ready != nil {
		ready()
	}
	if what == ReadStored && info.NumPending == 0 {
		return nil
	}
	var opts []jetstream.PullMessagesOpt
	if what == ReadStored { // who follows has time: a pull of his may be quiet for longer
		opts = append(opts, jetstream.PullHeartbeat(storedHeartbeat))
	}
	it, err := cons.Messages(opts...)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, it.Stop)()
	defer it.Stop()
	next := func() (jetstream.Msg, error) { return it.Next() }
	if what == ReadStored {
		next = func() (jetstream.Msg, error) { return nextStored(ctx, cons, it) }
	}
	for {
		m, err := next()
		if err != nil || m == nil {
			return err
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		at := strings.Split(m.Subject(), ".") // prefix, events, source, status, id
		if len(at) == 5 && isEvent(m.Headers()) && !each(Event{meta.Sequence.Stream, m.Data(), at[2], purge.Status(at[3]), at[4]}) {
			return nil
		}
		if what == ReadStored && meta.NumPending == 0 {
			return nil
		}
	}
}

const (
	// storedHeartbeat is the least that a pull may have: one that is lost is noticed after two of them, and made again.
	storedHeartbeat = 500 * time.Millisecond
	// goneWait is how long a stored message is waited for until the broker is asked whether there is one. It is longer than
	// what it takes to notice a lost pull.
	goneWait = 2 * time.Second
	// goneAnswers is how often in a row the broker says that nothing is left until that is believed: what it sent may be
	// under way. goneFailures is how often it may not answer, as while it restarts.
	goneAnswers, goneFailures = 2, 10
)

// nextStored gives the next message; nil when those that were left have been removed meanwhile.
func nextStored(ctx context.Context, cons jetstream.Consumer, it jetstream.MessagesContext) (jetstream.Msg, error) {
	for gone, failed := 0, 0; ; {
		m, err := it.Next(jetstream.NextMaxWait(goneWait))
		if !errors.Is(err, nats.ErrTimeout) {
			return m, err
		}
		switch left, err := pending(ctx, cons); {
		case err != nil:
			if failed++; failed == goneFailures || ctx.Err() != nil {
				return nil, err
			}
		case left > 0:
			gone, failed = 0, 0
		default:
			if gone++; gone == goneAnswers {
				return nil, nil
			}
		}
	}
}

func pending(ctx context.Context, cons jetstream.Consumer) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	info, err := cons.Info(ctx)
	if err != nil {
		return 0, err
	}
	return info.NumPending, nil
}
