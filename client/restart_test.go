package client_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/edgepurge/edgepurge/client"
	"github.com/edgepurge/edgepurge/e2e/kit"
)

// load calls Purge n times from 64 goroutines, and counts.
type load struct {
	n       int
	done    atomic.Int64
	callers sync.WaitGroup
}

func (w *world) load(c *client.Client, n int) *load {
	l := &load{n: n}
	var next atomic.Int64
	for range callers {
		l.callers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if _, err := c.Purge(w.t.Context(), numbered(i)); err != nil {
					w.t.Errorf("request %d: %v", i, err)
					return
				}
				l.done.Add(1)
			}
		})
	}
	return l
}

// until polls for something to become true.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			w.t.Fatalf("waited in vain for %s", what)
		}
		<-tick.C
	}
}

// stored wants each of the first n numbered requests stored, and nothing else. One whose answer was lost may be there
// twice: the worker takes both for one.
func (w *world) stored(n int) {
	w.t.Helper()
	seen := make(map[string]bool)
	for _, m := range w.messages() {
		seen[m.id()] = true
	}
	for i := range n {
		if id := numbered(i).ID; !seen[id] {
			w.t.Errorf("%s is not stored", id)
		}
	}
	if len(seen) != n {
		w.t.Errorf("%d requests are stored, want %d", len(seen), n)
	}
}

func TestPurge_FromManyGoroutines(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	l := w.load(w.client(), 5000)
	l.callers.Wait()
	w.stored(l.n)
	if got := len(w.messages()); got != l.n {
		t.Errorf("%d messages, want %d: none was tried twice", got, l.n)
	}
}

func TestPurge_LosesNothingWhenTheServerRestarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	l := w.load(w.client(), 6000)
	for i := range 3 {
		w.until("calls that return", func() bool { return l.done.Load() >= int64(l.n*(i+1)/8) })
		w.nats.Stop()
		w.nats.Start()
	}
	l.callers.Wait()
	w.until("the operator's connection", w.nc.IsConnected)
	w.stored(l.n)
}

func TestPurge_LosesNothingWithItsConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	nc := w.connect()
	l := w.load(w.clientOn(nc), 6000)
	for i := range 5 {
		w.until("calls that return", func() bool { return l.done.Load() >= int64(l.n*(i+1)/8) })
		if err := nc.ForceReconnect(); err != nil {
			t.Fatal(err)
		}
	}
	l.callers.Wait()
	w.stored(l.n)
}

// A server that takes messages and is gone before it answers: they are published again, under the same ids.
func TestPurge_PublishesAgainWhatWasNotAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	l := kit.StartLink(t, w.nats.Address)
	// Only the end of the connection tells that no answer comes.
	c, err := client.New(w.connectTo(l.Address()), client.Config{Source: "ghost", Timeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Purge(t.Context(), numbered(0)); err != nil {
		t.Fatal(err)
	}
	l.Mute()
	var calls sync.WaitGroup
	for i := range 10 {
		calls.Go(func() {
			if _, err := c.Purge(t.Context(), numbered(1+i)); err != nil {
				t.Errorf("request %d: %v", i, err)
			}
		})
	}
	w.until("the messages", func() bool { return len(w.messages()) == 11 })
	l.Cut()
	calls.Wait()
	w.stored(11)
}

func TestClose_WaitsForCallsUnderWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.client()
	w.nats.Stop()
	var calls sync.WaitGroup
	for i := range 10 {
		calls.Go(func() {
			if _, err := c.Purge(t.Context(), numbered(i)); err != nil {
				t.Errorf("request %d: %v", i, err)
			}
		})
	}
	w.until("calls under way", func() bool { return c.Under() == 10 })
	calls.Go(func() {
		if err := c.Close(t.Context()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	w.until("the close", c.Closed)
	w.nats.Start()
	calls.Wait()
	w.until("the operator's connection", w.nc.IsConnected)
	w.stored(10)
	if id, err := c.Purge(t.Context(), numbered(11)); !errors.Is(err, client.ErrClosed) || id == "" {
		t.Errorf("after the close: got %q, %v, want the id and %v", id, err, client.ErrClosed)
	}
}

func TestClose_GivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.client()
	w.nats.Stop()
	ended := make(chan error, 1)
	go func() {
		_, err := c.Purge(t.Context(), numbered(0))
		ended <- err
	}()
	w.until("a call under way", func() bool { return c.Under() == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("close: got %v, want %v", err, context.DeadlineExceeded)
	}
	if err := <-ended; !errors.Is(err, client.ErrClosed) {
		t.Errorf("the call: got %v, want %v", err, client.ErrClosed)
	}
}

func TestPurge_EndsWithItsConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	nc := w.connect()
	c := w.clientOn(nc)
	w.nats.Stop()
	ended := make(chan error, 1)
	go func() {
		_, err := c.Purge(t.Context(), numbered(0))
		ended <- err
	}()
	w.until("a call under way", func() bool { return c.Under() == 1 })
	nc.Close()
	if err := <-ended; !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("got %v, want %v", err, nats.ErrConnectionClosed)
	}
	w.nats.Start()
}

func TestPurge_WaitsForTheFirstConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.nats.Stop()
	nc := w.connect(nats.RetryOnFailedConnect(true), nats.ReconnectBufSize(-1))
	l := w.load(w.clientOn(nc), 100)
	w.nats.Start()
	l.callers.Wait()
	w.until("the operator's connection", w.nc.IsConnected)
	w.stored(l.n)
}
