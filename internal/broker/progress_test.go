package broker_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/natstest"
	"github.com/edgepurge/edgepurge/internal/record"
)

func putProgress(t *testing.T, b *broker.Broker, k record.Key, data string, after record.Place, keep bool) bool {
	t.Helper()
	ok, err := b.Progress.Put(t.Context(), k, []byte(data), after, keep)
	if err != nil {
		t.Fatalf("store progress of %s: %v", k, err)
	}
	return ok
}

func progress(t *testing.T, b *broker.Broker, k record.Key) (string, record.Place) {
	t.Helper()
	data, at, err := b.Progress.Get(t.Context(), k)
	if err != nil {
		t.Fatalf("read progress of %s: %v", k, err)
	}
	return string(data), at
}

func TestProgress_IsComparedAndSet(t *testing.T) {
	t.Parallel()
	b, _ := provisioned(t)
	k, other := record.Key{Source: "ghost", ID: "a"}, record.Key{Source: "shop", ID: "a"}
	none := record.Place{}
	if data, at := progress(t, b, k); data != "" || at != none {
		t.Errorf("got %q at %v, want nothing", data, at)
	}
	if putProgress(t, b, k, "too early", record.Place{Subject: "purge.marks.ghost.a.x", Sequence: 5}, false) {
		t.Error("stored after a record that is not there")
	}
	if !putProgress(t, b, k, "one", none, false) || !putProgress(t, b, other, "theirs", none, false) {
		t.Error("not stored though there was none")
	}
	if putProgress(t, b, k, "again", none, false) {
		t.Error("stored as the first though there is one")
	}
	data, at := progress(t, b, k)
	if data != "one" || at.Sequence != 1 {
		t.Errorf("got %q at %v, want one at 1", data, at)
	}
	if !putProgress(t, b, k, "two", at, false) {
		t.Error("not stored though nothing came in between")
	}
	if putProgress(t, b, k, "late", at, true) {
		t.Error("stored though another write came in between")
	}
	if data, _ := progress(t, b, k); data != "two" {
		t.Errorf("got %q, want two", data)
	}
	if data, at := progress(t, b, other); data != "theirs" || at.Sequence != 2 {
		t.Errorf("got %q at %v, want theirs at 2", data, at)
	}
}

// Open records stay; a closed one goes with the events.
func TestProgress_GoesOnlyWhenItIsClosed(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	k := record.Key{Source: "ghost", ID: "a"}
	ttl := func() string {
		return messages(t, js, "PURGE_PROGRESS", "purge.marks.ghost.a.*")[0].Header.Get("Nats-TTL")
	}
	putProgress(t, b, k, "open", record.Place{}, false)
	if got := ttl(); got != "" {
		t.Errorf("open: got a TTL of %q, want none", got)
	}
	_, at := progress(t, b, k)
	putProgress(t, b, k, "closed", at, true)
	if got := ttl(); got != "168h0m0s" {
		t.Errorf("closed: got a TTL of %q, want as long as events are kept", got)
	}
	if got := stored(t, js, "PURGE_PROGRESS"); got != 1 {
		t.Errorf("got %d records, want 1", got)
	}
}

func TestProgress_GoesWithTheEvents(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil)
	set := settings()
	set.EventsKeep = time.Second
	b := provision(t, connect(t, s, set))
	open, closed := record.Key{Source: "ghost", ID: "open"}, record.Key{Source: "ghost", ID: "closed"}
	putProgress(t, b, open, "open", record.Place{}, false)
	putProgress(t, b, closed, "open", record.Place{}, false)
	_, at := progress(t, b, closed)
	putProgress(t, b, closed, "closed", at, true)
	eventually(t, "the closed record goes", func() bool {
		_, at := progress(t, b, closed)
		return at.Sequence == 0
	})
	if data, at := progress(t, b, open); data != "open" || at.Sequence != 1 {
		t.Errorf("got %q at %v, want the open record to stay", data, at)
	}
}

func TestProgress_LosesNoConcurrentWrite(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	k := record.Key{Source: "ghost", ID: "a"}
	const each = 40
	var g errgroup.Group
	for range 3 {
		w := connect(t, s, settings())
		g.Go(func() error {
			for range each {
				if err := increment(t.Context(), w, k); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if got, _ := progress(t, b, k); got != strconv.Itoa(3*each) {
		t.Errorf("got %s, want %d", got, 3*each)
	}
}

func increment(ctx context.Context, b *broker.Broker, k record.Key) error {
	for {
		data, after, err := b.Progress.Get(ctx, k)
		if err != nil {
			return err
		}
		n := 0
		if data != nil {
			if n, err = strconv.Atoi(string(data)); err != nil {
				return err
			}
		}
		if ok, err := b.Progress.Put(ctx, k, []byte(strconv.Itoa(n+1)), after, false); ok || err != nil {
			return err
		}
	}
}
