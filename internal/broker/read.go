package broker

import (
	"context"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/purge"
)

// Event is a stored event with its place in the stream. Source, Status and ID are those of its
// subject, where a source that is none is encoded.
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

// Read hands over the events of a source ("" for all) in order, until the reading is done, the
// context ends, or each returns false. ready, if not nil, is called when no event that comes will
// be missed. [client.ErrDenied] says that the rights of this user do not show them.
func (ev *Events) Read(ctx context.Context, source string, what Reading, ready func(), each func(Event) bool) error {
	err := ev.conn.unlessRefused(ctx, func(ctx context.Context) error { return ev.read(ctx, source, what, ready, each) })
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("read events: %w", err)
	}
	return nil
}

func (ev *Events) read(ctx context.Context, source string, what Reading, ready func(), each func(Event) bool) error {
	// A refusal of a question is silence: the client bounds it, but not where the context has an
	// end.
	soon, cancel := context.WithTimeout(ctx, ev.conn.answer)
	defer cancel()
	cfg := jetstream.OrderedConsumerConfig{FilterSubjects: []string{ev.conn.subjects.Events()}}
	if source != "" {
		cfg.FilterSubjects = []string{ev.conn.subject("events." + source + ".*.*")}
	}
	if what == ReadNew {
		// By sequence, not "new": the consumer may be made anew before its first message.
		stream, err := ev.conn.js.Stream(soon, ev.conn.name("EVENTS"))
		if err != nil {
			return err
		}
		cfg.DeliverPolicy = jetstream.DeliverByStartSequencePolicy
		cfg.OptStartSeq = stream.CachedInfo().State.LastSeq + 1
	}
	cons, err := ev.conn.js.OrderedConsumer(soon, ev.conn.name("EVENTS"), cfg)
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
		ours := len(at) == 5 && isEvent(m.Headers())
		if ours && !each(Event{meta.Sequence.Stream, m.Data(), at[2], purge.Status(at[3]), at[4]}) {
			return nil
		}
		if what == ReadStored && meta.NumPending == 0 {
			return nil
		}
	}
}
