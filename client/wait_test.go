package client_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/client"
	"github.com/edgepurge/edgepurge/e2e/kit"
	"github.com/edgepurge/edgepurge/purge"
)

func TestPurgeAndWait_TellsTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.work()
	c := w.client()
	tests := map[string]struct {
		request purge.Request
		want    purge.Status
	}{
		"completed": {purge.Request{ID: "a", Targets: []string{page}, Labels: map[string]string{"post": "1"}}, purge.Completed},
		"partial":   {purge.Request{Targets: []string{page, "/about/"}}, purge.Partial},
		"rejected":  {purge.Request{Targets: []string{page}, Prefetch: true}, purge.Rejected},
		"expired":   {purge.Request{Targets: []string{page}, Expires: time.Now().Add(-time.Hour)}, purge.Expired},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, err := c.PurgeAndWait(t.Context(), tt.request)
			if err != nil || o.Status != tt.want || o.Targets.Total != len(tt.request.Targets) {
				t.Errorf("got %+v, %v, want %s", o, err, tt.want)
			}
			if got, err := c.Status(t.Context(), o.Request); err != nil || got.Status != tt.want {
				t.Errorf("status: got %s, %v, want %s", got.Status, err, tt.want)
			}
			if got, err := c.Wait(t.Context(), o.Request); err != nil || got.Status != tt.want {
				t.Errorf("wait: got %s, %v, want %s", got.Status, err, tt.want)
			}
		})
	}
}

func TestPurgeAndWait_FromManyGoroutines(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.work()
	c := w.client().In(purge.Bulk)
	var calls sync.WaitGroup
	for i := range callers {
		calls.Go(func() {
			for j := range 5 {
				id := "r" + strconv.Itoa(i) + "-" + strconv.Itoa(j)
				target := "https://www.example.com/" + id
				o, err := c.PurgeAndWait(t.Context(), purge.Request{ID: id, Targets: []string{target}})
				if err != nil || o.Status != purge.Completed || o.Request != id || o.Lane != purge.Bulk {
					t.Errorf("%s: got %+v, %v, want completed", id, o, err)
				}
			}
		})
	}
	calls.Wait()
}

func TestPurgeAndWait_AnotherRequestsEndIsNoEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.work()
	c := w.client()
	first := purge.Request{ID: "a", Targets: []string{page}}
	if _, err := c.PurgeAndWait(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	// The same in other words is the same.
	first.Targets[0] = "HTTPS://WWW.example.com:443/blog/hello/#top"
	if o, err := c.PurgeAndWait(t.Context(), first); err != nil || o.Status != purge.Completed {
		t.Errorf("the same again: got %v, %v, want completed", o.Status, err)
	}
	o, err := c.PurgeAndWait(t.Context(), purge.Request{ID: "a", Targets: []string{page + "2/"}})
	if !errors.Is(err, client.ErrIDReused) || o.Request != "a" || o.Status != purge.Completed {
		t.Errorf("got %+v, %v, want the first's end and %v", o, err, client.ErrIDReused)
	}
}

func TestPurgeAndWait_GoesOnOverRestarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.client()
	var calls sync.WaitGroup
	for i := range 20 {
		calls.Go(func() {
			o, err := c.PurgeAndWait(t.Context(), numbered(i))
			if err != nil || o.Status != purge.Completed {
				t.Errorf("%d: got %+v, %v, want completed", i, o, err)
			}
		})
	}
	w.until("the requests", func() bool { return len(w.messages()) == 20 })
	w.nats.Stop()
	w.nats.Start()
	w.work()
	w.until("the operator's connection", w.nc.IsConnected)
	w.nats.Stop()
	w.nats.Start()
	calls.Wait()
}

// An event that comes while nobody listens is found with the next connection.
func TestWait_FindsWhatItMissed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	l := kit.StartLink(t, w.nats.Address)
	nc := w.connectTo(l.Address())
	ended := make(chan error, 1)
	c := w.clientOn(nc)
	go func() {
		_, err := c.Wait(t.Context(), "a")
		ended <- err
	}()
	w.until("the first look", func() bool { return nc.Stats().InMsgs > 0 && nc.NumSubscriptions() == 2 })
	l.Mute()
	w.tell("ghost", "a", purge.Completed)
	l.Cut()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// With no more rights than to publish and to listen, a wait gets what comes while its connection holds.
func TestWait_GetsByWithoutLooking(t *testing.T) {
	t.Parallel()
	w := guarded(t, toPurge, toWait)
	w.work()
	c, _ := w.ghost("ghost")
	o, err := c.PurgeAndWait(t.Context(), numbered(1))
	if err != nil || o.Status != purge.Completed {
		t.Errorf("got %+v, %v, want completed", o, err)
	}
}

func TestWait_EndsWithItsContextAndWithTheClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.client()
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error, 2)
	for _, ctx := range []context.Context{ctx, t.Context()} {
		go func() {
			o, err := c.PurgeAndWait(ctx, purge.Request{ID: "a", Targets: []string{page}})
			if o.Request != "a" || o.Source != "ghost" {
				t.Errorf("got %+v, want the name of the request", o)
			}
			ended <- err
		}()
	}
	w.until("the requests", func() bool { return len(w.messages()) == 2 && c.Under() == 0 })
	cancel(cause)
	if err := <-ended; !errors.Is(err, cause) {
		t.Errorf("got %v, want %v", err, cause)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, client.ErrClosed) {
		t.Errorf("got %v, want %v", err, client.ErrClosed)
	}
}

func TestStatus_TellsThatThereIsNoEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.client()
	w.tell("shop", "a", purge.Completed) // another's
	for _, id := range []string{"a", "_dn1nhd2synwg-3mv"} {
		if o, err := c.Status(t.Context(), id); !errors.Is(err, client.ErrNoEvent) || o.Request != id {
			t.Errorf("%s: got %+v, %v, want %v", id, o, err, client.ErrNoEvent)
		}
	}
	for _, id := range []string{"", "*", "a.b", ">"} {
		if _, err := c.Status(t.Context(), id); err == nil || errors.Is(err, client.ErrNoEvent) {
			t.Errorf("%q: got %v, want that it is no id", id, err)
		}
	}
}

// What is published and refused is heard like what is stored: a stale leader tells an end that the request does not have.
func TestWait_BelievesWhatIsStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	nc := w.connect(w.admin()...)
	c := w.clientOn(nc)
	ended := make(chan purge.Outcome, 1)
	go func() {
		o, err := c.Wait(t.Context(), "a")
		if err != nil {
			t.Error(err)
		}
		ended <- o
	}()
	w.until("the first look", func() bool { return nc.Stats().InMsgs > 0 && nc.NumSubscriptions() == 2 })
	m, err := eventMessage(subjects.Event("ghost", purge.Partial, "a"), purge.EventContentType,
		purge.Outcome{Request: "a", Source: "ghost", Status: purge.Partial})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.js.PublishMsg(t.Context(), m, jetstream.WithExpectLastSequence(999)); err == nil {
		t.Fatal("the publish was not refused")
	}
	w.tell("ghost", "a", purge.Completed)
	if o := <-ended; o.Status != purge.Completed {
		t.Errorf("got %s, want what is stored", o.Status)
	}
}
