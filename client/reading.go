package client

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// pullSize is how many events are asked for at once. One has at most about 300 KiB, most have less than 1 KiB.
	pullSize = 64
	// heartbeat is how often the broker says that a pull still waits for events, for 30 s (jetstream.DefaultExpires): one
	// that is lost without a word is noticed after two of them.
	heartbeat = 5 * time.Second
	// forgotten is when the broker removes a consumer that nobody pulls from.
	forgotten = time.Minute
	// breather is between a consumer and the next, so that what fails at once does not fail all the time.
	breather = 100 * time.Millisecond
	// keptWait is how long the next event may take of those that are kept.
	keptWait = 5 * time.Second
)

var (
	errLeft = errors.New("the loop was left")
	// errAll ends a reading of what is kept.
	errAll = errors.New("all events were read")
	// errGap says that a consumer does not go on where the reading is.
	errGap = errors.New("events are missing")
	// errQuiet says that a consumer brings nothing of what it had.
	errQuiet = errors.New("no event comes")
)

// reading is where a reader of events is. A consumer of its lasts as long as the connection: after a break another takes
// over, beginning with the last message that was read. That it is still there proves that the stream is still the same.
//
// nats.go's ordered consumer would not do: it is not stopped by a context while it looks for its stream, takes a stream
// that was made anew for the old one, and asks for more rights.
type reading struct {
	c    *shared
	from From
	// ready is called, if it is set, once nothing that is stored from then on will be missed.
	ready func()
	next  uint64    // while nothing is read: the sequence to begin with, 0 as long as only from says it
	last  uint64    // sequence of the last message read, 0 for none
	at    time.Time // when that was stored
	lost  bool      // the last message is not there any more: it has expired, or the stream was made anew

	kept   uint64 // how many messages the consumer had when it was made
	place  uint64 // of the consumer's last message, among all that it delivers
	proven bool   // the consumer had the last message
}

// run reads with one consumer until that comes to an end. An error is one that another consumer does not mend.
func (r *reading) run(ctx context.Context, yield func(Event, error) bool) error {
	turned, err := r.c.line.turn()
	if err != nil {
		return err
	}
	cons, err := r.open(ctx)
	if err != nil {
		return err
	}
	for err == nil {
		err = r.pull(ctx, turned, cons, yield)
	}
	switch {
	case errors.Is(err, errLeft), errors.Is(err, errAll):
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, jetstream.ErrNoHeartbeat), errors.Is(err, errQuiet):
		if refusal := r.c.denied("$JS.API.CONSUMER.MSG.NEXT." + r.c.subjects.Stream("EVENTS")); refusal != nil {
			return refusal
		}
	}
	if err := r.c.line.connected(ctx); err != nil {
		return err
	}
	return pause(ctx, nil, breather)
}

// open makes a consumer that begins at the place of the reading.
func (r *reading) open(ctx context.Context) (jetstream.Consumer, error) {
	var cons jetstream.Consumer
	stream := r.c.subjects.Stream("EVENTS")
	err := r.c.insist(ctx, "EVENTS", "$JS.API.CONSUMER.CREATE."+stream, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, r.c.cfg.Timeout)
		defer cancel()
		var err error
		cons, err = r.c.js.CreateConsumer(ctx, stream, r.config())
		return ofJetStream(err)
	})
	if err != nil {
		return nil, err
	}
	r.place, r.proven = 0, r.last == 0 || r.lost
	info := cons.CachedInfo()
	r.kept = info.NumPending
	if r.last == 0 {
		r.next = info.Delivered.Stream + 1
	}
	if r.ready != nil {
		r.ready()
		r.ready = nil
	}
	if !r.proven && info.NumPending == 0 {
		r.lost = true
		return r.open(ctx)
	}
	return cons, nil
}

func (r *reading) config() jetstream.ConsumerConfig {
	cfg := jetstream.ConsumerConfig{
		Name:          rand.Text(), // nobody guesses it: whoever knows it can pull events away
		FilterSubject: r.c.subjects.EventOf(r.c.cfg.Source, "*"),
		AckPolicy:     jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: forgotten,
	}
	behind := func(sequence uint64) {
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, sequence+1
	}
	switch {
	case r.lost: // all, but for what take knows
	case r.last != 0:
		behind(r.last - 1)
	case r.next != 0:
		behind(r.next - 1)
	case r.from.After != 0:
		behind(r.from.After)
	case !r.from.Since.IsZero():
		cfg.DeliverPolicy, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, &r.from.Since
	case r.from.New:
		cfg.DeliverPolicy = jetstream.DeliverNewPolicy
	}
	return cfg
}

// pull asks a consumer for events once, and hands them over as they come.
func (r *reading) pull(ctx context.Context, turned <-chan struct{}, cons jetstream.Consumer, yield func(Event, error) bool) error {
	if r.from.Kept && r.place >= r.kept {
		return errAll
	}
	// Without ctx's deadline: nats.go would make that the pull's, and refuses one nearer than two heartbeats.
	pulling, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	batch, err := cons.Fetch(pullSize, jetstream.FetchContext(pulling), jetstream.FetchHeartbeat(heartbeat))
	if err != nil {
		return err
	}
	// What was kept may have expired meanwhile: then nothing comes, and a consumer made anew says how much is left.
	timer := time.NewTimer(keptWait)
	defer timer.Stop()
	for {
		select {
		case m, ok := <-batch.Messages():
			if !ok {
				return batch.Error()
			}
			if err := r.take(m, yield); err != nil {
				return err
			}
			if r.from.Kept && r.place >= r.kept {
				return errAll
			}
			timer.Reset(keptWait)
		case <-timer.C:
			if r.from.Kept {
				return errQuiet
			}
		case <-turned:
			return errLost
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// take hands a message over, if it is the next one.
func (r *reading) take(m jetstream.Msg, yield func(Event, error) bool) error {
	meta, err := m.Metadata()
	if err != nil {
		return err
	}
	if r.place++; meta.Sequence.Consumer != r.place {
		return errGap
	}
	sequence, at := meta.Sequence.Stream, meta.Timestamp
	if !r.proven {
		r.proven = sequence == r.last && at.Equal(r.at)
		r.lost = !r.proven
		if r.lost {
			return errGap
		}
		return nil
	}
	if sequence <= r.last && !at.After(r.at) {
		return nil
	}
	r.last, r.at, r.lost = sequence, at, false
	_, _, id, _ := r.c.subjects.ParseEvent(m.Subject())
	e, ok := r.c.eventOf(m.Headers(), m.Data(), id)
	if ok && !yield(Event{Event: e, Sequence: sequence, Stored: at, Raw: m.Data()}, nil) {
		return errLeft
	}
	return nil
}
