package client_test

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/client"
	"github.com/edgepurge/edgepurge/e2e/kit"
	"github.com/edgepurge/edgepurge/purge"
)

// tell stores a terminal event, as the worker does.
func (w *world) tell(source, id string, status purge.Status) {
	w.t.Helper()
	w.tellAs(subjects.Event(source, status, id), purge.EventContentType, purge.Outcome{Request: id, Source: source, Status: status})
}

func (w *world) tellAs(subject, contentType string, o purge.Outcome) {
	w.t.Helper()
	m, err := eventMessage(subject, contentType, o)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.js.PublishMsg(w.t.Context(), m); err != nil {
		w.t.Fatal(err)
	}
}

func eventMessage(subject, contentType string, o purge.Outcome) (*nats.Msg, error) {
	data, err := purge.NewEvent("test", o, time.Now()).Encode()
	if err != nil {
		return nil, err
	}
	m := nats.NewMsg(subject)
	m.Header.Set("Content-Type", contentType)
	m.Data = data
	return m, nil
}

// last gives the error that a reading ends with.
func last(events iter.Seq2[client.Event, error]) (last error) {
	for _, err := range events {
		last = err
	}
	return last
}

// reader reads events side by side with a test.
type reader struct {
	events chan client.Event // what was read; capacity 0: the reading waits for the test
	err    chan error        // its end; capacity 1
	stop   context.CancelFunc
}

func read(t *testing.T, c *client.Client, from client.From) *reader {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r := &reader{events: make(chan client.Event), err: make(chan error, 1), stop: stop}
	go func() {
		for e, err := range c.Events(ctx, from) {
			if err != nil {
				r.err <- err
				return
			}
			select {
			case r.events <- e:
			case <-ctx.Done():
			}
		}
	}()
	t.Cleanup(stop)
	return r
}

// next wants these requests, one after the other, and returns the last event.
func (r *reader) next(t *testing.T, ids ...string) client.Event {
	t.Helper()
	var e client.Event
	for _, id := range ids {
		select {
		case e = <-r.events:
			if e.Data.Request != id {
				t.Fatalf("got the event of %s, want that of %s", e.Data.Request, id)
			}
		case err := <-r.err:
			t.Fatalf("the reading ended: %v, want the event of %s", err, id)
		case <-time.After(patience):
			t.Fatalf("waited in vain for the event of %s", id)
		}
	}
	return e
}

func (w *world) tellAll(from, to int) []string {
	w.t.Helper()
	var ids []string
	for i := from; i < to; i++ {
		ids = append(ids, "e"+strconv.Itoa(i))
		w.tell("ghost", ids[len(ids)-1], purge.Completed)
		w.tell("shop", ids[len(ids)-1], purge.Failed) // another's
	}
	return ids
}

func TestEvents_AreThoseOfTheSourceInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	before := w.tellAll(0, 200)
	r := read(t, w.client(), client.From{})
	r.next(t, before...)
	e := r.next(t, w.tellAll(200, 210)...)
	want := purge.NewEvent("test", purge.Outcome{Request: "e209", Source: "ghost", Status: purge.Completed}, e.Time)
	if diff := cmp.Diff(want, e.Event); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	if e.Sequence != 419 || e.Stored.IsZero() {
		t.Errorf("got sequence %d, stored %v, want 419 and a time", e.Sequence, e.Stored)
	}
	r.stop()
	if err := <-r.err; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func TestEvents_BeginWhereTheyAreToldTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.tellAll(0, 3)
	s, err := w.js.Stream(t.Context(), "PURGE_EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	third, err := s.GetMsg(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	c := w.client()
	read(t, c, client.From{After: 1}).next(t, "e1", "e2")
	read(t, c, client.From{Since: third.Time}).next(t, "e1", "e2")
	ahead := read(t, c, client.From{After: 6})
	fresh := read(t, c, client.From{New: true})
	w.until("the consumers", func() bool {
		info, err := s.Info(t.Context())
		return err == nil && info.State.Consumers == 4
	})
	w.tellAll(3, 4)
	ahead.next(t, "e3")
	fresh.next(t, "e3")
	if err := last(c.Events(t.Context(), client.From{After: 1, New: true})); err == nil {
		t.Error("got no error for two beginnings, want one")
	}
}

