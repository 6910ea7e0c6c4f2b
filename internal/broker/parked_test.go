package broker_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

func queueOf(zone string, lane purge.Lane) record.Queue {
	return record.Queue{Account: "main", Zone: zone, Type: purge.URL, Lane: lane}
}

func parkable(id string) record.Parked {
	return record.Parked{
		Request: record.Request{Source: "ghost", ID: id, Lane: purge.Bulk, Digest: "digest of " + id},
		Body:    purge.Request{Targets: []string{"https://www.example.com/" + id}},
	}
}

func park(t *testing.T, b *broker.Broker, q record.Queue, ids ...string) {
	t.Helper()
	var all []record.Parked
	for _, id := range ids {
		all = append(all, parkable(id))
	}
	for i, err := range b.Parked.Put(t.Context(), q, all) {
		if err != nil {
			t.Fatalf("park %s: %v", ids[i], err)
		}
	}
}

func openQueue(t *testing.T, b *broker.Broker, q record.Queue) *broker.Lane {
	t.Helper()
	l, err := b.Parked.Open(t.Context(), q)
	if err != nil {
		t.Fatalf("open queue: %v", err)
	}
	t.Cleanup(func() { l.Rest() })
	return l
}

// parkedIDs decodes deliveries of a queue.
func parkedIDs(t *testing.T, all []record.Delivery) []string {
	t.Helper()
	var ids []string
	for _, d := range all {
		p, err := record.DecodeParked(d.Data)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, p.Request.ID)
	}
	return ids
}

func TestPark_KeepsOrderByQueue(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	one, two, odd := queueOf("zone-1", purge.Bulk), queueOf("zone-1", purge.Interactive), queueOf("", purge.Bulk)
	var ids []string
	for i := range 500 {
		ids = append(ids, fmt.Sprintf("r%d", i))
	}
	lanes := map[record.Queue]*broker.Lane{}
	for q, ids := range map[record.Queue][]string{one: ids, two: {"urgent"}, odd: {"lost"}} {
		park(t, b, q, ids...)
		lanes[q] = openQueue(t, b, q)
	}
	for q, want := range map[record.Queue][]string{one: ids, two: {"urgent"}, odd: {"lost"}} {
		got := pull(t, lanes[q], len(want))
		if diff := cmp.Diff(want, parkedIDs(t, got)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", q, diff)
		}
		if ok, err := b.Parked.Close(t.Context(), q); ok || err != nil {
			t.Errorf("%v: closed %v, %v, while messages are held", q, ok, err)
		}
		if err := b.Requests.Ack(t.Context(), repliesOf(got)); err != nil {
			t.Fatalf("ack: %v", err)
		}
	}
	queues, err := connect(t, s, settings()).Parked.Queues(t.Context())
	if err != nil || len(queues) != 3 || !slices.Contains(queues, one) || !slices.Contains(queues, odd) {
		t.Errorf("got queues %v, %v, want the three", queues, err)
	}
	for _, q := range queues {
		lanes[q].Rest()
		for range 2 { // a second time, as after a lost answer
			if ok, err := b.Parked.Close(t.Context(), q); !ok || err != nil {
				t.Errorf("%v: not closed: %v", q, err)
			}
		}
	}
	if got := stored(t, client(t, s), "PURGE_PARKED"); got != 0 {
		t.Errorf("%d messages are left", got)
	}
}

// A request waits in one queue, once, whoever parks it and however often.
// Queues keep the names that they have: those that the last version opened are found again.
func TestQueues_AreNamedAsTheLastVersionNamedThem(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	tests := []struct {
		typ          purge.Type
		name, stored string
	}{
		{purge.URL, "queue-f271b4e924a0172984558810", "purge_url"},
		{purge.Prefix, "queue-9b32f3cace80b3eae44f4cc0", "purge_prefix"},
		{purge.Host, "queue-56f77ecc475818ce24e391ee", "purge_host"},
		{purge.Tag, "queue-b4fdafad696d51cbfe328e04", "purge_cache_tag"},
		{purge.All, "queue-8b36951ef4727b52cdbe14f7", "purge_all"},
	}
	var want []record.Queue
	for _, tt := range tests {
		q := record.Queue{Account: "main", Zone: "zone-a", Type: tt.typ, Lane: purge.Bulk}
		want = append(want, q)
		openQueue(t, b, q).Rest()
		park(t, b, q, string(tt.typ))
		cons, err := js.Consumer(t.Context(), "PURGE_PARKED", tt.name)
		if err != nil {
			t.Fatalf("read the queue of type %s: %v", tt.typ, err)
		}
		cfg := cons.CachedInfo().Config
		filter := "purge.parked.main.zone-a." + tt.stored + ".bulk.*.*.*"
		if cfg.FilterSubject != filter || cfg.Metadata["type"] != tt.stored || cons.CachedInfo().NumPending != 1 {
			t.Errorf("type %s: got %q, %v, %d pending, want %q, %q and one",
				tt.typ, cfg.FilterSubject, cfg.Metadata, cons.CachedInfo().NumPending, filter, tt.stored)
		}
	}
	found := func(when string) {
		got, err := b.Parked.Queues(t.Context())
		slices.SortFunc(got, func(a, c record.Queue) int { return slices.Index(want, a) - slices.Index(want, c) })
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %v, %v, want %v", when, got, err, want)
		}
	}
	found("with their consumers")
	for _, tt := range tests {
		if err := js.DeleteConsumer(t.Context(), "PURGE_PARKED", tt.name); err != nil {
			t.Fatal(err)
		}
	}
	found("without their consumers")
}

func TestPark_HoldsARequestOnce(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	other := connect(t, s, settings())
	park(t, b, queueOf("zone-1", purge.Bulk), "a", "b")
	park(t, other, queueOf("zone-1", purge.Bulk), "b", "c")
	park(t, other, queueOf("zone-2", purge.Bulk), "a")
	l := openQueue(t, b, queueOf("zone-1", purge.Bulk))
	if got := parkedIDs(t, pull(t, l, 3)); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("got %v, want a b c", got)
	}
	keys := []record.Key{{Source: "ghost", ID: "a"}, {Source: "ghost", ID: "none"}, {Source: "shop", ID: "a"}}
	found, err := other.Parked.Find(t.Context(), keys)
	if diff := cmp.Diff(map[record.Key]record.Request{keys[0]: parkable("a").Request}, found); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// A producer can have the server's answer to a publish land there.
func TestPark_IsNotHinderedByWhatIsNoRecord(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	mustSend(t, client(t, s), "purge.parked.main.zone-1.purge_url.bulk.ghost.a.guess", []byte(`{"stream":"PURGE_REQUESTS","seq":1}`))
	q := queueOf("zone-1", purge.Bulk)
	if err := b.Parked.Put(t.Context(), q, []record.Parked{parkable("a")})[0]; err == nil {
		t.Error("parked, though something lies there")
	}
	park(t, b, q, "a")
	found, err := b.Parked.Find(t.Context(), []record.Key{{Source: "ghost", ID: "a"}})
	if err != nil || len(found) != 1 {
		t.Errorf("found %v, %v, want the request", found, err)
	}
}
