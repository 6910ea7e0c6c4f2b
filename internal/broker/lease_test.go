package broker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/e2e/kit"
	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/natstest"
)

// handOver is what a hand-over may take on a loaded machine: less than the two seconds that a lease
// at least lasts when it is not handed over.
const handOver = 1500 * time.Millisecond

func acquire(t *testing.T, b *broker.Broker) *broker.Lease {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	l, err := b.Control.Acquire(ctx)
	if err != nil {
		t.Fatalf("acquire: %v", err)
	}
	return l
}

// taken is a lease and when it was got.
type taken struct {
	by    *broker.Broker
	lease *broker.Lease
	at    time.Time
}

// stand lets replicas stand by; they send what they get, until the context ends.
func stand(ctx context.Context, t *testing.T, replicas ...*broker.Broker) <-chan taken {
	t.Helper()
	got := make(chan taken, len(replicas))
	done := make(chan struct{}, len(replicas))
	ctx, cancel := context.WithCancel(ctx)
	for _, b := range replicas {
		go func() {
			defer func() { done <- struct{}{} }()
			if l, err := b.Control.Acquire(ctx); err == nil {
				got <- taken{b, l, time.Now()}
			}
		}()
	}
	t.Cleanup(func() {
		cancel()
		for range replicas {
			<-done
		}
	})
	return got
}

func await(t *testing.T, got <-chan taken) taken {
	t.Helper()
	select {
	case l := <-got:
		return l
	case <-time.After(patience):
		t.Fatalf("nobody got the lease in %v", patience)
		return taken{}
	}
}

// keep renews a lease until stop, which gives what Keep returned.
func keep(t *testing.T, l *broker.Lease) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Keep(ctx) }()
	return func() error {
		cancel()
		return <-done
	}
}

func replicas(t *testing.T, s *natstest.Server, n int) []*broker.Broker {
	t.Helper()
	all := make([]*broker.Broker, n)
	for i := range all {
		all[i] = connect(t, s, settings())
	}
	return all
}

// turns is how often the lease was delivered.
func turns(t *testing.T, js jetstream.JetStream) uint64 {
	t.Helper()
	c, err := js.Consumer(t.Context(), "PURGE_CONTROL", "owner")
	if err != nil {
		t.Fatalf("look up lease: %v", err)
	}
	return c.CachedInfo().Delivered.Consumer
}

// waiting waits until so many replicas stand by: what they ask for has come to the server.
func waiting(t *testing.T, js jetstream.JetStream, n int) {
	t.Helper()
	eventually(t, "replicas stand by", func() bool {
		c, err := js.Consumer(t.Context(), "PURGE_CONTROL", "owner")
		return err == nil && c.CachedInfo().NumWaiting == n
	})
}

func TestLease_HasOneHolderOfThree(t *testing.T) {
	t.Parallel()
	_, s := provisioned(t)
	got := stand(t.Context(), t, replicas(t, s, 3)...)
	first := await(t, got)
	if !first.lease.Valid() || !first.lease.First() {
		t.Errorf("got valid %t, first %t, want both", first.lease.Valid(), first.lease.First())
	}
	stop := keep(t, first.lease)
	pause(t, 1500*time.Millisecond) // long enough for a renewal
	if len(got) > 0 {
		t.Fatal("two replicas hold the lease")
	}
	if err := stop(); err != nil {
		t.Errorf("keep: %v", err)
	}
	first.by.Conn.Close() // without a release
	died := time.Now()
	second := await(t, got)
	if took := second.at.Sub(died); took < 1500*time.Millisecond || took > 10*time.Second {
		t.Errorf("got the lease %v after its holder went, want 2 to 3 s", took)
	}
	if first.lease.Valid() || !second.lease.Valid() || second.lease.First() {
		t.Errorf("got valid %t and %t, first %t", first.lease.Valid(), second.lease.Valid(), second.lease.First())
	}
	if h, ok, err := second.lease.Predecessor(t.Context()); ok || err != nil {
		t.Errorf("got %v, %v of a holder that left nothing", h, err)
	}
	if len(got) > 0 {
		t.Fatal("two replicas hold the lease")
	}
}

