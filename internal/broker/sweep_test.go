package broker_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/natstest"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// sweep reads a whole stream, a few messages at a time.
func sweep(t *testing.T, b *broker.Broker, name string, from uint64) (next uint64, removed int) {
	t.Helper()
	read := b.Parked.Sweep
	if name == "PROGRESS" {
		read = b.Progress.Sweep
	}
	for {
		at, n, past, err := read(t.Context(), from, 3)
		if err != nil {
			t.Fatalf("sweep: %v", err)
		}
		from, removed = at, removed+n
		if past {
			return from, removed
		}
	}
}

// A producer has the server's answers to its publishes stored among the records. They are removed,
// the records stay.
func TestSweep_RemovesTheAnswersToPublishes(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	park(t, w.worker, queueOf("zone-1", purge.Bulk), "a", "b", "c", "d", "e")
	for i := range 5 {
		putProgress(t, w.worker, record.Key{Source: "ghost", ID: strconv.Itoa(i)}, "body", record.Place{}, false)
	}
	w.before = w.others(t)
	before := map[string]int{}
	for _, name := range []string{"PARKED", "PROGRESS"} {
		before[name] = stored(t, w.admin, "PURGE_"+name)
	}
	const n = 20
	for i := range n {
		for _, reply := range []string{
			fmt.Sprintf("purge.parked.main.zone-1.purge_url.bulk.ghost.x.%d", i), fmt.Sprintf("purge.marks.shop.a.%d", i),
		} {
			if err := w.ghost.Conn().PublishRequest("purge.requests.bulk.ghost", reply, []byte("{}")); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range []string{"PARKED", "PROGRESS"} {
		eventually(t, "the answers are stored", func() bool { return stored(t, w.admin, "PURGE_"+name) == before[name]+n })
		next, removed := sweep(t, w.worker, name, 1)
		if left := stored(t, w.admin, "PURGE_"+name); removed != n || left != before[name] {
			t.Errorf("%s: removed %d, left %d, want %d and %d", name, removed, left, n, before[name])
		}
		if _, removed := sweep(t, w.worker, name, next); removed != 0 {
			t.Errorf("%s: removed %d more", name, removed)
		}
	}
	w.check(t)
}

// Who reads a queue removes what is no record from it, and gets the records.
func TestQueue_RemovesTheAnswersToPublishes(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	q := queueOf("zone-1", purge.Bulk)
	l := openQueue(t, b, q)
	for i := range 10 {
		mustSend(t, js, fmt.Sprintf("purge.parked.main.zone-1.purge_url.bulk.ghost.x.%d", i), []byte(`{"stream":"PURGE_REQUESTS","seq":1}`))
		park(t, b, q, fmt.Sprintf("r%d", i))
	}
	if got := parkedIDs(t, pull(t, l, 10)); len(got) != 10 {
		t.Errorf("got %v, want the ten requests", got)
	}
	eventually(t, "the others are removed", func() bool { return stored(t, js, "PURGE_PARKED") == 10 })
	if _, removed := sweep(t, b, "PARKED", 1); removed != 10 {
		t.Errorf("%d count as removed, want 10", removed)
	}
}

// The streams that producers can have answers stored in are bounded, and refuse what is beyond.
func TestStreams_WhatIsStoredBetweenStepsIsBounded(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	for _, name := range []string{"PURGE_PARKED", "PURGE_PROGRESS"} {
		c := stream(t, js, name).CachedInfo().Config
		if c.MaxBytes <= 0 || c.MaxMsgSize <= 0 || c.Discard != jetstream.DiscardNew || c.MaxMsgsPerSubject != 1 {
			t.Errorf("%s: got %d bytes, messages of %d, %v, %d a subject, want all bounded", name, c.MaxBytes, c.MaxMsgSize, c.Discard, c.MaxMsgsPerSubject)
		}
	}
	// A record of progress takes the place of the one before.
	k := record.Key{Source: "ghost", ID: "a"}
	for range 3 {
		_, at, err := b.Progress.Get(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		putProgress(t, b, k, "body", at, false)
	}
	if got := stored(t, js, "PURGE_PROGRESS"); got != 1 {
		t.Errorf("%d records, want 1", got)
	}
}

// Provisioning gives streams that the last version made their bounds, and what is in them stays.
func TestProvision_BoundsTheStreamsOfTheLastVersion(t *testing.T) {
	t.Parallel()
	for _, update := range []bool{false, true} {
		t.Run(fmt.Sprintf("update %t", update), func(t *testing.T) {
			t.Parallel()
			b, s := provisioned(t)
			js := client(t, s)
			unbind(t, js)
			q := queueOf("zone-1", purge.Bulk)
			park(t, b, q, "a", "b", "c")
			putProgress(t, b, record.Key{Source: "ghost", ID: "a"}, "body", record.Place{}, false)
			if err := b.Streams.Verify(t.Context()); err == nil {
				t.Error("the streams of the last version pass as those of this one")
			}
			if err := b.Streams.Provision(t.Context(), update); err != nil {
				t.Fatal(err)
			}
			if changes, err := b.Streams.Diff(t.Context()); err != nil || len(changes) > 0 {
				t.Errorf("got %v, %v, want no difference", changes, err)
			}
			if p, m := stored(t, js, "PURGE_PARKED"), stored(t, js, "PURGE_PROGRESS"); p != 3 || m != 1 {
				t.Errorf("%d parked requests and %d records of progress are left, want 3 and 1", p, m)
			}
			l := openQueue(t, b, q)
			if got := parkedIDs(t, pull(t, l, 3)); len(got) != 3 {
				t.Errorf("got %v", got)
			}
		})
	}
}

// A queue whose consumer somebody deleted is found by what waits in it; what is no record makes no
// queue.
func TestQueues_FindsThoseWithoutAConsumer(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	mustSend(t, js, "purge.parked.main.zone-9.purge_url.bulk.ghost.x.1", []byte("{}"))
	want := []record.Queue{queueOf("zone-1", purge.Bulk), queueOf("", purge.Bulk), queueOf("odd zone.", purge.Interactive)}
	for i, q := range want {
		openQueue(t, b, q).Rest()
		park(t, b, q, fmt.Sprintf("r%d", i))
	}
	for info := range stream(t, js, "PURGE_PARKED").ListConsumers(t.Context()).Info() {
		if err := js.DeleteConsumer(t.Context(), "PURGE_PARKED", info.Name); err != nil {
			t.Fatal(err)
		}
	}
	got, err := b.Parked.Queues(t.Context())
	slices.SortFunc(got, func(a, c record.Queue) int { return slices.Index(want, a) - slices.Index(want, c) })
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

// unbind makes two streams as the last version had them, without a bound.
func unbind(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	for _, cfg := range []jetstream.StreamConfig{
		{
			Name: "PURGE_PARKED", Subjects: []string{"purge.parked.*.*.*.*.*.*.*"}, Retention: jetstream.WorkQueuePolicy,
			AllowDirect: true, Storage: jetstream.FileStorage, Replicas: 1,
		},
		{
			Name: "PURGE_PROGRESS", Subjects: []string{"purge.marks.*.*.*"}, MaxMsgsPerSubject: 1, AllowMsgTTL: true,
			Storage: jetstream.FileStorage, Replicas: 1,
		},
	} {
		if err := js.DeleteStream(t.Context(), cfg.Name); err != nil {
			t.Fatal(err)
		}
		if _, err := js.CreateStream(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
	}
}

// A bound reserves storage. Where the server has too little for those of this version, the worker
// goes on with the streams of the last one; setup says what is missing.
func TestProvision_GoesOnWhereThereIsNoRoomForABound(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, func(o *server.Options) { o.JetStreamMaxStore = 400 << 20 })
	small := settings()
	small.ParkedMaxBytes = small.ProgressMaxBytes
	provision(t, connect(t, s, small))
	js := client(t, s)
	unbind(t, js)
	b := connect(t, s, settings())
	if err := b.Streams.Provision(t.Context(), false); err != nil {
		t.Errorf("got %v, want the streams of the last version to do", err)
	}
	park(t, b, queueOf("zone-1", purge.Bulk), "a")
	if got := stored(t, js, "PURGE_PARKED"); got != 1 {
		t.Errorf("%d parked requests, want one", got)
	}
	if err := b.Streams.Provision(t.Context(), true); err == nil {
		t.Error("setup finds no fault, want that the storage does not suffice")
	}
}
