package broker

import (
	"context"
	"fmt"
	"strings"
)

// The words of the ack protocol (JetStream docs, "Acknowledgement models").
const (
	wordAck        = "+ACK"
	wordInProgress = "+WPI"
	wordNak        = "-NAK"
)

// Ack tells the broker that the deliveries with these reply subjects are done: plain acks, and one on
// the last of each consumer that waits for an answer, which proves those before it.
func (b *Broker) Ack(ctx context.Context, replies []string) error {
	last := make(map[string]string, 2)
	for _, r := range replies {
		last[consumerOf(r)] = r
	}
	for _, r := range replies {
		if last[consumerOf(r)] == r {
			continue
		}
		if err := b.nc.Publish(r, []byte(wordAck)); err != nil {
			return fmt.Errorf("ack: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	for _, r := range last {
		if _, err := b.nc.RequestWithContext(ctx, r, []byte(wordAck)); err != nil {
			return fmt.Errorf("ack: %w", err)
		}
	}
	return nil
}

// consumerOf reads the stream and consumer in a reply subject, "$JS.ACK.<stream>.<consumer>.…", or
// with a domain and account before them.
func consumerOf(reply string) string {
	tokens := strings.Split(reply, ".")
	if len(tokens) >= 11 {
		return strings.Join(tokens[4:6], ".")
	}
	if len(tokens) >= 4 {
		return strings.Join(tokens[2:4], ".")
	}
	return reply
}

// InProgress keeps deliveries from coming again for another AckWait.
func (b *Broker) InProgress(replies []string) error { return b.say(replies, wordInProgress) }

// Nak gives deliveries back at once.
func (b *Broker) Nak(replies []string) error {
	if err := b.say(replies, wordNak); err != nil {
		return err
	}
	if err := b.nc.FlushTimeout(apiTimeout); err != nil {
		return fmt.Errorf("give back deliveries: %w", err)
	}
	return nil
}

func (b *Broker) say(replies []string, word string) error {
	for _, r := range replies {
		if err := b.nc.Publish(r, []byte(word)); err != nil {
			return fmt.Errorf("say %s: %w", word, err)
		}
	}
	return nil
}
