package client_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/client"
	"github.com/edgepurge/edgepurge/internal/natstest"
	"github.com/edgepurge/edgepurge/purge"
)

// several are the numbered requests in between.
func several(from, to int) iter.Seq[purge.Request] {
	return func(yield func(purge.Request) bool) {
		for i := from; i < to; i++ {
			if !yield(numbered(i)) {
				return
			}
		}
	}
}

// unchecked is a client that publishes also what is not valid.
func (w *world) unchecked() *client.Client {
	w.t.Helper()
	c, err := client.New(w.connect(w.admin()...), client.Config{Source: "ghost", Unchecked: true})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func TestPurgeMany_StoresThemInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	n := 0
	for id, err := range w.client().PurgeMany(t.Context(), several(0, 3000)) {
		if err != nil || id != numbered(n).ID {
			t.Fatalf("request %d: got %q, %v", n, id, err)
		}
		n++
	}
	if n != 3000 {
		t.Errorf("%d ids, want 3000", n)
	}
	w.stored(3000)
	if got := len(w.messages()); got != 3000 {
		t.Errorf("%d messages, want each once", got)
	}
}

func TestPurgeMany_LosesNothingOverRestartsAndCuts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	nc := w.connect()
	n := 0
	for id, err := range w.clientOn(nc).PurgeMany(t.Context(), several(0, 4000)) {
		if err != nil || id != numbered(n).ID {
			t.Fatalf("request %d: got %q, %v", n, id, err)
		}
		switch n++; n {
		case 1000:
			w.nats.Stop()
			w.nats.Start()
		case 2000, 3000:
			if err := nc.ForceReconnect(); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.until("the operator's connection", w.nc.IsConnected)
	w.stored(4000)
}

// One that is not valid is reported, and the others are stored.
func TestPurgeMany_GoesOnBehindOneThatIsNotValid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	requests := []purge.Request{
		numbered(0),
		{ID: "bad", Targets: []string{"nonsense"}},
		{ID: "large", Targets: []string{"https://a.example/", strings.Repeat("x", 2<<20)}},
		numbered(1),
	}
	var got []string
	for id, err := range w.client().PurgeMany(t.Context(), slices.Values(requests)) {
		word := "stored"
		if _, ok := errors.AsType[*purge.Reason](err); ok {
			word = "not valid"
		} else if errors.Is(err, client.ErrTooLarge) {
			word = "too large"
		} else if err != nil {
			t.Error(err)
		}
		got = append(got, id+" "+word)
	}
	want := []string{numbered(0).ID + " stored", "bad not valid", "large too large", numbered(1).ID + " stored"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.stored(2)
}

func TestPurgeMany_EndsWithWhatFailsForAll(t *testing.T) {
	t.Parallel()
	w := guarded(t, toPurge)
	for name, end := range map[string]func() (context.Context, *client.Client, error){
		"denied": func() (context.Context, *client.Client, error) {
			c, _ := w.ghost("shop")
			return t.Context(), c, client.ErrDenied
		},
		"closed": func() (context.Context, *client.Client, error) {
			c, _ := w.ghost("ghost")
			_ = c.Close(t.Context())
			return t.Context(), c, client.ErrClosed
		},
		"context": func() (context.Context, *client.Client, error) {
			c, _ := w.ghost("ghost")
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(errors.ErrUnsupported)
			return ctx, c, errors.ErrUnsupported
		},
	} {
		ctx, c, want := end()
		n := 0
		for _, err := range c.PurgeMany(ctx, several(0, 1000)) {
			if n++; !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", name, err, want)
			}
		}
		if n != 1 {
			t.Errorf("%s: %d errors, want one", name, n)
		}
	}
}

// What is not valid is for the worker to reject, with its bytes: no other target is made of it.
func TestPurgeMany_UncheckedPublishesEveryLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	const bad, good = "https://a.example/\xff?\"\\<\xe4", "https://a.example/\ufffd"
	requests := []purge.Request{
		{ID: "a", Zone: "zone-a", Targets: []string{good, bad}},
		{ID: "b", Targets: []string{bad}},
		{ID: "c", Targets: []string{"nonsense"}},
		{ID: "_d", Targets: []string{page}},
	}
	refused := 0
	for id, err := range w.unchecked().PurgeMany(t.Context(), slices.Values(requests)) {
		if _, ok := errors.AsType[*purge.Reason](err); ok && id == "_d" {
			refused++ // it would get another id, for which nobody could wait
		} else if err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	got := w.messages()
	if len(got) != 3 || refused != 1 {
		t.Fatalf("%d messages and %d refused, want 3 and 1", len(got), refused)
	}
	for i, m := range got[:2] {
		r, err := purge.Decode([]byte(m.Data), "")
		if reason, _ := errors.AsType[*purge.Reason](err); reason == nil || r.ID != requests[i].ID || r.Zone != requests[i].Zone {
			t.Errorf("message %d: %q decodes to %+v, %v; want it malformed, with its id", i, m.Data, r, err)
		}
		if !strings.Contains(m.Data, "\xff") || !strings.Contains(m.Data, "\xe4") {
			t.Errorf("message %d: %q lacks bytes of its target", i, m.Data)
		}
	}
}