func TestLease_IsHandedOver(t *testing.T) {
	t.Parallel()
	_, s := provisioned(t)
	js := client(t, s)
	all := replicas(t, s, 3)
	holder := acquire(t, all[0])
	for i := range 5 {
		next := stand(t.Context(), t, all[(i+1)%3])
		stop := keep(t, holder)
		waiting(t, js, 1)
		sends := []time.Time{time.Now().Add(-time.Second).UTC(), time.Now().UTC()}[:i%3]
		released := time.Now()
		if err := holder.Release(t.Context(), sends); err != nil {
			t.Fatalf("release: %v", err)
		}
		if holder.Valid() {
			t.Error("valid after the release")
		}
		got := await(t, next)
		if took := got.at.Sub(released); took > handOver {
			t.Errorf("hand-over took %v", took)
		}
		h, ok, err := got.lease.Predecessor(t.Context())
		if err != nil || !ok || !slices.EqualFunc(h.Sends, sends, time.Time.Equal) {
			t.Errorf("round %d: got %v, %t, %v, want %v", i, h.Sends, ok, err, sends)
		}
		if err := stop(); err != nil {
			t.Errorf("keep of a lease that was released: %v", err)
		}
		if err := holder.Release(t.Context(), nil); err != nil || !got.lease.Valid() {
			t.Errorf("the second release: %v", err)
		}
		holder = got.lease
	}
	if got := turns(t, js); got != 6 {
		t.Errorf("the lease was delivered %d times, want 6", got)
	}
}

// A holder in between that left nothing may have sent.
func TestLease_HandoverIsForTheNextAlone(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	first := acquire(t, b)
	if h, ok, err := first.Predecessor(t.Context()); ok || err != nil {
		t.Errorf("got %v, %v of nobody", h, err)
	}
	if err := first.Release(t.Context(), []time.Time{time.Now()}); err != nil {
		t.Fatalf("release: %v", err)
	}
	c, err := client(t, s).Consumer(t.Context(), "PURGE_CONTROL", "owner")
	if err != nil {
		t.Fatalf("look up lease: %v", err)
	}
	m, err := c.Next()
	if err != nil {
		t.Fatalf("take the lease: %v", err)
	}
	if err := m.Nak(); err != nil {
		t.Fatalf("let it go: %v", err)
	}
	third := acquire(t, b)
	if h, ok, err := third.Predecessor(t.Context()); ok || err != nil {
		t.Errorf("got %v, %t, %v, want nothing of the last but one", h, ok, err)
	}
}

func TestLease_HoldsWhileItIsKept(t *testing.T) {
	t.Parallel()
	// A machine that stands still for longer than between two signs of life may lose it, as it
	// should.
	const between = time.Second
	for {
		lost, stood := holds(t)
		if lost == "" {
			return
		}
		if stood < between {
			t.Fatalf("%s; the machine stood still for %v at most", lost, stood)
		}
		t.Logf("again, for the machine stood still for %v: %s", stood, lost)
	}
}

// holds keeps a lease for longer than it would last by itself, and tells how it was lost, if it
// was, and for how long the machine stood still meanwhile.
func holds(t *testing.T) (lost string, stood time.Duration) {
	t.Helper()
	b, s := provisioned(t)
	l := acquire(t, b)
	other := stand(t.Context(), t, connect(t, s, settings()))
	stop := keep(t, l)
	last := time.Now()
	for end := last.Add(4500 * time.Millisecond); last.Before(end) && lost == ""; pause(t, 10*time.Millisecond) {
		if !l.Valid() || len(other) > 0 {
			lost = fmt.Sprintf("got valid %t, other holders %d", l.Valid(), len(other))
		}
		now := time.Now()
		stood, last = max(stood, now.Sub(last)), now
	}
	if err := stop(); err != nil && lost == "" {
		lost = fmt.Sprintf("keep: %v", err)
	}
	return lost, stood
}

func TestLease_EndsBeforeAnotherHasIt(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	l := acquire(t, b)
	other := stand(t.Context(), t, connect(t, s, settings()))
	stop := keep(t, l)
	pause(t, 1200*time.Millisecond)
	if err := stop(); err != nil { // as if the process stood still
		t.Errorf("keep: %v", err)
	}
	eventually(t, "the lease ends", func() bool { return !l.Valid() })
	ended := time.Now()
	if err := l.Release(t.Context(), []time.Time{time.Now()}); err != nil {
		t.Errorf("release of an unsure holder: %v", err)
	}
	got := await(t, other)
	if !ended.Before(got.at) {
		t.Errorf("valid until %v after another had it", ended.Sub(got.at))
	}
	// Back again, it finds out before it does anything.
	if err := l.Keep(t.Context()); !errors.Is(err, broker.ErrLeaseLost) || l.Valid() {
		t.Errorf("got %v, valid %t, want the lease lost", err, l.Valid())
	}
	if err := l.Release(t.Context(), nil); err != nil {
		t.Errorf("release of a stale holder: %v", err)
	}
	if got := turns(t, js); got != 2 {
		t.Errorf("the lease was delivered %d times, want 2: the stale holder gave away what it had lost", got)
	}
	if _, ok, err := got.lease.Predecessor(t.Context()); ok || err != nil {
		t.Errorf("got a hand-over, %v, of a holder that could not tell", err)
	}
}