// events deletes the stream of events and makes it anew.
func (w *world) events(change func(*jetstream.StreamConfig)) jetstream.Stream {
	w.t.Helper()
	s, err := w.js.Stream(w.t.Context(), "PURGE_EVENTS")
	if err != nil {
		w.t.Fatal(err)
	}
	cfg := s.CachedInfo().Config
	if change != nil {
		change(&cfg)
	}
	if err := w.js.DeleteStream(w.t.Context(), cfg.Name); err != nil {
		w.t.Fatal(err)
	}
	if s, err = w.js.CreateStream(w.t.Context(), cfg); err != nil {
		w.t.Fatal(err)
	}
	return s
}

// consumers are those of the stream of events.
func (w *world) consumers() []string {
	w.t.Helper()
	s, err := w.js.Stream(w.t.Context(), "PURGE_EVENTS")
	if err != nil {
		w.t.Fatal(err)
	}
	names := s.ConsumerNames(w.t.Context())
	var all []string
	for name := range names.Name() {
		all = append(all, name)
	}
	if err := names.Err(); err != nil {
		w.t.Fatal(err)
	}
	return all
}

// Before the first event a reading remembers where it began, also over a break.
func TestEvents_GoOnBeforeTheFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.tellAll(0, 3)
	l := kit.StartLink(t, w.nats.Address)
	r := read(t, w.clientOn(w.connectTo(l.Address())), client.From{New: true})
	w.until("the consumer", func() bool { return len(w.consumers()) == 1 })
	l.Mute()
	held := w.tellAll(3, 5)
	l.Cut()
	r.next(t, append(held, w.tellAll(5, 6)...)...)
}

// A deadline that is near ends a reading, and does no more to it.
func TestEvents_ComeBeforeADeadlineThatIsNear(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	before := w.tellAll(0, 3)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	var got []string
	for e, err := range w.client().Events(ctx, client.From{}) {
		if err != nil {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the reading ended with %v, want %v", err, context.DeadlineExceeded)
			}
			break
		}
		got = append(got, e.Data.Request)
	}
	if diff := cmp.Diff(before, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if all := w.consumers(); len(all) != 1 {
		t.Errorf("%d consumers were made, want one", len(all))
	}
}

// An event that goes to somebody else, or nowhere, is read again.
func TestEvents_NoticeWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	r := read(t, w.client(), client.From{})
	r.next(t, w.tellAll(0, 1)...)
	// The pull under way takes the first 64, of which the reading has one; ask for one more before the next does.
	thief, err := w.nc.SubscribeSync("thief")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.nc.PublishRequest("$JS.API.CONSUMER.MSG.NEXT.PURGE_EVENTS."+w.consumers()[0], "thief", []byte("1")); err != nil {
		t.Fatal(err)
	}
	ids := w.tellAll(1, 200)
	if m, err := thief.NextMsg(patience); err != nil || m.Header.Get("Status") != "" {
		t.Fatalf("got %v, %v, want an event", m, err)
	}
	r.next(t, ids...)
}

func TestEvents_GoOnOverReconnectsAndRestarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	nc := w.connect()
	r := read(t, w.clientOn(nc), client.From{})
	next := 0
	tell := func(n int) []string {
		w.until("the operator's connection", func() bool { return w.nc.FlushTimeout(time.Second) == nil })
		next += n
		return w.tellAll(next-n, next)
	}
	r.next(t, tell(10)...)
	for range 3 {
		held := tell(100) // some of them are on their way now
		if err := nc.ForceReconnect(); err != nil {
			t.Fatal(err)
		}
		r.next(t, held[:50]...)
		w.nats.Stop()
		w.nats.Start()
		r.next(t, append(held[50:], tell(10)...)...)
	}
}