func TestEnded_TellsThoseThatHaveEnded(t *testing.T) {
	t.Parallel()
	w := guarded(t, toPurge, toLook)
	c, _ := w.ghost("ghost")
	w.tellAll(0, 600)
	w.tell("shop", "e1000", purge.Completed)
	var ids, want, got []string
	for i := range 1200 {
		ids = append(ids, fmt.Sprintf("e%d", 1199-i))
	}
	for i := range 600 {
		want = append(want, fmt.Sprintf("e%d", 599-i))
	}
	for o, err := range c.Ended(t.Context(), slices.Values(ids)) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, o.Request)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, err := range c.Ended(t.Context(), slices.Values([]string{"e1", "a.b", "e2"})) {
		if got = append(got, ""); err != nil {
			break
		}
	}
	if len(got) != 602 {
		t.Errorf("an id that is none: %d more, want an end and an error", len(got)-600)
	}
}

// With each of the rights that there are for it, and with no others.
func TestPurgeManyAndWait_EachEndsOnce(t *testing.T) {
	t.Parallel()
	for name, has := range map[string][]rights{
		"all rights": {toPurge, toWait, toLook, toRead},
		"reading":    {toPurge, toLook, toRead},
		"listening":  {toPurge, toLook, toWait},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := guarded(t, has...)
			w.work()
			c, _ := w.ghost("ghost")
			for i := range 50 {
				if o, err := c.PurgeAndWait(t.Context(), numbered(i)); name != "reading" && (err != nil || o.Status != purge.Completed) {
					t.Fatalf("got %+v, %v", o, err)
				} else if name == "reading" { // which may not listen
					if _, err := c.Purge(t.Context(), numbered(i)); err != nil {
						t.Fatal(err)
					}
				}
				if i == 3 && name == "reading" {
					break
				}
			}
			want := make(map[string]bool)
			for r := range several(0, 700) {
				want[r.ID] = true
			}
			before := 0
			requests := func(yield func(purge.Request) bool) {
				for r := range several(0, 700) {
					if !yield(r) {
						return
					}
				}
				_ = yield(numbered(5)) && yield(purge.Request{ID: "bad", Targets: []string{"x"}})
			}
			refused := 0
			for e, err := range c.PurgeManyAndWait(t.Context(), client.Many{Requests: requests}) {
				if _, ok := errors.AsType[*purge.Reason](err); ok && e.Request == "bad" {
					refused++
					continue
				}
				if err != nil || e.Status != purge.Completed || !want[e.Request] {
					t.Fatalf("got %+v, %v, want one that is completed and did not end before", e, err)
				}
				delete(want, e.Request)
				if e.Before {
					before++
				}
			}
			if len(want) != 0 || refused != 1 {
				t.Errorf("%d requests have no end, %d are refused; want 0 and 1", len(want), refused)
			}
			if name != "reading" && before != 50 {
				t.Errorf("%d had ended before, want 50", before)
			}
		})
	}
}

// Without the right to look, ends that are stored can't be seen. That is said, and what comes is taken in.
func TestPurgeManyAndWait_SaysWhatItCannotSee(t *testing.T) {
	t.Parallel()
	w := guarded(t, toPurge, toWait)
	w.work()
	c, _ := w.ghost("ghost")
	for _, isNew := range []bool{true, false} {
		from := 0
		if !isNew {
			from = 100
		}
		var blind error
		n, begun := 0, time.Now()
		many := client.Many{Requests: several(from, from+100), New: isNew, Blind: func(err error) { blind = err }}
		for e, err := range c.PurgeManyAndWait(t.Context(), many) {
			if err != nil || e.Status != purge.Completed {
				t.Fatalf("got %+v, %v, want completed", e, err)
			}
			n++
		}
		// On a busy machine an event may come so late that it is looked for, which is refused too.
		denied, late := errors.Is(blind, client.ErrDenied), time.Since(begun) > time.Second
		if n != 100 || !isNew && !denied || isNew && denied && !late {
			t.Errorf("new %t: %d ends, blind %v; want 100, and the right where it matters", isNew, n, blind)
		}
	}
}

