package broker_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/record"
)

func putProgress(t *testing.T, b *broker.Broker, k record.Key, data string, after uint64, keep bool) bool {
	t.Helper()
	ok, err := b.PutProgress(t.Context(), k, []byte(data), after, keep)
	if err != nil {
		t.Fatalf("store progress of %s: %v", k, err)
	}
	return ok
}

func progress(t *testing.T, b *broker.Broker, k record.Key) (string, uint64) {
	t.Helper()
	data, sequence, err := b.Progress(t.Context(), k)
	if err != nil {
		t.Fatalf("read progress of %s: %v", k, err)
	}
	return string(data), sequence
}

func TestProgress_IsComparedAndSet(t *testing.T) {
	t.Parallel()
	b, _ := provisioned(t)
	k, other := record.Key{Source: "ghost", ID: "a"}, record.Key{Source: "shop", ID: "a"}
	if data, sequence := progress(t, b, k); data != "" || sequence != 0 {
		t.Errorf("got %q at %d, want nothing", data, sequence)
	}
	if putProgress(t, b, k, "too early", 5, false) {
		t.Error("stored after a record that is not there")
	}
	if !putProgress(t, b, k, "one", 0, false) || !putProgress(t, b, other, "theirs", 0, false) {
		t.Error("not stored though there was none")
	}
	if putProgress(t, b, k, "again", 0, false) {
		t.Error("stored as the first though there is one")
	}
	data, sequence := progress(t, b, k)
	if data != "one" || sequence != 1 {
		t.Errorf("got %q at %d, want one at 1", data, sequence)
	}
	if !putProgress(t, b, k, "two", sequence, false) {
		t.Error("not stored though nothing came in between")
	}
	if putProgress(t, b, k, "late", sequence, true) {
		t.Error("stored though another write came in between")
	}
	if data, _ := progress(t, b, k); data != "two" {
		t.Errorf("got %q, want two", data)
	}
	if data, sequence := progress(t, b, other); data != "theirs" || sequence != 2 {
		t.Errorf("got %q at %d, want theirs at 2", data, sequence)
	}
}

// Open records stay; a closed one goes with the events.
func TestProgress_GoesOnlyWhenItIsClosed(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	k := record.Key{Source: "ghost", ID: "a"}
	ttl := func() string {
		return messages(t, js, "PURGE_PROGRESS", "purge.marks.ghost.a")[0].Header.Get("Nats-TTL")
	}
	putProgress(t, b, k, "open", 0, false)
	if got := ttl(); got != "" {
		t.Errorf("open: got a TTL of %q, want none", got)
	}
	putProgress(t, b, k, "closed", 1, true)
	if got := ttl(); got != "168h0m0s" {
		t.Errorf("closed: got a TTL of %q, want as long as events are kept", got)
	}
	if got := stored(t, js, "PURGE_PROGRESS"); got != 1 {
		t.Errorf("got %d records, want 1", got)
	}
}

func TestProgress_GoesWithTheEvents(t *testing.T) {
	t.Parallel()
	s := startServer(t, serverOptions(t.TempDir()))
	set := settings()
	set.EventsKeep = time.Second
	b := provision(t, connect(t, s, set))
	open, closed := record.Key{Source: "ghost", ID: "open"}, record.Key{Source: "ghost", ID: "closed"}
	putProgress(t, b, open, "open", 0, false)
	putProgress(t, b, closed, "open", 0, false)
	putProgress(t, b, closed, "closed", 2, true)
	eventually(t, "the closed record goes", func() bool {
		_, sequence := progress(t, b, closed)
		return sequence == 0
	})
	if data, sequence := progress(t, b, open); data != "open" || sequence != 1 {
		t.Errorf("got %q at %d, want the open record to stay", data, sequence)
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
		data, after, err := b.Progress(ctx, k)
		if err != nil {
			return err
		}
		n := 0
		if data != nil {
			if n, err = strconv.Atoi(string(data)); err != nil {
				return err
			}
		}
		if ok, err := b.PutProgress(ctx, k, []byte(strconv.Itoa(n+1)), after, false); ok || err != nil {
			return err
		}
	}
}