// A holder that learns that it has lost the lease sends nothing more, though its time is not over.
func TestLease_IsNotValidOnceItIsLost(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	l := acquire(t, b)
	if err := stream(t, client(t, s), "PURGE_CONTROL").DeleteConsumer(t.Context(), "owner"); err != nil {
		t.Fatalf("delete consumer: %v", err)
	}
	provision(t, b)
	if err := l.Keep(t.Context()); !errors.Is(err, broker.ErrLeaseLost) || l.Valid() {
		t.Errorf("got %v, valid %t, want the lease lost", err, l.Valid())
	}
}

// The server answers the renewal of a stale holder too. One that was long under way proves nothing.
func TestLease_BelievesNoLateAnswer(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	p := kit.StartLink(t, s.Address)
	slow := ready(t, open(t, broker.Dial{URL: p.URL(), Token: s.Token}, settings()))
	l := acquire(t, slow)
	start := time.Now()
	other := stand(t.Context(), t, b)
	pause(t, 2300*time.Millisecond-time.Since(start))
	if !l.Valid() {
		t.Skip("this machine is too slow for the test's timing")
	}
	p.Set(kit.Held)
	lost := make(chan error, 1)
	go func() { lost <- l.Keep(t.Context()) }() // renews at once, for it has not seen the connection's last turn
	got := await(t, other)
	p.Set(kit.Open)
	for end := time.Now().Add(time.Second); time.Now().Before(end); pause(t, time.Millisecond) {
		if l.Valid() {
			t.Fatal("two replicas hold the lease")
		}
	}
	if err := <-lost; !errors.Is(err, broker.ErrLeaseLost) {
		t.Errorf("got %v, want the lease lost", err)
	}
	if stop := keep(t, got.lease); stop() != nil {
		t.Error("the new holder lost the lease")
	}
}

func TestLease_IsUnsureAfterAReconnect(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil)
	b := provision(t, connect(t, s, settings()))
	l := acquire(t, b)
	s.Stop()
	s.Start()
	eventually(t, "it has reconnected", func() bool { return b.Conn.NATS().Stats().Reconnects == 1 })
	for range 20 {
		if l.Valid() {
			t.Fatal("valid after a reconnect that it has not looked into")
		}
		pause(t, time.Millisecond)
	}
	if err := l.Release(t.Context(), nil); err != nil {
		t.Errorf("release of an unsure holder: %v", err)
	}
	stop := keep(t, l)
	eventually(t, "the lease is confirmed", l.Valid)
	if err := stop(); err != nil {
		t.Errorf("keep: %v", err)
	}
	if got := turns(t, client(t, s)); got != 1 {
		t.Errorf("the lease was delivered %d times, want once: an unsure holder gives nothing away", got)
	}
}

func TestLease_CannotBeReplaced(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	l := acquire(t, b)
	if err := send(t, js, "purge.control.lease", nil); err == nil {
		t.Error("a second lease was stored")
	}
	if err := b.Streams.Provision(t.Context(), true); err != nil {
		t.Errorf("provision: %v", err)
	}
	stop := keep(t, l)
	defer func() {
		if err := stop(); err != nil {
			t.Errorf("keep: %v", err)
		}
	}()
	if !l.Valid() || turns(t, js) != 1 || len(messages(t, js, "PURGE_CONTROL", "purge.control.lease")) != 1 {
		t.Errorf("got valid %t, %d turns", l.Valid(), turns(t, js))
	}
}

func TestAcquire_EndsWithTheContext(t *testing.T) {
	t.Parallel()
	_, s := provisioned(t)
	js := client(t, s)
	all := replicas(t, s, 3)
	holder := acquire(t, all[0])
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := all[1].Control.Acquire(ctx)
		done <- err
	}()
	waiting(t, js, 1)
	start := time.Now()
	cancel(why)
	if err := <-done; !errors.Is(err, why) || time.Since(start) > 5*time.Second {
		t.Errorf("got %v after %v, want the cause at once", err, time.Since(start))
	}
	// The lease does not go where nobody waits any more.
	next := stand(t.Context(), t, all[2])
	waiting(t, js, 1)
	released := time.Now()
	if err := holder.Release(t.Context(), nil); err != nil {
		t.Fatalf("release: %v", err)
	}
	if got := await(t, next); got.at.Sub(released) > handOver {
		t.Errorf("hand-over took %v", got.at.Sub(released))
	}
}

