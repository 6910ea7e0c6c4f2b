package broker_test

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/purge"
)

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
