package broker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

func statuses() []purge.Status {
	return []purge.Status{purge.Completed, purge.Partial, purge.Failed, purge.Rejected, purge.Expired}
}

func TestPutEvents_StoresTheEvent(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	var events []purge.Event
	for _, status := range statuses() {
		events = append(events, event("ghost", "r-"+string(status), status))
	}
	tell(t, b, events...)
	got := messages(t, js, "PURGE_EVENTS", ">")
	if len(got) != len(events) {
		t.Fatalf("got %d events, want %d", len(got), len(events))
	}
	for i, m := range got {
		e, err := purge.DecodeEvent(m.Data)
		if err != nil || e.Data.Request != events[i].Data.Request || e.Data.Status != events[i].Data.Status {
			t.Errorf("event %d: got %s %s, %v, want %s", i, e.Data.Request, e.Data.Status, err, events[i].Data.Request)
		}
		want := "purge.events.ghost." + string(events[i].Data.Status) + "." + events[i].Data.Request
		if m.Subject != want || m.Header.Get("Content-Type") != "application/cloudevents+json" {
			t.Errorf("event %d: got %s as %q, want %s", i, m.Subject, m.Header.Get("Content-Type"), want)
		}
	}
	if errs := b.Events.Publish(t.Context(), nil); len(errs) != 0 {
		t.Errorf("none: got %v", errs)
	}
}

