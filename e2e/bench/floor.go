package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/purge"
)

// floorCommand is the first argument of the process that does without any of edgepurge what its worker can't do
// without: the floor of what its time can be.
const floorCommand = "floor"

const (
	// pullMessages and pullBytes bound a pull, as they do in the worker.
	pullMessages = 4096
	pullBytes    = 4 << 20
	pullWait     = 10 * time.Second
)

// floorTimes is what that process prints: when it began with its work, and when that was done.
type floorTimes struct {
	Begin time.Time `json:"begin"`
	End   time.Time `json:"end"`
}

// floor fetches and acks the messages of a stream, or publishes events.
func floor(ctx context.Context, args []string, stdout io.Writer) error {
	f := flag.NewFlagSet(floorCommand, flag.ContinueOnError)
	url := f.String("url", "", "")
	installation := f.String("prefix", "", "")
	what := f.String("what", "", "fetch or events")
	n := f.Int("n", 0, "")
	if err := f.Parse(args); err != nil {
		return err
	}
	subjects := purge.Subjects{Prefix: *installation}
	nc, err := nats.Connect(*url)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer nc.Close()
	times := floorTimes{Begin: time.Now()}
	if *what == "fetch" {
		err = fetchAll(ctx, nc, subjects.Stream("REQUESTS"), string(purge.Bulk), *n)
	} else {
		times.Begin, err = publishEvents(ctx, nc, subjects, *n)
	}
	if err != nil {
		return err
	}
	times.End = time.Now()
	return json.NewEncoder(stdout).Encode(times)
}

// fetchAll pulls messages, and acks each when it comes.
func fetchAll(ctx context.Context, nc *nats.Conn, stream, consumer string, n int) error {
	inbox := nc.NewInbox()
	msgs := make(chan *nats.Msg, 2*pullMessages) // those of a pull, and notices
	if _, err := nc.ChanSubscribe(inbox+".*", msgs); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	pull, err := json.Marshal(map[string]any{"batch": pullMessages, "max_bytes": pullBytes, "expires": pullWait})
	if err != nil {
		return fmt.Errorf("encode pull: %w", err)
	}
	for turn := 0; n > 0; turn++ {
		reply := inbox + "." + strconv.Itoa(turn)
		if err := nc.PublishRequest("$JS.API.CONSUMER.MSG.NEXT."+stream+"."+consumer, reply, pull); err != nil {
			return fmt.Errorf("pull: %w", err)
		}
		got, err := ackPull(ctx, nc, msgs, reply, min(pullMessages, n))
		if err != nil {
			return err
		}
		n -= got
	}
	return nc.FlushTimeout(publishWait)
}

// ackPull acks what one pull brings, and tells how many came. A pull ends with its last message, or with a notice: where
// it is full in bytes, and at its end in time.
func ackPull(ctx context.Context, nc *nats.Conn, msgs <-chan *nats.Msg, reply string, want int) (got int, err error) {
	for got < want {
		select {
		case m := <-msgs:
			if m.Reply == "" {
				if m.Subject == reply && m.Header.Get("Status") != "100" {
					return got, nil
				}
				continue
			}
			if err := nc.Publish(m.Reply, []byte("+ACK")); err != nil {
				return got, fmt.Errorf("ack: %w", err)
			}
			got++
		case <-ctx.Done():
			return got, context.Cause(ctx)
		}
	}
	return got, nil
}

// publishEvents publishes events as big as the worker's, on the same condition as it does (I1). It tells when all of them
// were encoded, and the publishing began.
func publishEvents(ctx context.Context, nc *nats.Conn, subjects purge.Subjects, n int) (time.Time, error) {
	events := make([][]byte, n)
	for i := range events {
		var err error
		if events[i], err = likeAnEvent(i).Encode(); err != nil {
			return time.Time{}, err
		}
	}
	p, err := newPublisher(nc)
	if err != nil {
		return time.Time{}, err
	}
	begin := time.Now()
	for i, data := range events {
		m := nats.NewMsg(subjects.Event(source, purge.Completed, name(i)))
		m.Header.Set("Content-Type", purge.EventContentType)
		m.Data = data
		if err := p.put(m, jetstream.WithExpectLastSequenceForSubject(0, subjects.EventOf(source, name(i)))); err != nil {
			return begin, err
		}
	}
	return begin, p.done(ctx)
}

func likeAnEvent(i int) purge.Event {
	now := time.Now().UTC()
	return purge.NewEvent("default", purge.Outcome{
		Request: name(i), Source: source, Lane: purge.Bulk, Status: purge.Completed, Zones: []string{zone}, Type: purge.URL,
		Targets: purge.Counts{Total: 1, Succeeded: 1}, Jobs: []string{"37z9s40b2gh0"}, Attempts: 1,
		Digest: purge.Request{Zone: zone, Targets: []string{page(i)}}.Digest(),
		Times:  purge.Times{Received: now, Submitted: now, Finished: now},
	}, now)
}
