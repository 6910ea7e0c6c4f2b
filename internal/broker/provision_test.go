package broker_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/natstest"
)

// shape is what is promised of a stream or consumer.
type shape struct {
	Subjects         string
	WorkQueue        bool
	DiscardNew       bool
	PerSubject       int64
	MaxBytes         int64
	MaxMsgSize       int32
	MaxAge           time.Duration
	Fixed            bool // neither purge nor delete
	Direct, TTL      bool
	Rollup, Schedule bool
	Consumers        string
}

func TestProvision_MakesWhatIsPromised(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	got := make(map[string]shape)
	for info := range js.ListStreams(t.Context()).Info() {
		c := info.Config
		var consumers []string
		for ci := range stream(t, js, c.Name).ListConsumers(t.Context()).Info() {
			cc := ci.Config
			consumers = append(consumers, fmt.Sprintf("%s %s %v %d %d", cc.Durable, cc.FilterSubject, cc.AckWait, cc.MaxDeliver, cc.MaxAckPending))
			if cc.AckPolicy != jetstream.AckExplicitPolicy {
				t.Errorf("%s/%s: ack policy is %v", c.Name, cc.Durable, cc.AckPolicy)
			}
		}
		if c.Storage != jetstream.FileStorage || c.Replicas != 1 {
			t.Errorf("%s: storage %v, replicas %d, want file, 1", c.Name, c.Storage, c.Replicas)
		}
		got[c.Name] = shape{
			Subjects: strings.Join(c.Subjects, " "), WorkQueue: c.Retention == jetstream.WorkQueuePolicy,
			DiscardNew: c.Discard == jetstream.DiscardNew, PerSubject: max(0, c.MaxMsgsPerSubject),
			MaxBytes: max(0, c.MaxBytes), MaxMsgSize: max(0, c.MaxMsgSize), MaxAge: c.MaxAge,
			Fixed: c.DenyDelete && c.DenyPurge, Direct: c.AllowDirect, TTL: c.AllowMsgTTL,
			Rollup: c.AllowRollup, Schedule: c.AllowMsgSchedules, Consumers: strings.Join(consumers, ", "),
		}
	}
	want := map[string]shape{
		"PURGE_REQUESTS": {
			Subjects: "purge.requests.interactive.* purge.requests.bulk.*", WorkQueue: true, DiscardNew: true,
			MaxBytes: 256 << 20, MaxMsgSize: 1<<20 - 64<<10, Fixed: true,
			Consumers: "bulk purge.requests.bulk.* 1m0s -1 500000, interactive purge.requests.interactive.* 5s -1 500000",
		},
		"PURGE_EVENTS":   {Subjects: "purge.events.*.*.*", MaxAge: 7 * 24 * time.Hour, Fixed: true, Direct: true},
		"PURGE_DEAD":     {Subjects: "purge.dead.*.*", MaxAge: 30 * 24 * time.Hour, Direct: true},
		"PURGE_JOBS":     {Subjects: "purge.jobs.*.*.*.*.*", PerSubject: 1},
		"PURGE_PROGRESS": {Subjects: "purge.marks.*.*.*", PerSubject: 1, TTL: true, DiscardNew: true, MaxBytes: 64 << 20, MaxMsgSize: 1<<20 - 16<<10},
		"PURGE_PARKED":   {Subjects: "purge.parked.*.*.*.*.*.*.*", WorkQueue: true, Direct: true, PerSubject: 1, DiscardNew: true, MaxBytes: 128 << 20, MaxMsgSize: 1<<20 - 16<<10},
		"PURGE_CONTROL": {
			Subjects: "purge.control.lease purge.control.handover purge.control.pause.interactive purge.control.pause.bulk", PerSubject: 1, DiscardNew: true,
			Consumers: "owner purge.control.lease 3s -1 1",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("streams differ (-want +got):\n%s", diff)
	}
	if got := stored(t, js, "PURGE_CONTROL"); got != 1 {
		t.Errorf("got %d lease messages, want 1", got)
	}
	if got, want := b.Conn.Subjects().Stream("jobs"), "PURGE_JOBS"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestProvision_ChangesNothingTheSecondTime(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	tell(t, b, event("ghost", "kept", "completed"))
	for _, update := range []bool{false, true} {
		if err := b.Streams.Provision(t.Context(), update); err != nil {
			t.Fatalf("provision, update %t: %v", update, err)
		}
		if changes, err := b.Streams.Diff(t.Context()); err != nil || len(changes) > 0 {
			t.Errorf("update %t: got %v, %v, want no difference", update, changes, err)
		}
	}
	if err := b.Streams.Verify(t.Context()); err != nil {
		t.Errorf("verify: %v", err)
	}
	if got := stream(t, js, "PURGE_CONTROL").CachedInfo().State; got.Msgs != 1 || got.LastSeq != 1 {
		t.Errorf("got %d lease messages up to %d, want the first alone", got.Msgs, got.LastSeq)
	}
	if got := stored(t, js, "PURGE_EVENTS"); got != 1 {
		t.Errorf("got %d events, want 1", got)
	}
}

func TestProvision_RunsInAllReplicasAtOnce(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil)
	var g errgroup.Group
	for range 3 {
		b := connect(t, s, settings())
		g.Go(func() error { return b.Streams.Provision(t.Context(), false) })
	}
	if err := g.Wait(); err != nil {
		t.Fatalf("provision: %v", err)
	}
	if err := connect(t, s, settings()).Streams.Verify(t.Context()); err != nil {
		t.Errorf("verify: %v", err)
	}
	if got := stored(t, client(t, s), "PURGE_CONTROL"); got != 1 {
		t.Errorf("got %d lease messages, want 1", got)
	}
}

func TestProvision_KeepsInstallationsApart(t *testing.T) {
	t.Parallel()
	_, s := provisioned(t)
	set := settings()
	set.Prefix = "cdn-2"
	other := provision(t, connect(t, s, set))
	tell(t, other, event("ghost", "theirs", "completed"))
	js := client(t, s)
	if got := stored(t, js, "PURGE_EVENTS"); got != 0 {
		t.Errorf("got %d events of the other installation, want 0", got)
	}
	if got := messages(t, js, "CDN-2_EVENTS", ">"); len(got) != 1 || got[0].Subject != "cdn-2.events.ghost.completed.theirs" {
		t.Errorf("got %v, want the one event", got)
	}
}

func TestProvision_SaysWhyItCannot(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	s.Stop()
	eventually(t, "the connection is lost", func() bool { return b.Conn.Check() != nil })
	for what, err := range map[string]error{
		"provision stream PURGE_REQUESTS": b.Streams.Provision(t.Context(), false),
		"look up stream PURGE_REQUESTS":   b.Streams.Verify(t.Context()),
	} {
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("got %v, want it to name %q", err, what)
		}
	}
}