func TestPurgeManyAndWait_GoesOnOverRestarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.work()
	nc := w.connect()
	n := 0
	for e, err := range w.clientOn(nc).PurgeManyAndWait(t.Context(), client.Many{Requests: several(0, 1500)}) {
		if err != nil || e.Status != purge.Completed {
			t.Fatalf("got %+v, %v, want completed", e, err)
		}
		switch n++; n {
		case 300:
			w.nats.Stop()
			w.nats.Start()
		case 700, 1100:
			if err := nc.ForceReconnect(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n != 1500 {
		t.Errorf("%d ends, want 1500", n)
	}
}

func TestPurgeManyAndWait_EndsWithItsContextAndWithTheClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil) // and no worker
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	c := w.client()
	for _, end := range []struct {
		ctx  context.Context
		do   func()
		want error
	}{
		{ctx, func() { cancel(cause) }, cause},
		{t.Context(), func() { _ = c.Close(t.Context()) }, client.ErrClosed},
	} {
		before := len(w.messages())
		go func() {
			w.until("the requests", func() bool { return len(w.messages()) == before+10 })
			end.do()
		}()
		n := 0
		for _, err := range c.PurgeManyAndWait(end.ctx, client.Many{Requests: several(0, 10)}) {
			if n++; !errors.Is(err, end.want) {
				t.Errorf("got %v, want %v", err, end.want)
			}
		}
		if n != 1 {
			t.Errorf("%d errors, want one", n)
		}
	}
}

func TestEvents_KeptEndsBehindTheLast(t *testing.T) {
	t.Parallel()
	w := guarded(t, toPurge, toRead)
	c, _ := w.ghost("ghost")
	for _, n := range []int{0, 1, 200} {
		want := w.tellAll(n/2, n)
		w.tell("shop", fmt.Sprintf("s%d", n), purge.Completed)
		var got []string
		for e, err := range c.Events(t.Context(), client.From{Kept: true}) {
			if err != nil {
				t.Fatal(err)
			}
			if decoded, err := purge.DecodeEvent(e.Raw); err != nil || decoded.Data.Request != e.Data.Request {
				t.Errorf("raw: %q, %v", e.Raw, err)
			}
			got = append(got, e.Data.Request)
		}
		if len(got) < len(want) || !slices.Equal(got[len(got)-len(want):], want) {
			t.Errorf("%d events: got %v, want them to end with %v", n, got, want)
		}
	}
}

// A broker that says "duplicate" may have another's message under that id. It is believed to have this one once it says so.
func TestPurge_ADuplicateProvesNothing(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil) // without streams: the test answers
	dial := func() *nats.Conn {
		nc, err := nats.Connect("nats://"+s.Address, nats.Token(s.Token))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		return nc
	}
	var duplicates, asked atomic.Int64
	stream := dial()
	_, err := stream.Subscribe("purge.requests.>", func(m *nats.Msg) {
		asked.Add(1)
		answer := `{"stream":"PURGE_REQUESTS","seq":1}`
		if duplicates.Add(-1) >= 0 {
			answer = `{"stream":"PURGE_REQUESTS","seq":1,"duplicate":true}`
		}
		_ = m.Respond([]byte(answer))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Flush(); err != nil {
		t.Fatal(err)
	}
	c, err := client.New(dial(), client.Config{Source: "ghost"})
	if err != nil {
		t.Fatal(err)
	}
	many := func() (err error) {
		for _, e := range c.PurgeMany(t.Context(), several(0, 1)) {
			err = e
		}
		return err
	}
	one := func() error { _, err := c.Purge(t.Context(), numbered(0)); return err }
	for name, call := range map[string]func() error{"one": one, "many": many} {
		duplicates.Store(2)
		asked.Store(0)
		start := time.Now()
		if err := call(); err != nil || asked.Load() != 3 || time.Since(start) < 200*time.Millisecond {
			t.Errorf("%s: got %v after %d tries and %v, want it stored at the third, beyond the window", name, err, asked.Load(), time.Since(start))
		}
	}
	duplicates.Store(1 << 30)
	asked.Store(0)
	if err := one(); !errors.Is(err, client.ErrDuplicate) || asked.Load() > 20 {
		t.Errorf("got %v after %d tries, want %v after some", err, asked.Load(), client.ErrDuplicate)
	}
}

// Another producer takes the message id that a request of ghost might have, on a stream whose table of these is as long as
// the last version made it. The request is stored, purged, and gets its event.
func TestPurge_NobodyElseCanMakeARequestVanish(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	s, err := w.js.Stream(t.Context(), "PURGE_REQUESTS")
	if err != nil {
		t.Fatal(err)
	}
	cfg := s.CachedInfo().Config
	cfg.Duplicates = 2 * time.Minute
	if _, err := w.js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"targets":["https://other.example/"]}`)
	if _, err := w.js.Publish(t.Context(), "purge.requests.interactive.other", body, jetstream.WithMsgID("ghost.x")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := w.client()
	request := purge.Request{ID: "x", Targets: []string{page}}
	if _, err := c.Purge(ctx, request); err != nil {
		t.Fatal(err)
	}
	if got := w.messages(); len(got) != 2 || got[1].id() != "x" || got[1].Headers != 0 {
		t.Fatalf("stored %v, want ghost's request too, without headers", got)
	}
	w.work()
	if o, err := c.Wait(ctx, "x"); err != nil || o.Status != purge.Completed {
		t.Errorf("got %+v, %v, want completed", o, err)
	}
}