// What lies below the subjects of events and is none is passed over, and stops nothing.
func TestEvents_PassOverWhatIsNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, m := range []struct{ source, id, contentType string }{
		{"shop", "a", purge.EventContentType}, // another's
		{"ghost", "b", purge.EventContentType},
		{"ghost", "a", "application/json"},
	} {
		w.tellAs("purge.events.ghost.completed.a", m.contentType, purge.Outcome{Request: m.id, Source: m.source, Status: purge.Completed})
	}
	none := nats.NewMsg("purge.events.ghost.completed.a")
	none.Header.Set("Content-Type", purge.EventContentType)
	none.Data = []byte(`{"stream":"PURGE_REQUESTS","seq":1}`)
	if _, err := w.js.PublishMsg(t.Context(), none); err != nil {
		t.Fatal(err)
	}
	c := w.client()
	if o, err := c.Status(t.Context(), "a"); !errors.Is(err, client.ErrNoEvent) {
		t.Errorf("got %v, %v, want %v", o, err, client.ErrNoEvent)
	}
	w.tellAll(0, 1)
	read(t, c, client.From{}).next(t, "e0")
}

func TestEvents_AStreamMadeAnewIsReadFromItsBeginning(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, more := range []int{1, 5, 20} { // than there was, in the stream made anew: fewer, as many, more
		t.Run(strconv.Itoa(more), func(t *testing.T) {
			r := read(t, w.client(), client.From{})
			r.next(t, w.tellAll(0, 5)...)
			w.events(nil)
			r.next(t, w.tellAll(100, 100+more)...)
			r.next(t, w.tellAll(200, 203)...)
			r.stop()
			w.events(nil)
		})
	}
}

// An event that is not kept any more proves nothing: the reading goes on with those that are.
func TestEvents_GoOnWhenTheLastHasExpired(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	nc := w.connect()
	r := read(t, w.clientOn(nc), client.From{})
	r.next(t, w.tellAll(0, 5)...)
	s, err := w.js.Stream(t.Context(), "PURGE_EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	cfg := s.CachedInfo().Config
	cfg.MaxMsgs = 4
	if _, err := w.js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		w.tell("shop", "x"+strconv.Itoa(int(time.Now().UnixNano())), purge.Completed)
		w.tell("shop", "y"+strconv.Itoa(int(time.Now().UnixNano())), purge.Completed)
	}
	if err := nc.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	r.next(t, w.tellAll(5, 7)...)
}

// Where the last event was deleted, which the stream of edgepurge does not let happen, the others are not read again.
func TestEvents_RepeatNothingWhenTheLastIsDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	s := w.events(func(cfg *jetstream.StreamConfig) { cfg.DenyDelete = false })
	nc := w.connect()
	r := read(t, w.clientOn(nc), client.From{})
	e := r.next(t, w.tellAll(0, 5)...)
	if err := s.DeleteMsg(t.Context(), e.Sequence); err != nil {
		t.Fatal(err)
	}
	if err := nc.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	r.next(t, w.tellAll(5, 7)...)
}

func TestEvents_TellOfAMissingStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	if err := w.js.DeleteStream(t.Context(), "PURGE_EVENTS"); err != nil {
		t.Fatal(err)
	}
	c := w.client()
	c.SetAbsence(300 * time.Millisecond)
	if err := last(c.Events(t.Context(), client.From{})); !errors.Is(err, client.ErrNoStream) {
		t.Errorf("events: got %v, want %v", err, client.ErrNoStream)
	}
	if _, err := c.Status(t.Context(), "a"); !errors.Is(err, client.ErrNoStream) {
		t.Errorf("status: got %v, want %v", err, client.ErrNoStream)
	}
}

func TestEvents_EndAtOnceWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	r := read(t, w.client(), client.From{})
	r.next(t, w.tellAll(0, 1)...)
	w.nats.Stop()
	r.stop()
	select {
	case err := <-r.err:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
	case <-time.After(patience):
		t.Error("the reading does not end")
	}
	w.nats.Start()
}

func TestEvents_EndWithTheClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.client()
	r := read(t, c, client.From{})
	r.next(t, w.tellAll(0, 1)...)
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-r.err; !errors.Is(err, client.ErrClosed) {
		t.Errorf("got %v, want %v", err, client.ErrClosed)
	}
}
