package broker_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/natstest"
	"github.com/edgepurge/edgepurge/purge"
)

// reading collects the ids of events, as a goroutine reads them.
type reading struct {
	ids  chan string // capacity: more than any test reads
	done chan error  // capacity 1
}

func (r *reading) each(e broker.Event) bool {
	r.ids <- e.ID
	return true
}

// read starts a reading and returns when it is ready.
func read(ctx context.Context, t *testing.T, b *broker.Broker, source string, what broker.Reading) *reading {
	t.Helper()
	r := &reading{ids: make(chan string, 1000), done: make(chan error, 1)}
	ready := make(chan struct{})
	go func() { r.done <- b.Events.Read(ctx, source, what, func() { close(ready) }, r.each) }()
	select {
	case <-ready:
	case err := <-r.done:
		t.Fatalf("read events: %v", err)
	}
	return r
}

// next gives the next n ids.
func (r *reading) next(t *testing.T, n int) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var got []string
	for len(got) < n {
		select {
		case id := <-r.ids:
			got = append(got, id)
		case err := <-r.done:
			t.Fatalf("the reading ended after %v: %v", got, err)
		case <-ctx.Done():
			t.Fatalf("got %v in %v, want %d events", got, patience, n)
		}
	}
	return got
}

func TestEvents_StoredEndsWithTheLast(t *testing.T) {
	t.Parallel()
	b, _ := provisioned(t)
	collect := func(source string) (all []broker.Event) {
		t.Helper()
		err := b.Events.Read(t.Context(), source, broker.ReadStored, nil, func(e broker.Event) bool {
			all = append(all, e)
			return true
		})
		if err != nil {
			t.Fatalf("read: %v", err)
		}
		return all
	}
	if got := collect(""); got != nil {
		t.Errorf("got %v of an empty stream", got)
	}
	for i := range 600 {
		tell(t, b, event([]string{"ghost", "shop"}[i%2], fmt.Sprintf("r-%d", i), purge.Completed))
	}
	for source, want := range map[string]int{"": 600, "ghost": 300, "shop": 300, "nobody": 0} {
		got := collect(source)
		if len(got) != want {
			t.Errorf("source %q: got %d events, want %d", source, len(got), want)
		}
		for i := 1; i < len(got); i++ {
			if got[i].Sequence <= got[i-1].Sequence {
				t.Fatalf("event %d came after %d", got[i].Sequence, got[i-1].Sequence)
			}
		}
	}
	last := collect("shop")[299]
	e, err := purge.DecodeEvent(last.Data)
	if err != nil || e.Data.Request != "r-599" {
		t.Errorf("got event of %q, %v, want r-599", e.Data.Request, err)
	}
	last.Data = nil
	if diff := cmp.Diff(broker.Event{Sequence: 600, Source: "shop", Status: purge.Completed, ID: "r-599"}, last); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEvents_AllFollows(t *testing.T) {
	t.Parallel()
	b, _ := provisioned(t)
	tell(t, b, event("ghost", "a", purge.Completed), event("shop", "b", purge.Completed))
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	r := read(ctx, t, b, "ghost", broker.ReadAll)
	if got := r.next(t, 1); got[0] != "a" {
		t.Errorf("got %v, want a", got)
	}
	tell(t, b, event("shop", "c", purge.Completed), event("ghost", "d", purge.Failed))
	if got := r.next(t, 1); got[0] != "d" {
		t.Errorf("got %v, want d", got)
	}
	cancel(why)
	if err := <-r.done; !errors.Is(err, why) {
		t.Errorf("got %v, want the context's cause", err)
	}
}

func TestEvents_EndWhenNoMoreAreWanted(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	tell(t, b, event("ghost", "a", purge.Completed), event("ghost", "b", purge.Completed), event("ghost", "c", purge.Completed))
	var got []string
	err := b.Events.Read(t.Context(), "", broker.ReadAll, nil, func(e broker.Event) bool {
		got = append(got, e.ID)
		return len(got) < 2
	})
	if diff := cmp.Diff([]string{"a", "b"}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if err := client(t, s).DeleteStream(t.Context(), "PURGE_EVENTS"); err != nil {
		t.Fatalf("delete stream: %v", err)
	}
	for _, what := range []broker.Reading{broker.ReadStored, broker.ReadAll, broker.ReadNew} {
		if err := b.Events.Read(t.Context(), "", what, nil, func(broker.Event) bool { return true }); !broker.Gone(err) {
			t.Errorf("reading %d: got %v, want gone", what, err)
		}
	}
}

// What is published once the reading is ready is read, however soon.
func TestEvents_NewMissesNothing(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	writer := connect(t, s, settings())
	for i := range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		r := read(ctx, t, b, "", broker.ReadNew)
		want := []string{fmt.Sprintf("r-%d", i), fmt.Sprintf("s-%d", i)}
		tell(t, writer, event("ghost", want[0], purge.Completed))
		tell(t, writer, event("shop", want[1], purge.Failed))
		if diff := cmp.Diff(want, r.next(t, 2)); diff != "" {
			t.Fatalf("round %d (-want +got):\n%s", i, diff)
		}
		cancel()
		if err := <-r.done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the context's cause", err)
		}
	}
}

func TestEvents_FollowThroughARestart(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil)
	b := provision(t, connect(t, s, settings()))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := read(ctx, t, b, "", broker.ReadNew)
	s.Stop()
	s.Start()
	writer := connect(t, s, settings())
	tell(t, writer, event("ghost", "a", purge.Completed), event("ghost", "b", purge.Completed))
	if diff := cmp.Diff([]string{"a", "b"}, r.next(t, 2)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	cancel()
	if err := <-r.done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's cause", err)
	}
}