func TestAcquire_WaitsForTheServer(t *testing.T) {
	t.Parallel()
	holder, s := provisioned(t)
	p := kit.StartLink(t, s.Address)
	far := ready(t, open(t, broker.Dial{URL: p.URL(), Token: s.Token}, settings()))
	l := acquire(t, holder)
	got := stand(t.Context(), t, far)
	waiting(t, client(t, s), 1)
	p.Set(kit.Refused)
	pause(t, 2600*time.Millisecond) // its pull is lost after two heartbeats; then it tries anew
	if n := far.Conn.NATS().NumSubscriptions(); n > 4 {
		t.Errorf("got %d subscriptions: each try leaves one", n)
	}
	if len(got) > 0 || l.Valid() {
		t.Errorf("got valid %t, new holders %d", l.Valid(), len(got))
	}
	p.Set(kit.Open)
	if got := await(t, got); !got.lease.Valid() || got.lease.First() {
		t.Errorf("got valid %t, first %t, want the second lease", got.lease.Valid(), got.lease.First())
	}
}

func TestAcquire_SaysWhenTheLeaseIsGone(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	holder := connect(t, s, settings())
	l := acquire(t, holder)
	kept := make(chan error, 1)
	go func() { kept <- l.Keep(t.Context()) }()
	done := make(chan error, 1)
	go func() {
		_, err := b.Control.Acquire(t.Context())
		done <- err
	}()
	js := client(t, s)
	waiting(t, js, 1)
	if err := js.DeleteStream(t.Context(), "PURGE_CONTROL"); err != nil {
		t.Fatalf("delete stream: %v", err)
	}
	if err := <-done; !broker.Gone(err) {
		t.Errorf("got %v, want gone", err)
	}
	if _, err := b.Control.Acquire(t.Context()); !broker.Gone(err) {
		t.Errorf("without a stream: got %v, want gone", err)
	}
	if _, _, err := l.Predecessor(t.Context()); !broker.Gone(err) {
		t.Errorf("predecessor: got %v, want gone", err)
	}
	if err := <-kept; !errors.Is(err, broker.ErrLeaseLost) || l.Valid() {
		t.Errorf("keep: got %v, valid %t, want the lease lost", err, l.Valid())
	}
	provision(t, b)
	// Somebody held a lease before, whose calls count.
	if l := acquire(t, b); !l.Valid() || l.First() {
		t.Errorf("got valid %t, first %t of the new stream, want the first alone", l.Valid(), l.First())
	}
}

// Replicas that go away as the lease is handed over do not take it along.
func TestAcquire_LeavesALeaseThatComesAsItEnds(t *testing.T) {
	t.Parallel()
	_, s := provisioned(t)
	js := client(t, s)
	all := replicas(t, s, 3)
	holder := acquire(t, all[0])
	for i := range 40 {
		ctx, cancel := context.WithCancel(t.Context())
		leaving := stand(ctx, t, all[(i+1)%3])
		next := stand(t.Context(), t, all[(i+2)%3])
		stop := keep(t, holder)
		waiting(t, js, 2)
		before := turns(t, js)
		inTime := func(got taken, released time.Time) {
			t.Helper()
			if took := got.at.Sub(released); took > handOver {
				t.Errorf("round %d: hand-over took %v, the lease was delivered %d times", i, took, turns(t, js)-before)
			}
		}
		released := time.Now()
		var left sync.WaitGroup
		left.Go(func() {
			pause(t, time.Duration(i)*25*time.Microsecond)
			cancel()
		})
		if err := holder.Release(t.Context(), nil); err != nil {
			t.Fatalf("release: %v", err)
		}
		_ = stop()
		left.Wait()
		select {
		case got := <-leaving: // it came in time
			stop := keep(t, got.lease)
			if err := got.lease.Release(t.Context(), nil); err != nil {
				t.Fatalf("release: %v", err)
			}
			_ = stop()
		case got := <-next:
			holder = got.lease
			inTime(got, released)
			continue
		case <-time.After(patience):
			t.Fatalf("nobody got the lease, which was delivered %d times", turns(t, js)-before)
		}
		got := await(t, next)
		inTime(got, released)
		holder = got.lease
	}
}
