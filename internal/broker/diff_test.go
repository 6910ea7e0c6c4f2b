package broker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/natstest"
)

func TestDiff_NamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil)
	b := connect(t, s, settings())
	missing := func() []string {
		t.Helper()
		changes, err := b.Streams.Diff(t.Context())
		if err != nil {
			t.Fatalf("diff: %v", err)
		}
		var names []string
		for _, c := range changes {
			names = append(names, c.String())
		}
		return names
	}
	want := []string{
		"PURGE_REQUESTS: missing", "PURGE_REQUESTS/interactive: missing", "PURGE_REQUESTS/bulk: missing",
		"PURGE_EVENTS: missing", "PURGE_DEAD: missing", "PURGE_JOBS: missing", "PURGE_PROGRESS: missing", "PURGE_PARKED: missing",
		"PURGE_CONTROL: missing", "PURGE_CONTROL/owner: missing",
	}
	if diff := cmp.Diff(want, missing()); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	err := b.Streams.Verify(t.Context())
	if err == nil || !strings.Contains(err.Error(), "run `edgepurge setup`") || !strings.Contains(err.Error(), "PURGE_DEAD: missing") {
		t.Errorf("got %v, want what is missing and what to do", err)
	}
	if got := missing(); len(got) != len(want) {
		t.Errorf("got %v after a look, want nothing to be made", got)
	}
	provision(t, b)
	if got := missing(); got != nil {
		t.Errorf("got %v after provision, want nothing", got)
	}
	if err := client(t, s).DeleteConsumer(t.Context(), "PURGE_REQUESTS", "bulk"); err != nil {
		t.Fatalf("delete consumer: %v", err)
	}
	if diff := cmp.Diff([]string{"PURGE_REQUESTS/bulk: missing"}, missing()); diff != "" {
		t.Errorf("without a consumer (-want +got):\n%s", diff)
	}
	provision(t, b)
	if got := missing(); got != nil {
		t.Errorf("got %v after provision, want nothing", got)
	}
}

