package broker_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/natstest"
	"github.com/edgepurge/edgepurge/purge"
)

func TestPutRequests_StoresEachOnce(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	out := []broker.Outgoing{
		{Lane: purge.Interactive, Source: "ghost", Request: purge.Request{ID: "a", Targets: []string{"https://a.example/"}}},
		{Lane: purge.Bulk, Source: "shop", Request: purge.Request{ID: "a", Targets: []string{"https://b.example/"}}},
		{Lane: purge.Bulk, Source: "shop", Request: purge.Request{Targets: []string{"https://c.example/"}}},
	}
	for range 2 { // those with an id are known the second time
		for i, err := range b.PutRequests(t.Context(), out) {
			if err != nil {
				t.Errorf("request %d: %v", i, err)
			}
		}
	}
	got := messages(t, js, "PURGE_REQUESTS", ">")
	want := []struct{ subject, id, target string }{
		{"purge.requests.interactive.ghost", "ghost.a", "https://a.example/"},
		{"purge.requests.bulk.shop", "shop.a", "https://b.example/"},
		{"purge.requests.bulk.shop", "", "https://c.example/"},
		{"purge.requests.bulk.shop", "", "https://c.example/"},
	}
	if len(got) != len(want) {
		t.Fatalf("got %d messages, want %d", len(got), len(want))
	}
	for i, m := range got {
		r, err := purge.Decode(m.Data, "")
		if err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		if id := m.Header.Get(jetstream.MsgIDHeader); m.Subject != want[i].subject || id != want[i].id || r.Targets[0] != want[i].target {
			t.Errorf("message %d: got %s, id %q, %v, want %v", i, m.Subject, id, r.Targets, want[i])
		}
	}
}

// What is not UTF-8 is for the worker to refuse, under the request's id; no other target is made of it.
func TestPutRequests_KeepsBytesThatAreNotUTF8(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	const bad, good = "https://a.example/\xff?\"\\<\xe4", "https://a.example/\ufffd"
	out := []broker.Outgoing{
		{Lane: purge.Bulk, Source: "shop", Request: purge.Request{ID: "a", Zone: "zone-a", Targets: []string{good, bad}}},
		{Lane: purge.Bulk, Source: "shop", Request: purge.Request{Targets: []string{bad}}},
	}
	for i, err := range b.PutRequests(t.Context(), out) {
		if err != nil {
			t.Errorf("request %d: %v", i, err)
		}
	}
	for i, m := range messages(t, js, "PURGE_REQUESTS", ">") {
		want := out[i].Request
		r, err := purge.Decode(m.Data, "")
		if reason, _ := errors.AsType[*purge.Reason](err); reason == nil || reason.Code != purge.CodeMalformed || r.ID != want.ID || r.Zone != want.Zone {
			t.Errorf("message %d: %q decodes to %+v, %v; want it malformed, with its id", i, m.Data, r, err)
		}
		if !strings.Contains(string(m.Data), "\xff") || !strings.Contains(string(m.Data), "\xe4") {
			t.Errorf("message %d: %q lacks bytes of its target", i, m.Data)
		}
	}
}

