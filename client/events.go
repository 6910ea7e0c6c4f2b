package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/edgepurge/edgepurge/purge"
)

// Event is a terminal event with its place in the stream of events.
type Event struct {
	purge.Event
	// Sequence is its place: greater than that of every event before it. A later reading goes on behind it with
	// From{After: e.Sequence}.
	Sequence uint64
	// Stored is when the broker stored it, by its clock.
	Stored time.Time
	// Raw is the event as it is stored, in JSON, with what this version of the package does not know.
	Raw []byte
}

// From says where a reading of events begins: the zero From with the oldest that is kept. At most one of After, Since and
// New is set.
type From struct {
	// After begins behind the event with this sequence, whether it is kept or not.
	After uint64
	// Since begins with the first event that the broker stored at this time or later, by its clock.
	Since time.Time
	// New begins with what is stored from now on: what was stored before the reading found the stream is passed over.
	New bool
	// Kept ends the reading behind the last event that was stored when it began; without it, it goes on with what comes. A
	// reading that lost its connection may also yield some that came since then.
	Kept bool
}

// Events reads the terminal events of the source in their order, those that are kept and then those that come, until the
// context ends or the loop is left. It goes on over lost connections and restarts of servers: none is left out, and none
// comes twice. It reads ahead of the loop by up to 64 events, and none is acked: what a program must not handle twice or
// miss over its own restarts, it notes by the sequence. Several readings are independent, and each is a consumer in the
// broker, in memory, which the broker removes a minute after it is left.
//
// An error is the last of a reading: the cause of the context, or what going on can't mend: [ErrNoStream], [ErrDenied],
// [ErrClosed], a connection that is closed, or a From that can't be. What is not an event of version 1 is passed over.
//
// A stream that is deleted and made anew is read from its beginning, once an event was read from the one before. A
// sequence that was noted before that means nothing any more.
func (c *Client) Events(ctx context.Context, from From) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		ctx, cancel := c.until(ctx)
		defer cancel()
		r := reading{c: c.shared, from: from}
		err := from.check()
		for err == nil {
			err = r.run(ctx, yield)
		}
		if errors.Is(err, errLeft) || errors.Is(err, errAll) {
			return
		}
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		yield(Event{}, fmt.Errorf("read events: %w", err))
	}
}

func (f From) check() error {
	n := 0
	for _, set := range []bool{f.After != 0, !f.Since.IsZero(), f.New} {
		if set {
			n++
		}
	}
	if n > 1 {
		return errors.New("at most one of After, Since and New can be set")
	}
	return nil
}
