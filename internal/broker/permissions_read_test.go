package broker_test

import (
	"context"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// newReader gives a town where ghost may also read its own events, in every way that a right can be
// given for.
func newReader(t *testing.T) *town {
	t.Helper()
	return populate(t, withUsers(t,
		&server.User{Username: "worker", Password: "worker"},
		&server.User{Username: "ghost", Password: "ghost", Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Allow: []string{
				"purge.requests.*.ghost", "$JS.API.DIRECT.GET.PURGE_EVENTS.purge.events.ghost.>",
				"$JS.API.CONSUMER.CREATE.PURGE_EVENTS.*.purge.events.ghost.>", "$JS.API.CONSUMER.MSG.NEXT.PURGE_EVENTS.*",
			}},
			Subscribe: &server.SubjectPermission{Allow: []string{"purge.events.ghost.>", "_INBOX_ghost.>"}},
		}},
	))
}

func (w *town) ask(t *testing.T, subject, answer, body string) {
	t.Helper()
	if err := w.ghost.Conn().PublishRequest(subject, answer, []byte(body)); err != nil {
		t.Fatalf("publish: %v", err)
	}
}

// copies has the server send what lies below the subjects of a request of ghost's to those of
// shop's, by a get and through a consumer.
func (w *town) copies(t *testing.T, id string) {
	t.Helper()
	filter := "purge.events.ghost.*." + id
	w.ask(t, "$JS.API.DIRECT.GET.PURGE_EVENTS."+filter, "purge.events.shop.completed.got-"+id, "")
	for name, deliver := range map[string]string{"push-": `,"deliver_subject":"purge.events.shop.completed.pushed-` + id + `"`, "pull-": ""} {
		w.ask(t, "$JS.API.CONSUMER.CREATE.PURGE_EVENTS."+name+id+"."+filter, "_INBOX_ghost.x",
			`{"stream_name":"PURGE_EVENTS","config":{"name":"`+name+id+`","filter_subject":"`+filter+`",`+
				`"ack_policy":"none","deliver_policy":"all"`+deliver+`}}`)
	}
	w.ask(t, "$JS.API.CONSUMER.MSG.NEXT.PURGE_EVENTS.pull-"+id, "purge.events.shop.completed.pulled-"+id, "1")
}

// A producer that may read its own events names where the server sends them, too. A stored event
// carries the condition of its publish, which no copy of it fulfils; and a copy of what is none
// stands in nobody's way.
func TestPermissions_OwnEventsDoNotPassForAnothers(t *testing.T) {
	t.Parallel()
	w := newReader(t)
	tell(t, w.worker, event("ghost", "own", purge.Completed))
	w.ask(t, "purge.requests.bulk.ghost", "purge.events.ghost.completed.none", "")
	eventually(t, "the answer to a publish is stored", func() bool { return stored(t, w.admin, "PURGE_EVENTS") == 3 })
	w.copies(t, "own")
	w.copies(t, "none") // behind the others
	eventually(t, "what is no event is copied", func() bool { return stored(t, w.admin, "PURGE_EVENTS") >= 4 })
	if got := stored(t, w.admin, "PURGE_EVENTS"); got != 4 {
		t.Errorf("%d messages are stored, want 4: no copy of the event", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	k := record.Key{Source: "shop", ID: "got-none"}
	if has, err := w.worker.Events.Has(ctx, k); has || err != nil {
		t.Errorf("got %v, %v, want no event", has, err)
	}
	for range 2 {
		if err := w.worker.Events.Publish(ctx, []purge.Event{event(k.Source, k.ID, purge.Completed)})[0]; err != nil {
			t.Errorf("tell: %v", err)
		}
	}
	found, err := w.worker.Events.Find(ctx, []record.Key{k})
	if err != nil || len(found) != 1 {
		t.Errorf("got %v, %v, want the event", found, err)
	}
}

// What producers may read is no record of edgepurge's, wherever it is sent.
func TestPermissions_OwnEventsDoNotPassForRecords(t *testing.T) {
	t.Parallel()
	w := newReader(t)
	tell(t, w.worker, event("ghost", "own", purge.Completed))
	for _, answer := range []string{
		"purge.control.lease", "purge.control.handover", "purge.control.pause.bulk",
		"purge.jobs.main.zone-1.of-shop.guess.0", "purge.marks.shop.open.guess", "purge.marks.shop.next.guess",
		"$JS.API.STREAM.DELETE.PURGE_REQUESTS", "purge.requests.bulk.shop",
	} {
		w.ask(t, "$JS.API.DIRECT.GET.PURGE_EVENTS.purge.events.ghost.*.own", answer, "")
	}
	eventually(t, "the last answer has arrived", func() bool {
		return len(messages(t, w.admin, "PURGE_REQUESTS", "purge.requests.bulk.shop")) == 2
	})
	if paused, err := w.worker.Control.Paused(t.Context()); len(paused) != 0 || err != nil {
		t.Errorf("got %v, %v, want no lane paused", paused, err)
	}
	w.readsOwnRecords(t)
	l := acquire(t, w.worker)
	if before, ok, err := l.Predecessor(t.Context()); !l.First() || ok || err != nil {
		t.Errorf("got %v, %v, want the lease and no hand-over", before, err)
	}
}
