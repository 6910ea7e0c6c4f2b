package broker_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/natstest"
)

// contenders are replicas that stand by, lead, and stand by again, as the application's do.
type contenders struct {
	held  []atomic.Pointer[broker.Lease]
	terms atomic.Int64
}

// contend runs replicas until the end of the test, which fails when two hold a valid lease at a
// time.
func contend(t *testing.T, mend bool, all ...*broker.Broker) *contenders {
	t.Helper()
	c := &contenders{held: make([]atomic.Pointer[broker.Lease], len(all))}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for i, b := range all {
		running.Go(func() {
			for ctx.Err() == nil {
				if mend {
					_ = b.Streams.Provision(ctx, false) // fails while a stream is being made
				}
				l, err := b.Control.Acquire(ctx)
				if err != nil {
					pauseFor(ctx, 50*time.Millisecond)
					continue
				}
				c.held[i].Store(l)
				c.terms.Add(1)
				_ = l.Keep(ctx) // until it is lost
			}
		})
	}
	running.Go(func() {
		for ; ctx.Err() == nil; pauseFor(ctx, 200*time.Microsecond) {
			if n := c.valid(); n > 1 {
				t.Errorf("%d replicas hold a valid lease", n)
				return
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return c
}

func (c *contenders) valid() int {
	n := 0
	for i := range c.held {
		if l := c.held[i].Load(); l != nil && l.Valid() {
			n++
		}
	}
	return n
}

func pauseFor(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// Whatever is done to the lease from outside, at no time do two replicas hold it, and one holds it
// in the end.
func TestLease_HasOneHolderWhateverIsDoneToIt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		what string
		mend bool // the replicas may make what is missing
		do   func(t *testing.T, js jetstream.JetStream, helper *broker.Broker) error
	}{
		{"the stream is purged", false, func(t *testing.T, js jetstream.JetStream, _ *broker.Broker) error {
			return stream(t, js, "PURGE_CONTROL").Purge(t.Context())
		}},
		{"the message is removed", false, func(t *testing.T, js jetstream.JetStream, _ *broker.Broker) error {
			return stream(t, js, "PURGE_CONTROL").DeleteMsg(t.Context(), messages(t, js, "PURGE_CONTROL", "purge.control.lease")[0].Sequence)
		}},
		{"the stream is deleted", true, func(t *testing.T, js jetstream.JetStream, _ *broker.Broker) error {
			return js.DeleteStream(t.Context(), "PURGE_CONTROL")
		}},
		{"the stream is deleted, and made anew by a tool", false, func(t *testing.T, js jetstream.JetStream, helper *broker.Broker) error {
			if err := js.DeleteStream(t.Context(), "PURGE_CONTROL"); err != nil {
				return err
			}
			return helper.Streams.Provision(t.Context(), true)
		}},
		{"the consumer is deleted", true, func(t *testing.T, js jetstream.JetStream, _ *broker.Broker) error {
			return js.DeleteConsumer(t.Context(), "PURGE_CONTROL", "owner")
		}},
		{"another lease is stored by who knows nothing of it", false, func(t *testing.T, js jetstream.JetStream, _ *broker.Broker) error {
			return errors.Join(stream(t, js, "PURGE_CONTROL").Purge(t.Context()), send(t, js, "purge.control.lease", nil))
		}},
		{"the lease is acked", false, func(t *testing.T, js jetstream.JetStream, _ *broker.Broker) error {
			c, err := js.Consumer(t.Context(), "PURGE_CONTROL", "owner")
			if err != nil {
				return err
			}
			d := c.CachedInfo().Delivered
			return js.Conn().Publish(fmt.Sprintf("$JS.ACK.PURGE_CONTROL.owner.1.%d.%d.%d.0", d.Stream, d.Consumer, time.Now().UnixNano()), []byte("+ACK"))
		}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			helper, s := provisioned(t)
			js := client(t, s)
			c := contend(t, tt.mend, replicas(t, s, 3)...)
			eventually(t, "a leader", func() bool { return c.valid() == 1 })
			for range 2 {
				terms := c.terms.Load()
				if err := tt.do(t, js, helper); err != nil {
					t.Fatal(err)
				}
				eventually(t, "the next term", func() bool { return c.terms.Load() > terms && c.valid() == 1 })
			}
		})
	}
}

// After the purge of PURGE_CONTROL, one that stands by takes over when the leader dies.
func TestLease_IsTakenOverAfterAPurge(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	holder := acquire(t, b)
	kept := make(chan error, 1)
	go func() { kept <- holder.Keep(t.Context()) }()
	next := stand(t.Context(), t, connect(t, s, settings()))
	waiting(t, js, 1)
	if err := stream(t, js, "PURGE_CONTROL").Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	purged := time.Now()
	if err := <-kept; !errors.Is(err, broker.ErrLeaseLost) || !broker.Gone(err) || holder.Valid() {
		t.Errorf("got %v, valid %t, want the holder to let go", err, holder.Valid())
	}
	if err := connect(t, s, settings()).Control.SeedLease(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := await(t, next)
	if took := got.at.Sub(purged); took < 2500*time.Millisecond {
		t.Errorf("the next had the lease after %v, while the last could still count on it", took)
	}
	if got.lease.First() {
		t.Error("the next counts as the first that ever was")
	}
}

// The first start is not slowed by a lease that nobody ever held.
func TestProvision_TheFirstLeaseIsFree(t *testing.T) {
	t.Parallel()
	const tries = 5 // on a busy machine the server may take as long as a lease to make the streams
	for n := 1; ; n++ {
		s := natstest.Start(t, nil)
		b := connect(t, s, settings())
		start := time.Now()
		provision(t, b)
		l := acquire(t, connect(t, s, settings()))
		took := time.Since(start)
		if !l.First() {
			t.Fatal("the lease was held before")
		}
		if took < 2500*time.Millisecond {
			return
		}
		if n == tries {
			t.Fatalf("got the lease after %v, and no sooner in %d tries, want it at once", took, tries)
		}
	}
}
