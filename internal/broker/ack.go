package broker

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The words of the ack protocol (JetStream docs, "Acknowledgement models").
const (
	wordAck        = "+ACK"
	wordInProgress = "+WPI"
	wordNak        = "-NAK"
	wordTerm       = "+TERM"
)

// Ack reports to the broker that the deliveries with these reply subjects are done: plain acks, and
// one on the last of each consumer that waits for an answer, which proves those before it.
func (rq *Requests) Ack(ctx context.Context, replies []string) error {
	var last []string // of each consumer
	for _, r := range slices.Backward(replies) {
		if !slices.ContainsFunc(last, func(l string) bool { return consumerOf(l) == consumerOf(r) }) {
			last = append(last, r)
		}
	}
	for _, r := range replies {
		if slices.Contains(last, r) {
			continue
		}
		if err := rq.conn.nc.Publish(r, []byte(wordAck)); err != nil {
			return fmt.Errorf("ack: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	for _, r := range last {
		if _, err := rq.conn.nc.RequestWithContext(ctx, r, []byte(wordAck)); err != nil {
			return fmt.Errorf("ack: %w", err)
		}
	}
	return nil
}

// consumerOf reads the stream and consumer in a reply subject, "$JS.ACK.<stream>.<consumer>.…", or
// with a domain and account before them.
func consumerOf(reply string) string {
	skip := 2
	if strings.Count(reply, ".") >= 10 {
		skip = 4
	}
	rest := reply
	for range skip {
		_, rest, _ = strings.Cut(rest, ".")
	}
	stream, tail, _ := strings.Cut(rest, ".")
	consumer, _, _ := strings.Cut(tail, ".")
	if consumer == "" {
		return reply
	}
	return rest[:len(stream)+len(".")+len(consumer)]
}

// InProgress keeps deliveries from coming again for another AckWait.
func (rq *Requests) InProgress(replies []string) error { return rq.say(replies, wordInProgress) }

// Nak returns deliveries back at once.
func (rq *Requests) Nak(replies []string) error {
	if err := rq.say(replies, wordNak); err != nil {
		return err
	}
	if err := rq.conn.nc.FlushTimeout(apiTimeout); err != nil {
		return fmt.Errorf("give back deliveries: %w", err)
	}
	return nil
}

// NakLater returns deliveries back, to come again after wait. It does not wait for the broker:
// where its word is lost, they come again after AckWait.
func (rq *Requests) NakLater(replies []string, wait time.Duration) error {
	return rq.say(replies, fmt.Sprintf(`%s {"delay": %d}`, wordNak, wait.Nanoseconds()))
}

func (rq *Requests) say(replies []string, word string) error {
	for _, r := range replies {
		if err := rq.conn.nc.Publish(r, []byte(word)); err != nil {
			return fmt.Errorf("say %s: %w", word, err)
		}
	}
	return nil
}