// The least duplicate window that the server takes, also for a stream that the last version made,
// which is changed in nothing else.
func TestProvision_ShortensTheDuplicateWindow(t *testing.T) {
	t.Parallel()
	for _, update := range []bool{false, true} {
		b, s := provisioned(t)
		js := client(t, s)
		cfg := stream(t, js, "PURGE_REQUESTS").CachedInfo().Config
		if cfg.Duplicates != 100*time.Millisecond {
			t.Errorf("a new stream: got %v, want 100 ms", cfg.Duplicates)
		}
		cfg.Duplicates = 99 * time.Millisecond
		if _, err := js.UpdateStream(t.Context(), cfg); err == nil {
			t.Error("99 ms: got nil, want that the server takes no less than 100 ms")
		}
		cfg.Duplicates, cfg.MaxBytes = 2*time.Minute, 1<<29 // as the last version and an operator left it
		if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		changes, err := b.Streams.Diff(t.Context())
		if err != nil || !slices.ContainsFunc(changes, func(c broker.Change) bool { return c.Field == "Duplicates" }) {
			t.Errorf("diff: got %v, %v, want the window", changes, err)
		}
		if err := b.Streams.Provision(t.Context(), update); err != nil {
			t.Fatal(err)
		}
		got := stream(t, js, "PURGE_REQUESTS").CachedInfo().Config
		if got.Duplicates != 100*time.Millisecond || (got.MaxBytes == 1<<29) == update {
			t.Errorf("update %t: got a window of %v and %d bytes", update, got.Duplicates, got.MaxBytes)
		}
	}
}
