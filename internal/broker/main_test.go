package broker_test

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	producer "github.com/edgepurge/edgepurge/client"
	"github.com/edgepurge/edgepurge/e2e/kit"
	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/natstest"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

func TestMain(m *testing.M) {
	// More at once than there are cores: most of these tests wait for a lease or a heartbeat to run
	// out.
	kit.Parallel(16)
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for what should come soon.
const patience = 30 * time.Second

func settings() broker.Settings {
	return broker.Settings{
		Prefix: "purge", Replicas: 1, MaxBytes: 256 << 20, ParkedMaxBytes: 128 << 20, ProgressMaxBytes: 64 << 20,
		EventsKeep: 7 * 24 * time.Hour, DeadKeep: 30 * 24 * time.Hour,
		BulkWindow: 50_000, InteractiveWindow: 5_000,
	}
}

// withUsers starts a server that knows these users and nobody else.
func withUsers(t *testing.T, users ...*server.User) *natstest.Server {
	t.Helper()
	return natstest.Start(t, func(o *server.Options) { o.Users = users })
}

// open connects without waiting for the server.
func open(t *testing.T, dial broker.Dial, set broker.Settings) *broker.Broker {
	t.Helper()
	b, err := broker.Connect(dial, set, zap.NewNop())
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(b.Conn.Close)
	return b
}

func ready(t *testing.T, b *broker.Broker) *broker.Broker {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := b.Conn.Ready(ctx, func(error) {}); err != nil {
		t.Fatalf("get ready: %v", err)
	}
	return b
}

func connect(t *testing.T, s *natstest.Server, set broker.Settings) *broker.Broker {
	t.Helper()
	return ready(t, open(t, broker.Dial{URL: s.URL}, set))
}

func provision(t *testing.T, b *broker.Broker) *broker.Broker {
	t.Helper()
	if err := b.Streams.Provision(t.Context(), false); err != nil {
		t.Fatalf("provision: %v", err)
	}
	return b
}

// provisioned gives a broker with all its streams, on a server of its own.
func provisioned(t *testing.T) (*broker.Broker, *natstest.Server) {
	t.Helper()
	s := natstest.Start(t, nil)
	return provision(t, connect(t, s, settings())), s
}

// client is a plain client to look at a server with.
func client(t *testing.T, s *natstest.Server, opts ...nats.Option) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(s.URL, opts...)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(patience))
	if err != nil {
		t.Fatalf("open jetstream: %v", err)
	}
	return js
}

// eventually polls until ok, and fails the test when that does not come.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not within %v", what, patience)
		case <-tick.C:
		}
	}
}

// pause lets time pass where the test is about time.
func pause(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-t.Context().Done():
	case <-time.After(d):
	}
}

func stream(t *testing.T, js jetstream.JetStream, name string) jetstream.Stream {
	t.Helper()
	s, err := js.Stream(t.Context(), name)
	if err != nil {
		t.Fatalf("look up stream %s: %v", name, err)
	}
	return s
}

// stored counts a stream's messages.
func stored(t *testing.T, js jetstream.JetStream, name string) int {
	t.Helper()
	return int(stream(t, js, name).CachedInfo().State.Msgs)
}

// messages gives what a stream holds under a filter, oldest first.
func messages(t *testing.T, js jetstream.JetStream, name, filter string) []*jetstream.RawStreamMsg {
	t.Helper()
	s := stream(t, js, name)
	var all []*jetstream.RawStreamMsg
	for sequence := uint64(1); ; {
		m, err := s.GetMsg(t.Context(), sequence, jetstream.WithGetMsgSubject(filter))
		if err != nil {
			return all
		}
		for _, added := range []string{"Nats-Stream", "Nats-Subject", "Nats-Sequence", "Nats-Time-Stamp"} {
			m.Header.Del(added) // by a direct get
		}
		all = append(all, m)
		sequence = m.Sequence + 1
	}
}

// send publishes a message as any client might, with headers in pairs.
func send(t *testing.T, js jetstream.JetStream, subject string, data []byte, headers ...string) error {
	t.Helper()
	m := nats.NewMsg(subject)
	m.Data = data
	for i := 0; i < len(headers); i += 2 {
		m.Header[headers[i]] = []string{headers[i+1]}
	}
	_, err := js.PublishMsg(t.Context(), m, jetstream.WithRetryAttempts(0))
	return err
}