// I1: whatever a request's second end is, it is not stored, and counts as told.
func TestPutEvents_StoresOneEndOfARequest(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	tell(t, b, event("ghost", "a", purge.Completed))
	for _, status := range statuses() {
		tell(t, b, event("ghost", "a", status))
	}
	// In one lot, beside others.
	tell(t, b, event("ghost", "b", purge.Failed), event("ghost", "b", purge.Partial), event("ghost", "a", purge.Failed), event("shop", "a", purge.Failed))
	var got []string
	for _, m := range messages(t, js, "PURGE_EVENTS", ">") {
		got = append(got, m.Subject)
	}
	want := "[purge.events.ghost.completed.a purge.events.ghost.failed.b purge.events.shop.failed.a]"
	if fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestPutEvents_StoresOneEndOfSeveralWriters(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	writers := []*broker.Broker{b}
	for range len(statuses()) - 1 {
		writers = append(writers, connect(t, s, settings()))
	}
	raceForEnds(t, writers, 200)
	checkOneEndEach(t, b, 200)
}

// raceForEnds lets each writer tell another end of the same requests, until all of theirs count as
// told.
func raceForEnds(t *testing.T, writers []*broker.Broker, requests int) {
	t.Helper()
	var g errgroup.Group
	for i, b := range writers {
		g.Go(func() error {
			var left []purge.Event
			for n := range requests {
				left = append(left, event("ghost", fmt.Sprintf("r-%d", n), statuses()[i%len(statuses())]))
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			for len(left) > 0 {
				if ctx.Err() != nil {
					return fmt.Errorf("writer %d: %d events are not told", i, len(left))
				}
				var again []purge.Event
				for n, err := range b.Events.Publish(ctx, left) {
					if err != nil {
						again = append(again, left[n])
					}
				}
				left = again
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

func checkOneEndEach(t *testing.T, b *broker.Broker, requests int) {
	t.Helper()
	ends := make(map[string]int)
	err := b.Events.Read(t.Context(), "", broker.ReadStored, nil, func(e broker.Event) bool {
		ends[e.ID]++
		return true
	})
	if err != nil {
		t.Fatalf("read events: %v", err)
	}
	for n := range requests {
		if id := fmt.Sprintf("r-%d", n); ends[id] != 1 {
			t.Errorf("request %s has %d ends, want 1", id, ends[id])
		}
	}
}

func TestPutEvents_AreErrorsWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	s.Stop()
	eventually(t, "the connection is lost", func() bool { return b.Conn.Check() != nil })
	for i, err := range b.Events.Publish(t.Context(), []purge.Event{event("ghost", "a", purge.Completed), event("ghost", "b", purge.Failed)}) {
		if err == nil {
			t.Errorf("event %d: got nil", i)
		}
	}
	if err := b.Dead.Put(t.Context(), []record.DeadLetter{{Code: "Malformed"}})[0]; err == nil {
		t.Error("dead letter: got nil")
	}
}

func TestPutEvents_AreErrorsWithoutAStream(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	if err := client(t, s).DeleteStream(t.Context(), "PURGE_EVENTS"); err != nil {
		t.Fatalf("delete stream: %v", err)
	}
	if err := b.Events.Publish(t.Context(), []purge.Event{event("ghost", "a", purge.Completed)})[0]; !broker.Gone(err) {
		t.Errorf("got %v, want gone", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Events.Publish(ended, []purge.Event{event("ghost", "a", purge.Completed)})[0]; err == nil {
		t.Error("got nil though nobody waited for the answer")
	}
}

// The broker sends the answer to a publish wherever its publisher says, even to the subject of an
// event. It does not count as one, nor does it make room for a second.
func TestPutEvents_SeesThroughWhatIsNoEvent(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	junk := func(status purge.Status, id string) {
		t.Helper()
		mustSend(t, js, b.Conn.Subjects().Event("ghost", status, id), []byte(`{"stream":"PURGE_REQUESTS","seq":6}`))
	}
	events := func(id string) (n int) {
		for _, m := range messages(t, js, "PURGE_EVENTS", b.Conn.Subjects().EventOf("ghost", id)) {
			if _, err := purge.DecodeEvent(m.Data); err == nil {
				n++
			}
		}
		return n
	}
	// Before the event, under its own subject and under others.
	junk(purge.Completed, "before")
	junk(purge.Failed, "before")
	junk(purge.Completed, "before")
	tell(t, b, event("ghost", "before", purge.Completed), event("ghost", "clean", purge.Completed))
	// After it, where it hides the event from a look-up.
	tell(t, b, event("ghost", "after", purge.Completed))
	junk(purge.Completed, "after")
	for _, id := range []string{"before", "after", "clean"} {
		for _, status := range statuses() {
			tell(t, b, event("ghost", id, status))
		}
		if got := events(id); got != 1 {
			t.Errorf("request %s has %d events, want 1", id, got)
		}
	}
	found, err := b.Events.Find(t.Context(), []record.Key{{Source: "ghost", ID: "before"}, {Source: "ghost", ID: "clean"}})
	if err != nil || len(found) != 2 {
		t.Errorf("look-up: got %v, %v, want both", found, err)
	}
	read := 0
	err = b.Events.Read(t.Context(), "", broker.ReadStored, nil, func(broker.Event) bool { read++; return true })
	if err != nil || read != 3 {
		t.Errorf("got %d events, %v, want 3", read, err)
	}
}

// An event that a newer version wrote is there all the same.
func TestPutEvents_LeaveANewerEventAlone(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	newer, err := json.Marshal(map[string]any{"specversion": "1.0", "type": "io.edgepurge.request.completed.v2"})
	if err != nil {
		t.Fatal(err)
	}
	mustSend(t, js, "purge.events.ghost.completed.a", newer, "Content-Type", purge.EventContentType)
	tell(t, b, event("ghost", "b", purge.Completed), event("ghost", "a", purge.Failed))
	if got := stored(t, js, "PURGE_EVENTS"); got != 2 {
		t.Errorf("got %d events, want 2", got)
	}
	found, err := b.Events.Find(t.Context(), []record.Key{{Source: "ghost", ID: "a"}, {Source: "ghost", ID: "b"}})
	if _, ok := found[record.Key{Source: "ghost", ID: "b"}]; !ok || err != nil {
		t.Errorf("got %v, %v: an event that can't be read keeps others from being found", found, err)
	}
}

// A client without permissions to hold it back can publish under a source that is none; such
// requests get their one end too, and touch no other's.
func TestPutEvents_TakeAnySource(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	tell(t, b, event("ghost", "a", purge.Completed))
	sources := []string{"*", ">", "", "Ghost", "a.b", "a b", "gh\x00st", "%", "%14", "\xff", "\xfe", "caf\xc3"}
	for i, source := range sources {
		for _, status := range []purge.Status{purge.Rejected, purge.Failed} {
			tell(t, b, event(source, "a", status))
			if err := b.Dead.Put(t.Context(), []record.DeadLetter{{Key: record.Key{Source: source, ID: "a"}, Code: "Malformed", Sequence: uint64(i)}})[0]; err != nil {
				t.Errorf("dead letter of %q: %v", source, err)
			}
		}
		k := record.Key{Source: source, ID: "a"}
		found, err := b.Events.Find(t.Context(), []record.Key{k})
		if o := found[k]; err != nil || utf8.ValidString(source) && o.Status != purge.Rejected {
			t.Errorf("look up %q: got %q, %v, want rejected", source, o.Status, err)
		}
	}
	if got, want := stored(t, js, "PURGE_EVENTS"), 1+len(sources); got != want {
		t.Errorf("got %d events, want %d", got, want)
	}
	if got, want := stored(t, js, "PURGE_DEAD"), len(sources); got != want {
		t.Errorf("got %d dead letters, want %d", got, want)
	}
	read := 0
	err := b.Events.Read(t.Context(), "", broker.ReadStored, nil, func(broker.Event) bool { read++; return true })
	if want := 1 + len(sources); err != nil || read != want {
		t.Errorf("read %d events, %v, want %d", read, err, want)
	}
}