func TestPutRequests_SaysWhatToDo(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil)
	set := settings()
	set.MaxBytes = 1 << 20
	b := connect(t, s, set)
	put := func(size int) error {
		return b.PutRequests(t.Context(), []broker.Outgoing{
			{Lane: purge.Bulk, Source: "ghost", Request: purge.Request{Targets: []string{strings.Repeat("x", size)}}},
		})[0]
	}
	check := func(err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %q", err, want)
		}
	}
	check(put(10), "stream PURGE_REQUESTS does not exist: run `edgepurge setup`")
	provision(t, b)
	check(put(1<<20-64<<10), "send fewer targets") // above the stream's limit
	check(put(1<<20), "send fewer targets")        // above the connection's
	for range 2 {
		if err := put(450 << 10); err != nil {
			t.Fatalf("publish: %v", err)
		}
	}
	check(put(450<<10), "stream PURGE_REQUESTS is full: wait until the worker has caught up, or raise nats.max_bytes")
	l := lane(t, b, purge.Bulk)
	lot := pull(t, l, 2) // what was there is not pushed out
	if err := b.Ack(t.Context(), repliesOf(lot)); err != nil {
		t.Fatalf("ack: %v", err)
	}
	if err := put(450 << 10); err != nil {
		t.Errorf("after the worker has caught up: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	s.Stop()
	eventually(t, "the connection is lost", func() bool { return b.Check() != nil })
	check(put(10), "publish request: ")
	if err := b.PutRequests(ended, []broker.Outgoing{{Lane: purge.Bulk, Source: "ghost"}})[0]; err == nil {
		t.Error("got nil for a request that nobody has")
	}
}

// No header and no API call of a producer reaches what is stored, even with every permission.
func TestRequestStream_Refuses(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	const own, other = "purge.requests.bulk.ghost", "purge.requests.bulk.shop"
	mustSend(t, js, own, []byte("first"))
	mustSend(t, js, other, []byte("other"))
	for _, tt := range []struct {
		name    string
		subject string
		size    int
		headers []string
		want    jetstream.ErrorCode
	}{
		{name: "roll-up of the subject", subject: own, headers: []string{"Nats-Rollup", "sub"}, want: 10111},
		{name: "roll-up of the stream", subject: own, headers: []string{"Nats-Rollup", "all"}, want: 10111},
		{name: "time to live", subject: own, headers: []string{"Nats-TTL", "1s"}, want: 10166},
		{name: "schedule", subject: own, headers: []string{"Nats-Schedule", "@at 2026-01-01T00:00:00Z", "Nats-Schedule-Target", other}, want: 10188},
		{name: "counter", subject: own, headers: []string{"Nats-Incr", "+1"}, want: 10168},
		{name: "batch", subject: own, headers: []string{"Nats-Batch-Id", "x", "Nats-Batch-Sequence", "1", "Nats-Batch-Commit", "1"}, want: 10174},
		{name: "another stream expected", subject: own, headers: []string{"Nats-Expected-Stream", "PURGE_EVENTS"}, want: 10060},
		{name: "more than fits", subject: own, size: 1<<20 - 64<<10 + 1, want: 10054},
		{name: "another lane", subject: "purge.requests.urgent.ghost"},
		{name: "no source", subject: "purge.requests.bulk"},
		{name: "a longer subject", subject: "purge.requests.bulk.ghost.x"},
		{name: "a wildcard for the lane", subject: "purge.requests.*.ghost"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := send(t, js, tt.subject, make([]byte, tt.size), tt.headers...)
			if tt.want == 0 {
				if !errors.Is(err, jetstream.ErrNoStreamResponse) {
					t.Errorf("got %v, want to be told that nobody listens", err)
				}
				return
			}
			api, ok := errors.AsType[*jetstream.APIError](err)
			if !ok || api.ErrorCode != tt.want {
				t.Errorf("got %v, want error %d", err, tt.want)
			}
		})
	}
	requests := stream(t, js, "PURGE_REQUESTS")
	if err := requests.Purge(t.Context()); err == nil {
		t.Error("the stream was purged")
	}
	if err := requests.DeleteMsg(t.Context(), 1); err == nil {
		t.Error("a message was deleted")
	}
	got := pull(t, lane(t, b, purge.Bulk), 2)
	if string(got[0].Data) != "first" || string(got[1].Data) != "other" {
		t.Errorf("got %q, %q, want what was there", got[0].Data, got[1].Data)
	}
	if n := stored(t, js, "PURGE_REQUESTS"); n != 2 {
		t.Errorf("got %d messages, want 2", n)
	}
	// A message at the limit is taken.
	largest := make([]byte, 1<<20-64<<10)
	mustSend(t, js, own, largest)
	if got := pull(t, lane(t, b, purge.Bulk), 1); len(got[0].Data) != len(largest) {
		t.Errorf("got %d bytes, want %d", len(got[0].Data), len(largest))
	}
}