func mustSend(t *testing.T, js jetstream.JetStream, subject string, data []byte, headers ...string) {
	t.Helper()
	if err := send(t, js, subject, data, headers...); err != nil {
		t.Fatalf("publish to %s: %v", subject, err)
	}
}

// request publishes n requests of a lane.
func request(t *testing.T, b *broker.Broker, lane purge.Lane, n int) {
	t.Helper()
	publish(t, b, lane, "ghost", func(yield func(purge.Request) bool) {
		for i := range n {
			if !yield(purge.Request{Targets: []string{fmt.Sprintf("https://a.example/%d", i)}}) {
				return
			}
		}
	})
}

// publish publishes requests as a producer does.
func publish(t *testing.T, b *broker.Broker, lane purge.Lane, source string, requests iter.Seq[purge.Request]) {
	t.Helper()
	c, err := b.Conn.Client(producer.Config{Source: source, Lane: lane})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(t.Context()) }()
	for _, err := range c.PurgeMany(t.Context(), requests) {
		if err != nil {
			t.Fatalf("publish request: %v", err)
		}
	}
}

func lane(t *testing.T, b *broker.Broker, name purge.Lane) *broker.Lane {
	t.Helper()
	l, err := b.Requests.Lane(t.Context(), name)
	if err != nil {
		t.Fatalf("bind: %v", err)
	}
	return l
}

// pull pulls until there are n deliveries, whatever passing error comes in between.
func pull(t *testing.T, l *broker.Lane, n int) []record.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var got []record.Delivery
	for len(got) < n {
		lot, err := l.Pull(ctx, n-len(got))
		if ctx.Err() != nil {
			t.Fatalf("got %d deliveries in %v, want %d (%v)", len(got), patience, n, err)
		}
		got = append(got, lot...)
	}
	return got
}

// pullAll is pull, and counts the pulls that were lost: on a slow machine the server may be silent
// for so long that it passes for gone. What such a pull brought comes again.
func pullAll(t *testing.T, l *broker.Lane, n int) (got []record.Delivery, lost int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	seen := make(map[uint64]bool)
	for len(seen) < n {
		lot, err := l.Pull(ctx, n-len(seen))
		if ctx.Err() != nil {
			t.Fatalf("got %d messages in %v, want %d (%v)", len(seen), patience, n, err)
		}
		if err != nil {
			lost++
		}
		for _, d := range lot {
			seen[d.Sequence] = true
		}
		got = append(got, lot...)
	}
	return got, lost
}

// inOrder checks that messages came in order, and once, except for what came again after a pull was
// lost.
func inOrder(t *testing.T, got []record.Delivery, lost int) {
	t.Helper()
	last := uint64(0)
	for i, d := range got {
		switch {
		case d.Count > 1 && lost > 0:
		case d.Count > 1 || d.Sequence <= last:
			t.Errorf("delivery %d: got message %d, count %d, after message %d, want them in order and once", i, d.Sequence, d.Count, last)
		default:
			last = d.Sequence
		}
	}
}

// pullFor gives what a lane brings within d.
func pullFor(t *testing.T, l *broker.Lane, d time.Duration) []record.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	var got []record.Delivery
	for {
		lot, err := l.Pull(ctx, broker.PullMessages)
		got = append(got, lot...)
		if ctx.Err() != nil {
			return got
		}
		if err != nil {
			t.Fatalf("pull: %v", err)
		}
	}
}

func repliesOf(lot []record.Delivery) []string {
	replies := make([]string, len(lot))
	for i, d := range lot {
		replies[i] = d.Reply
	}
	return replies
}

func depth(t *testing.T, l *broker.Lane) [2]int {
	t.Helper()
	waiting, held, err := l.Depth(t.Context())
	if err != nil {
		t.Fatalf("depth: %v", err)
	}
	return [2]int{waiting, held}
}

func event(source, id string, status purge.Status) purge.Event {
	return purge.NewEvent("test", purge.Outcome{Request: id, Source: source, Status: status, Digest: "digest of " + id}, time.Now())
}

// tell publishes events and wants all of them stored.
func tell(t *testing.T, b *broker.Broker, events ...purge.Event) {
	t.Helper()
	for i, err := range b.Events.Publish(t.Context(), events) {
		if err != nil {
			t.Fatalf("publish event of %s: %v", events[i].Subject, err)
		}
	}
}
