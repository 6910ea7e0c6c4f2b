package broker_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/natstest"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// The promises hold on three replicated servers, with a worker on each.
func TestCluster(t *testing.T) {
	t.Parallel()
	servers := natstest.Cluster(t, 3)
	set := settings()
	set.Replicas = 3
	var workers []*broker.Broker
	for _, s := range servers {
		b := connect(t, s, set)
		workers = append(workers, b)
		eventually(t, "the streams are there", func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			return b.Streams.Provision(ctx, false) == nil
		})
	}
	if err := workers[0].Streams.Verify(t.Context()); err != nil {
		t.Errorf("verify: %v", err)
	}
	js := client(t, servers[0])

	t.Run("one end of a request", func(t *testing.T) {
		const n = 200
		var stepdown errgroup.Group
		stepdown.Go(func() error { // a new leader in the middle of it
			for _, s := range servers {
				if s.JetStreamIsStreamLeader("$G", "PURGE_EVENTS") {
					return s.JetStreamStepdownStream("$G", "PURGE_EVENTS")
				}
			}
			return nil
		})
		raceForEnds(t, workers, n)
		if err := stepdown.Wait(); err != nil {
			t.Errorf("step down: %v", err)
		}
		eventually(t, "all followers have the events", func() bool {
			return stored(t, js, "PURGE_EVENTS") == n && count(t, workers[0]) == n
		})
		checkOneEndEach(t, workers[0], n)
	})

	t.Run("no job is missed", func(t *testing.T) {
		part := bytes.Repeat([]byte("x"), workers[0].Jobs.PartLimit())
		for i := range 20 {
			h := head(fmt.Sprintf("j%d", i))
			sequences, err := workers[i%3].Jobs.Put(t.Context(), h, [][]byte{part[:1+i*1000], part[:10]})
			if err != nil {
				t.Fatalf("store: %v", err)
			}
			reader := workers[(i+1)%3]
			if got := len(jobs(t, reader)); got != 2*i+2 {
				t.Errorf("got %d parts right after storing %d", got, 2*i+2)
			}
			if got, err := reader.Jobs.Get(t.Context(), sequences[0]); err != nil || len(got) != 1+i*1000 {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
		}
		sequences, err := workers[0].Jobs.Put(t.Context(), head("large"), [][]byte{part})
		if err != nil {
			t.Fatalf("store: %v", err)
		}
		for i, b := range workers {
			if got, err := b.Jobs.Get(t.Context(), sequences[0]); err != nil || !bytes.Equal(got, part) {
				t.Errorf("worker %d: got %d bytes, %v, want %d", i, len(got), err, len(part))
			}
		}
		for range 2 {
			for i, b := range workers {
				if err := b.Jobs.Delete(t.Context(), sequences[0]); err != nil {
					t.Errorf("worker %d: remove: %v", i, err)
				}
			}
		}
	})

	t.Run("no mark is lost", func(t *testing.T) {
		k := record.Key{Source: "ghost", ID: "a"}
		var g errgroup.Group
		for _, b := range workers {
			g.Go(func() error {
				for range 20 {
					if err := increment(t.Context(), b, k); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		if got, _ := progress(t, workers[0], k); got != "60" {
			t.Errorf("got %s, want 60", got)
		}
	})

	t.Run("acks are proven", func(t *testing.T) {
		const n = 500
		request(t, workers[0], purge.Bulk, n)
		l := lane(t, workers[1], purge.Bulk)
		if err := workers[1].Requests.Ack(t.Context(), repliesOf(pull(t, l, n))); err != nil {
			t.Fatalf("ack: %v", err)
		}
		if got := depth(t, l); got != [2]int{} {
			t.Errorf("got %v waiting and held right after, want none", got)
		}
	})

	t.Run("another takes over", func(t *testing.T) {
		const n = 1000
		request(t, workers[0], purge.Bulk, n)
		l := lane(t, workers[1], purge.Bulk)
		got, err := l.Pull(t.Context(), broker.PullMessages)
		if err != nil {
			t.Fatalf("pull: %v", err)
		}
		if err := workers[1].Requests.Nak(repliesOf(append(got, l.Rest()...))); err != nil {
			t.Fatalf("nak: %v", err)
		}
		next := lane(t, workers[2], purge.Bulk)
		if _, err := next.ShortenAckWait(t.Context()); err != nil {
			t.Fatalf("hurry: %v", err)
		}
		if err := workers[2].Requests.Ack(t.Context(), repliesOf(pull(t, next, n))); err != nil {
			t.Errorf("ack: %v", err)
		}
		eventually(t, "all are done", func() bool {
			rest := pullFor(t, next, 50*time.Millisecond)
			if err := workers[2].Requests.Ack(t.Context(), repliesOf(rest)); err != nil {
				t.Errorf("ack: %v", err)
			}
			return depth(t, next) == [2]int{}
		})
	})

	t.Run("the lease is handed over", func(t *testing.T) {
		first := acquire(t, workers[0])
		next := stand(t.Context(), t, workers[1])
		if err := first.Release(t.Context(), nil); err != nil {
			t.Fatalf("release: %v", err)
		}
		if _, ok, err := await(t, next).lease.Predecessor(t.Context()); !ok || err != nil {
			t.Errorf("got %t, %v, want the hand-over", ok, err)
		}
	})
}

// count reads how many events a worker sees.
func count(t *testing.T, b *broker.Broker) (n int) {
	t.Helper()
	err := b.Events.Read(t.Context(), "", broker.ReadStored, nil, func(broker.Event) bool { n++; return true })
	if err != nil {
		t.Fatalf("read events: %v", err)
	}
	return n
}
