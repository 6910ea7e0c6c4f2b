package broker_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

func TestAck_ProvesAllByTheLastOfEachConsumer(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	const n = 2500
	request(t, b, purge.Interactive, n)
	request(t, b, purge.Bulk, n)
	lanes := []*broker.Lane{lane(t, b, purge.Interactive), lane(t, b, purge.Bulk)}
	var replies []string
	for _, l := range lanes {
		replies = append(replies, repliesOf(pull(t, l, n))...)
	}
	slices.Reverse(replies) // the last is not the newest

	watch := js.Conn()
	acks, proofs := 0, 0
	sub, err := watch.Subscribe("$JS.ACK.>", func(m *nats.Msg) {
		acks++
		if m.Reply != "" {
			proofs++
		}
	})
	if err != nil {
		t.Fatalf("subscribe: %v", err)
	}
	if err := watch.Flush(); err != nil {
		t.Fatalf("flush: %v", err)
	}
	if err := b.Requests.Ack(t.Context(), replies); err != nil {
		t.Fatalf("ack: %v", err)
	}
	for _, l := range lanes {
		if got := depth(t, l); got != [2]int{} {
			t.Errorf("got %v waiting and held right after, want none", got)
		}
	}
	if got := stored(t, js, "PURGE_REQUESTS"); got != 0 {
		t.Errorf("got %d messages, want none", got)
	}
	if err := sub.Drain(); err != nil {
		t.Fatalf("drain: %v", err)
	}
	eventually(t, "the watch has seen all", func() bool { return !sub.IsValid() })
	if acks != 2*n || proofs != 2 {
		t.Errorf("got %d acks, %d of them with a proof, want %d and 2", acks, proofs, 2*n)
	}
	if err := b.Requests.Ack(t.Context(), replies[:3]); err != nil {
		t.Errorf("the second time: %v", err)
	}
	if err := b.Requests.Ack(t.Context(), nil); err != nil {
		t.Errorf("none: %v", err)
	}
}

func TestAck_IsAnErrorWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	request(t, b, purge.Bulk, 2)
	replies := repliesOf(pull(t, lane(t, b, purge.Bulk), 2))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Requests.Ack(ended, replies[:1]); err == nil {
		t.Error("got nil though nobody waited for the answer")
	}
	if err := client(t, s).DeleteStream(t.Context(), "PURGE_REQUESTS"); err != nil {
		t.Fatalf("delete stream: %v", err)
	}
	if err := b.Requests.Ack(t.Context(), replies); err == nil {
		t.Error("got nil though the consumer is gone")
	}
	s.Stop()
	eventually(t, "the connection is lost", func() bool { return b.Conn.Check() != nil })
	for what, err := range map[string]error{
		"one ack": b.Requests.Ack(t.Context(), replies[:1]), "acks": b.Requests.Ack(t.Context(), replies),
		"in progress": b.Requests.InProgress(replies), "nak": b.Requests.Nak(replies),
	} {
		if err == nil {
			t.Errorf("%s: got nil while the server is away", what)
		}
	}
}

func TestConsumerOf(t *testing.T) {
	t.Parallel()
	for reply, want := range map[string]string{
		"$JS.ACK.PURGE_REQUESTS.bulk.1.2.3.1700000000000000000.4":               "PURGE_REQUESTS.bulk",
		"$JS.ACK.CDN-2_REQUESTS.interactive.9.2.3.1700000000000000000.4":        "CDN-2_REQUESTS.interactive",
		"$JS.ACK._.ACCOUNT.PURGE_REQUESTS.bulk.1.2.3.1700000000000000000.4":     "PURGE_REQUESTS.bulk",
		"$JS.ACK.hub.ACCOUNT.PURGE_REQUESTS.bulk.1.2.3.1700000000000000000.4.r": "PURGE_REQUESTS.bulk",
		"$JS.ACK.odd": "$JS.ACK.odd",
		"":            "",
	} {
		if got := broker.ConsumerOf(reply); got != want {
			t.Errorf("%s: got %q, want %q", reply, got, want)
		}
	}
}

func TestInProgress_HoldsADelivery(t *testing.T) {
	t.Parallel()
	b, _ := provisioned(t)
	request(t, b, purge.Bulk, 2)
	l := lane(t, b, purge.Bulk)
	if _, err := l.ShortenAckWait(t.Context()); err != nil { // an AckWait of a second
		t.Fatalf("hurry: %v", err)
	}
	lot := pull(t, l, 2)
	kept := lot[0].Sequence
	for range 8 {
		if err := b.Requests.InProgress([]string{lot[0].Reply}); err != nil {
			t.Fatalf("in progress: %v", err)
		}
		for _, d := range pullFor(t, l, 300*time.Millisecond) {
			if d.Sequence == kept {
				t.Fatalf("the message that was kept came again, count %d", d.Count)
			}
			lot[1] = d
		}
	}
	if lot[1].Count < 2 {
		t.Errorf("the message that was not kept came %d times, want again", lot[1].Count)
	}
	eventually(t, "it comes again once it is not kept", func() bool {
		return slices.Contains(sequencesOf(pull(t, l, 1)), kept)
	})
}

func TestNak_GivesBackAtOnce(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	request(t, b, purge.Bulk, 100)
	lot := pull(t, lane(t, b, purge.Bulk), 100)
	other := lane(t, connect(t, s, settings()), purge.Bulk)
	start := time.Now()
	if err := b.Requests.Nak(repliesOf(lot)); err != nil {
		t.Fatalf("nak: %v", err)
	}
	for _, d := range pull(t, other, 100) {
		if d.Count != 2 {
			t.Errorf("message %d: got count %d, want 2", d.Sequence, d.Count)
		}
	}
	if took := time.Since(start); took > other.AckWait()/2 {
		t.Errorf("took %v, want at once, not after %v", took, other.AckWait())
	}
	if err := b.Requests.Nak(nil); err != nil {
		t.Errorf("none: %v", err)
	}
}

func sequencesOf(lot []record.Delivery) []uint64 {
	all := make([]uint64, len(lot))
	for i, d := range lot {
		all[i] = d.Sequence
	}
	return all
}