func TestDiff_NamesTheField(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	for _, tt := range []struct {
		name   string // stream, or stream/consumer
		change change
		want   string
		fixed  bool // the server does not change it
	}{
		{"PURGE_DEAD", change{stream: func(s *jetstream.StreamConfig) { s.Subjects = []string{"purge.dead.>"} }}, "Subjects is [purge.dead.>], should be [purge.dead.*.*]", false},
		{"PURGE_EVENTS", change{stream: func(s *jetstream.StreamConfig) { s.MaxAge = time.Hour }}, "MaxAge is 1h0m0s, should be 168h0m0s", false},
		{"PURGE_EVENTS", change{stream: func(s *jetstream.StreamConfig) { s.MaxMsgs = 10 }}, "MaxMsgs is 10, should be 0", false},
		{"PURGE_EVENTS", change{stream: func(s *jetstream.StreamConfig) { s.DenyDelete = false }}, "DenyDelete is false, should be true", false},
		{"PURGE_EVENTS", change{stream: func(s *jetstream.StreamConfig) { s.AllowDirect = false }}, "AllowDirect is false, should be true", false},
		{"PURGE_EVENTS", change{stream: func(s *jetstream.StreamConfig) { s.Storage = jetstream.MemoryStorage }}, "Storage is Memory, should be File", true},
		{"PURGE_REQUESTS", change{stream: func(s *jetstream.StreamConfig) { s.MaxBytes = 1 << 20 }}, "MaxBytes is 1048576, should be 268435456", false},
		{"PURGE_REQUESTS", change{stream: func(s *jetstream.StreamConfig) { s.MaxMsgSize = 1000 }}, "MaxMsgSize is 1000, should be 983040", false},
		{"PURGE_REQUESTS", change{stream: func(s *jetstream.StreamConfig) { s.Discard = jetstream.DiscardOld }}, "Discard is DiscardOld, should be DiscardNew", false},
		{"PURGE_REQUESTS", change{stream: func(s *jetstream.StreamConfig) { s.DenyPurge = false }}, "DenyPurge is false, should be true", false},
		{"PURGE_REQUESTS", change{stream: func(s *jetstream.StreamConfig) { s.NoAck = true }}, "NoAck is true, should be false", false},
		{"PURGE_REQUESTS", change{stream: func(s *jetstream.StreamConfig) { s.Retention = jetstream.LimitsPolicy }}, "Retention is Limits, should be WorkQueue", true},
		{"PURGE_REQUESTS", change{stream: func(s *jetstream.StreamConfig) { s.AllowMsgTTL = true }}, "AllowMsgTTL is true, should be false", true},
		{"PURGE_DEAD", change{stream: func(s *jetstream.StreamConfig) { s.AllowRollup = true }}, "AllowRollup is true, should be false", false},
		{"PURGE_JOBS", change{stream: func(s *jetstream.StreamConfig) { s.MaxMsgsPerSubject = 2 }}, "MaxMsgsPerSubject is 2, should be 1", false},
		{"PURGE_CONTROL", change{stream: func(s *jetstream.StreamConfig) { s.DiscardNewPerSubject = false }}, "DiscardNewPerSubject is false, should be true", false},
		{"PURGE_REQUESTS/bulk", change{consumer: func(c *jetstream.ConsumerConfig) { c.AckWait = time.Second }}, "AckWait is 1s, should be 1m0s", false},
		{"PURGE_REQUESTS/bulk", change{consumer: func(c *jetstream.ConsumerConfig) { c.MaxAckPending = 1000 }}, "MaxAckPending is 1000, should be 500000", false},
		{"PURGE_REQUESTS/bulk", change{consumer: func(c *jetstream.ConsumerConfig) { c.MaxDeliver = 3 }}, "MaxDeliver is 3, should be -1", false},
		{"PURGE_REQUESTS/bulk", change{consumer: func(c *jetstream.ConsumerConfig) { c.HeadersOnly = true }}, "HeadersOnly is true, should be false", false},
		{"PURGE_REQUESTS/bulk", change{consumer: func(c *jetstream.ConsumerConfig) { c.FilterSubject = "purge.requests.bulk.ghost" }}, "FilterSubject is purge.requests.bulk.ghost, should be purge.requests.bulk.*", false},
		{"PURGE_CONTROL/owner", change{consumer: func(c *jetstream.ConsumerConfig) { c.AckPolicy = jetstream.AckNonePolicy }}, "AckPolicy is AckNone, should be AckExplicit", true},
	} {
		t.Run(tt.name+" "+tt.want, func(t *testing.T) {
			remake(t, js, tt.name, tt.change)
			provision(t, b) // makes no more than what is missing
			want := []string{tt.name + ": " + tt.want}
			changes, err := b.Streams.Diff(t.Context())
			if err != nil {
				t.Fatalf("diff: %v", err)
			}
			if diff := cmp.Diff(want, lines(changes)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if err := b.Streams.Verify(t.Context()); err == nil || !strings.Contains(err.Error(), want[0]) {
				t.Errorf("verify: got %v, want it to name %q", err, want[0])
			}
			err = b.Streams.Provision(t.Context(), true)
			name, _, _ := strings.Cut(tt.name, "/")
			if tt.fixed {
				if err == nil || !strings.Contains(err.Error(), name) {
					t.Errorf("update: got %v, want an error that names %s", err, name)
				}
				if err := js.DeleteStream(t.Context(), name); err != nil {
					t.Fatalf("delete stream: %v", err)
				}
				provision(t, b)
				return
			}
			if err != nil {
				t.Errorf("update: %v", err)
			}
			if changes, err := b.Streams.Diff(t.Context()); err != nil || len(changes) > 0 {
				t.Errorf("after the update: got %v, %v, want no difference", changes, err)
			}
		})
	}
}

// change is what is made different in a stream or consumer.
type change struct {
	stream   func(*jetstream.StreamConfig)
	consumer func(*jetstream.ConsumerConfig)
}

// remake makes a stream or consumer anew with one thing changed.
func remake(t *testing.T, js jetstream.JetStream, name string, with change) {
	t.Helper()
	name, durable, ok := strings.Cut(name, "/")
	s := stream(t, js, name)
	if !ok {
		cfg := s.CachedInfo().Config
		with.stream(&cfg)
		if err := js.DeleteStream(t.Context(), name); err != nil {
			t.Fatalf("delete stream: %v", err)
		}
		if _, err := js.CreateStream(t.Context(), cfg); err != nil {
			t.Fatalf("make stream: %v", err)
		}
		return
	}
	c, err := s.Consumer(t.Context(), durable)
	if err != nil {
		t.Fatalf("look up consumer: %v", err)
	}
	cfg := c.CachedInfo().Config
	with.consumer(&cfg)
	if err := s.DeleteConsumer(t.Context(), durable); err != nil {
		t.Fatalf("delete consumer: %v", err)
	}
	if _, err := s.CreateConsumer(t.Context(), cfg); err != nil {
		t.Fatalf("make consumer: %v", err)
	}
}

func lines(changes []broker.Change) []string {
	var all []string
	for _, c := range changes {
		all = append(all, c.String())
	}
	return all
}
