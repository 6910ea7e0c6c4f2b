package broker_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

func TestEventsOf_FindsHitsAmongMisses(t *testing.T) {
	t.Parallel()
	b, _ := provisioned(t)
	const n = 3000 // in several lots, and with more hits than the server answers at once
	var events []purge.Event
	var keys []record.Key
	want := make(map[record.Key]string)
	for i := range n {
		k := record.Key{Source: []string{"ghost", "shop"}[i%2], ID: fmt.Sprintf("r-%d", i)}
		keys = append(keys, k)
		if i%3 != 0 {
			events = append(events, event(k.Source, k.ID, statuses()[i%5]))
			want[k] = string(statuses()[i%5]) + " digest of " + k.ID
		}
	}
	tell(t, b, events...)
	tell(t, b, event("other", "r-0", purge.Completed)) // of the same id
	found, err := b.EventsOf(t.Context(), keys)
	if err != nil {
		t.Fatalf("look up: %v", err)
	}
	got := make(map[record.Key]string)
	for k, o := range found {
		got[k] = string(o.Status) + " " + o.Digest
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if b.Conn().NumSubscriptions() > 2 {
		t.Errorf("got %d subscriptions, want none of a look-up", b.Conn().NumSubscriptions())
	}
}

func TestEventsOf_AsksForLessWhenTheAnswerIsCut(t *testing.T) {
	t.Parallel()
	opts := serverOptions(t.TempDir())
	opts.MaxPending = 1 << 20 // bounds one answer
	s := startServer(t, opts)
	b := provision(t, connect(t, s, settings()))
	const n = 40
	var keys []record.Key
	for i := range n {
		e := event("ghost", fmt.Sprintf("r-%d", i), purge.Partial)
		e.Data.Failures = []purge.Failure{{Target: strings.Repeat("x", 100<<10), Code: "X"}}
		tell(t, b, e)
		keys = append(keys, record.Key{Source: "ghost", ID: e.Data.Request}, record.Key{Source: "ghost", ID: "missing-" + e.Data.Request})
	}
	found, err := b.EventsOf(t.Context(), keys)
	if err != nil || len(found) != n {
		t.Fatalf("got %d events, %v, want %d", len(found), err, n)
	}
	for k, o := range found {
		if o.Request != k.ID || len(o.Failures) != 1 || len(o.Failures[0].Target) != 100<<10 {
			t.Errorf("%s: got the event of %s with %d failures", k, o.Request, len(o.Failures))
		}
	}
}

func TestEventsOf_FindsNothing(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	for _, keys := range [][]record.Key{nil, {{Source: "ghost", ID: "a"}}} {
		if found, err := b.EventsOf(t.Context(), keys); err != nil || len(found) != 0 {
			t.Errorf("%v: got %v, %v, want nothing", keys, found, err)
		}
	}
	tell(t, b, event("ghost", "b", purge.Completed))
	if found, err := b.EventsOf(t.Context(), []record.Key{{Source: "ghost", ID: "a"}}); err != nil || len(found) != 0 {
		t.Errorf("among others: got %v, %v, want nothing", found, err)
	}
	if err := client(t, s).DeleteStream(t.Context(), "PURGE_EVENTS"); err != nil {
		t.Fatalf("delete stream: %v", err)
	}
	if found, err := b.EventsOf(t.Context(), []record.Key{{Source: "ghost", ID: "b"}}); !broker.Gone(err) {
		t.Errorf("without a stream: got %v, %v, want an error", found, err)
	}
	stopServer(s)
	eventually(t, "the connection is lost", func() bool { return b.Check() != nil })
	if found, err := b.EventsOf(t.Context(), []record.Key{{Source: "ghost", ID: "b"}}); err == nil {
		t.Errorf("without a server: got %v, want an error", found)
	}
}
