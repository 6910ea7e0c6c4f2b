package broker_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/natstest"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// town is a server with a worker, a producer called ghost, and what another producer, shop, has on
// it.
type town struct {
	worker *broker.Broker
	admin  jetstream.JetStream
	ghost  jetstream.JetStream
	// refused are the errors that the server tells ghost's connection; capacity: more than any test
	// makes.
	refused chan error
	before  map[string][]string
}

// newTown gives ghost the permissions that a source is to have, and no others.
func newTown(t *testing.T) *town {
	t.Helper()
	return populate(t, withUsers(t,
		&server.User{Username: "worker", Password: "worker"},
		&server.User{Username: "ghost", Password: "ghost", Permissions: &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: []string{"purge.requests.*.ghost"}},
			Subscribe: &server.SubjectPermission{Allow: []string{"purge.events.ghost.>", "_INBOX_ghost.>"}},
		}},
	))
}

func populate(t *testing.T, s *natstest.Server) *town {
	t.Helper()
	w := &town{refused: make(chan error, 1000)}
	w.worker = provision(t, ready(t, open(t, broker.Dial{URL: s.URL, User: "worker", Password: "worker"}, settings())))
	w.admin = client(t, s, nats.UserInfo("worker", "worker"))
	w.ghost = client(t, s, nats.UserInfo("ghost", "ghost"), nats.CustomInboxPrefix("_INBOX_ghost"),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { w.refused <- err }))
	for _, subject := range []string{"purge.requests.bulk.shop", "purge.requests.interactive.shop"} {
		mustSend(t, w.admin, subject, []byte(`{"targets":["https://shop.example/"]}`), "Nats-Msg-Id", "shop."+subject)
	}
	tell(t, w.worker, event("shop", "told", purge.Completed))
	if err := w.worker.Dead.Put(t.Context(), []record.DeadLetter{{Key: record.Key{Source: "shop", ID: "dead"}, Code: "Malformed"}})[0]; err != nil {
		t.Fatalf("store dead letter: %v", err)
	}
	putJob(t, w.worker, head("of-shop"), "body")
	putProgress(t, w.worker, record.Key{Source: "shop", ID: "open"}, "body", record.Place{}, false)
	w.before = w.others(t)
	return w
}

// others are all stored messages that are not of ghost, by stream.
func (w *town) others(t *testing.T) map[string][]string {
	t.Helper()
	all := make(map[string][]string)
	for _, name := range []string{"REQUESTS", "EVENTS", "DEAD", "JOBS", "PROGRESS", "CONTROL"} {
		for _, m := range messages(t, w.admin, "PURGE_"+name, ">") {
			if !strings.HasSuffix(m.Subject, ".ghost") {
				all[name] = append(all[name], fmt.Sprintf("%s %s %v", m.Subject, m.Data, m.Header))
			}
		}
	}
	return all
}

// check wants everything of others as it was.
func (w *town) check(t *testing.T) {
	t.Helper()
	if diff := cmp.Diff(w.before, w.others(t)); diff != "" {
		t.Errorf("what others have stored changed (-before +after):\n%s", diff)
	}
}

// violation waits for the server to refuse ghost something that it names.
func (w *town) violation(t *testing.T, of string) {
	t.Helper()
	select {
	case err := <-w.refused:
		if !errors.Is(err, nats.ErrPermissionViolation) || !strings.Contains(err.Error(), of) {
			t.Errorf("got %v, want a permissions violation of %s", err, of)
		}
	case <-time.After(patience):
		t.Errorf("%s is not refused", of)
	}
}

func TestPermissions_LetAProducerDoItsWork(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	events, err := w.ghost.Conn().SubscribeSync("purge.events.ghost.>")
	if err != nil {
		t.Fatalf("subscribe: %v", err)
	}
	if err := w.ghost.Conn().Flush(); err != nil {
		t.Fatalf("flush: %v", err)
	}
	for _, lane := range []string{"interactive", "bulk"} {
		ack, err := w.ghost.Publish(t.Context(), "purge.requests."+lane+".ghost", []byte("{}"), jetstream.WithMsgID("ghost."+lane))
		if err != nil || ack.Stream != "PURGE_REQUESTS" || ack.Duplicate {
			t.Errorf("%s: got %v, %v, want it stored", lane, ack, err)
		}
	}
	tell(t, w.worker, event("shop", "a", purge.Completed), event("ghost", "b", purge.Failed))
	m, err := events.NextMsg(patience)
	if err != nil || m.Subject != "purge.events.ghost.failed.b" {
		t.Fatalf("got %v, %v, want its own event", m, err)
	}
	if e, err := purge.DecodeEvent(m.Data); err != nil || e.Data.Request != "b" {
		t.Errorf("got event of %q, %v, want b", e.Data.Request, err)
	}
	if len(w.refused) > 0 {
		t.Errorf("got %v", <-w.refused)
	}
}

func TestPermissions_RefuseOtherSubjects(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	for _, subject := range []string{
		"purge.requests.bulk.shop", "purge.requests.interactive.shop", "purge.requests.bulk.ghost.x", "purge.requests.bulk",
		"purge.events.ghost.completed.a", "purge.events.shop.completed.a", "purge.progress.ghost.a", "purge.dead.malformed.ghost",
		"purge.jobs.main.zone-1.of-shop.guess.0", "purge.marks.shop.open.guess", "purge.marks.ghost.a.guess",
		"purge.control.lease", "purge.control.handover", "purge.control.pause.bulk",
		"$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.INFO.PURGE_REQUESTS", "$JS.API.STREAM.CREATE.MINE",
		"$JS.API.STREAM.UPDATE.PURGE_REQUESTS", "$JS.API.STREAM.DELETE.PURGE_REQUESTS", "$JS.API.STREAM.PURGE.PURGE_REQUESTS",
		"$JS.API.STREAM.MSG.DELETE.PURGE_REQUESTS", "$JS.API.STREAM.MSG.GET.PURGE_REQUESTS",
		"$JS.API.DIRECT.GET.PURGE_EVENTS", "$JS.API.DIRECT.GET.PURGE_EVENTS.purge.events.shop.completed.told",
		"$JS.API.CONSUMER.CREATE.PURGE_EVENTS", "$JS.API.CONSUMER.DELETE.PURGE_REQUESTS.bulk",
		"$JS.API.CONSUMER.MSG.NEXT.PURGE_REQUESTS.bulk", "$JS.API.CONSUMER.MSG.NEXT.PURGE_CONTROL.owner",
		"$JS.API.CONSUMER.PAUSE.PURGE_REQUESTS.bulk", "$JS.ACK.PURGE_REQUESTS.bulk.1.1.1.1.1", "$SYS.REQ.SERVER.PING",
		"_INBOX.worker", "_INBOX_shop.a",
	} {
		if err := w.ghost.Conn().PublishRequest(subject, "_INBOX_ghost.x", nil); err != nil {
			t.Fatalf("publish: %v", err)
		}
		w.violation(t, fmt.Sprintf("Publish to %q", subject))
	}
	for _, subject := range []string{
		">", "purge.>", "purge.events.>", "purge.events.shop.>", "purge.events.*.completed.*", "purge.requests.>",
		"purge.requests.bulk.ghost", "purge.dead.>", "purge.jobs.>", "purge.marks.>", "purge.control.>", "purge.progress.shop.*",
		"$JS.>", "$JS.ACK.>", "$JS.EVENT.ADVISORY.>", "_INBOX.>", "_INBOX_shop.>",
	} {
		if _, err := w.ghost.Conn().SubscribeSync(subject); err != nil {
			t.Fatalf("subscribe: %v", err)
		}
		w.violation(t, fmt.Sprintf("Subscription to %q", subject))
	}
	// A lane that there is not is its own matter: nobody listens.
	if err := send(t, w.ghost, "purge.requests.urgent.ghost", nil); !errors.Is(err, jetstream.ErrNoStreamResponse) {
		t.Errorf("another lane: got %v, want to be told that nobody listens", err)
	}
	w.check(t)
	w.stillWorks(t)
}

// stillWorks wants the requests of shop delivered and the lease where it is.
func (w *town) stillWorks(t *testing.T) {
	t.Helper()
	for _, name := range []purge.Lane{purge.Interactive, purge.Bulk} {
		of := 0
		l := lane(t, w.worker, name)
		for of == 0 {
			for _, d := range pull(t, l, 1) {
				if d.Subject == w.worker.Conn.Subjects().Request(name, "shop") && string(d.Data) == `{"targets":["https://shop.example/"]}` {
					of++
				}
			}
		}
	}
	if l := acquire(t, w.worker); !l.First() {
		t.Error("somebody had the lease")
	}
	found, err := w.worker.Events.Find(t.Context(), []record.Key{{Source: "shop", ID: "told"}})
	if err != nil || len(found) != 1 {
		t.Errorf("got %v, %v, want the event of shop", found, err)
	}
}

func TestPermissions_RefuseHeaders(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	const own, shop = "purge.requests.bulk.ghost", "purge.requests.bulk.shop"
	for _, tt := range []struct {
		headers []string
		want    jetstream.ErrorCode // 0: stored
	}{
		{[]string{"Nats-Rollup", "all"}, 10111},
		{[]string{"Nats-Rollup", "sub"}, 10111},
		{[]string{"Nats-TTL", "1s"}, 10166},
		{[]string{"Nats-TTL", "never"}, 10166},
		{[]string{"Nats-Schedule", "@at 2026-01-01T00:00:00Z", "Nats-Schedule-Target", shop}, 10188},
		{[]string{"Nats-Schedule", "@every 1s", "Nats-Schedule-Target", shop, "Nats-Schedule-TTL", "1s"}, 10188},
		{[]string{"Nats-Incr", "1"}, 10168},
		{[]string{"Nats-Batch-Id", "b", "Nats-Batch-Sequence", "1"}, 10174},
		{[]string{"Nats-Batch-Id", "b", "Nats-Batch-Sequence", "1", "Nats-Batch-Commit", "1"}, 10174},
		{[]string{"Nats-Expected-Stream", "PURGE_EVENTS"}, 10060},
		{[]string{"Nats-Expected-Last-Sequence", "1"}, 10071},
		{[]string{"Nats-Expected-Last-Msg-Id", "x"}, 10070},
		// Whether a message is there under a subject that it may not read, is what a producer can
		// find out.
		{[]string{"Nats-Expected-Last-Subject-Sequence", "0", "Nats-Expected-Last-Subject-Sequence-Subject", shop}, 10071},
		{[]string{"Nats-Expected-Last-Subject-Sequence", "1", "Nats-Expected-Last-Subject-Sequence-Subject", shop}, 0},
		// Words of the server, for consumers of its own.
		{[]string{"Nats-Subject", shop, "Nats-Sequence", "1", "Nats-Stream", "PURGE_JOBS"}, 0},
		{[]string{"Nats-Marker-Reason", "Purge"}, 0},
		{[]string{"Nats-Scheduler", shop, "Nats-Schedule-Next", "purge"}, 10188},
		{[]string{"Nats-Stream-Source", "PURGE_JOBS 1"}, 10227},
		{[]string{"KV-Operation", "PURGE"}, 0},
		{[]string{"Status", "409", "Description", "Consumer Deleted"}, 0},
		{[]string{"Nats-Request-Info", `{"acc":"$SYS"}`}, 0},
	} {
		t.Run(strings.Join(tt.headers, " "), func(t *testing.T) {
			err := send(t, w.ghost, own, nil, tt.headers...)
			api, _ := errors.AsType[*jetstream.APIError](err)
			if tt.want == 0 && err != nil || tt.want != 0 && (api == nil || api.ErrorCode != tt.want) {
				t.Errorf("got %v, want error %d", err, tt.want)
			}
			w.check(t)
		})
	}
	if len(w.refused) > 0 {
		t.Errorf("got %v", <-w.refused)
	}
	// The server publishes what became of a message where its header says, with the producer's
	// permissions.
	for _, dest := range []string{shop, "purge.events.shop.completed.a", "purge.control.pause"} {
		m := nats.NewMsg(own)
		m.Header["Nats-Trace-Dest"] = []string{dest}
		if err := w.ghost.Conn().PublishMsg(m); err != nil {
			t.Fatalf("publish: %v", err)
		}
		w.violation(t, fmt.Sprintf("Publish to %q", dest))
	}
	w.check(t)
	w.stillWorks(t)
}

// A known limit: all sources share the stream's duplicate table, so that one that takes the message
// id of another makes the broker swallow the other's next request with it, within the window of 100
// ms. The other's answer says that it is a duplicate. Who sets no message id, as our client, is
// always stored.
func TestPermissions_ShareMessageIDs(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	of := func(source string) int {
		return len(messages(t, w.admin, "PURGE_REQUESTS", "purge.requests.bulk."+source))
	}
	before := of("shop")
	swallowed := func() bool {
		mustSend(t, w.ghost, "purge.requests.bulk.ghost", []byte("squatter"), "Nats-Msg-Id", "shop.next")
		ack, err := w.admin.Publish(t.Context(), "purge.requests.bulk.shop", []byte("swallowed"), jetstream.WithMsgID("shop.next"))
		if err != nil {
			t.Fatal(err)
		}
		return ack.Duplicate
	}
	eventually(t, "two publishes within the window", swallowed)
	eventually(t, "the end of the window", func() bool {
		ack, err := w.admin.Publish(t.Context(), "purge.requests.bulk.shop", []byte("late"), jetstream.WithMsgID("shop.next"))
		return err == nil && !ack.Duplicate
	})
	if got := of("shop"); got <= before {
		t.Errorf("got %d requests, want more than %d: the window is short", got, before)
	}
	before = of("shop")
	mustSend(t, w.ghost, "purge.requests.bulk.ghost", []byte("squatter"), "Nats-Msg-Id", "shop.next")
	publish(t, w.worker, purge.Bulk, "shop", slices.Values([]purge.Request{{ID: "next", Targets: []string{"https://a.example/"}}}))
	if got := of("shop"); got != before+1 {
		t.Errorf("got %d requests, want that of our client stored", got)
	}
	w.stillWorks(t)
}

// A known limit: the server sends its answer to a publish to whatever subject the publisher names
// for it, and checks no permission. So a producer can have {"stream":"PURGE_REQUESTS","seq":n}, and
// nothing else, published under any subject of the account. What must hold all the same: nothing
// under the API is done, the lease stays, every request gets its one event, and what is stored of
// jobs stays. What does not: such a message passes for a malformed request of another source, which
// ends rejected. Accounts close that too, see the next test.
func TestPermissions_TheAnswerReachesNothing(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	for _, reply := range []string{
		"purge.events.shop.completed.told", "purge.events.shop.completed.next", "purge.events.shop.failed.next",
		"purge.control.lease", "purge.control.handover", "purge.control.pause.bulk",
		"purge.jobs.main.zone-1.of-shop.guess.0", "purge.jobs.main.zone-1.unknown.guess.0",
		"purge.marks.shop.open.guess", "purge.marks.shop.open.again", "purge.marks.shop.next.guess",
		"$JS.API.STREAM.DELETE.PURGE_REQUESTS", "$JS.API.STREAM.PURGE.PURGE_JOBS", "$JS.API.STREAM.MSG.DELETE.PURGE_JOBS",
		"$JS.API.CONSUMER.DELETE.PURGE_REQUESTS.bulk",
	} {
		if err := w.ghost.Conn().PublishRequest("purge.requests.bulk.ghost", reply, nil); err != nil {
			t.Fatalf("publish: %v", err)
		}
	}
	mustSend(t, w.ghost, "purge.requests.bulk.ghost", nil) // the answers before are out when this one is
	if err := w.ghost.Conn().PublishRequest("purge.requests.bulk.ghost", "$JS.ACK.PURGE_REQUESTS.bulk.1.1.1.1.1", nil); err != nil {
		t.Fatalf("publish: %v", err)
	}
	w.violation(t, "Publish with Reply")
	eventually(t, "the last answers have arrived", func() bool {
		return stored(t, w.admin, "PURGE_JOBS") == 3 && stored(t, w.admin, "PURGE_PROGRESS") == 4
	})
	for _, name := range []string{"EVENTS", "JOBS", "PROGRESS", "CONTROL"} {
		want, got := w.before[name], w.others(t)[name]
		if len(got) < len(want) || !cmp.Equal(want, got[:len(want)]) {
			t.Errorf("%s: got %v, want %v first", name, got, want)
		}
	}
	w.readsOwnRecords(t)
	// Each of shop's requests has one event, however late it is told, and it is found.
	for range 2 {
		tell(t, w.worker, event("shop", "next", purge.Completed), event("shop", "told", purge.Failed))
	}
	ends := make(map[string]int)
	err := w.worker.Events.Read(t.Context(), "shop", broker.ReadStored, nil, func(e broker.Event) bool {
		ends[string(e.Status)+" "+e.ID]++
		return true
	})
	if diff := cmp.Diff(map[string]int{"completed told": 1, "completed next": 1}, ends); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	found, err := w.worker.Events.Find(t.Context(), []record.Key{{Source: "shop", ID: "next"}})
	if err != nil || len(found) != 1 {
		t.Errorf("got %v, %v, want the event", found, err)
	}
	tell(t, w.worker, event("shop", "last", purge.Completed))
	l := acquire(t, w.worker)
	if !l.First() {
		t.Error("somebody had the lease")
	}
	if before, ok, err := l.Predecessor(t.Context()); ok || err != nil {
		t.Errorf("got %v, %v, want no hand-over", before, err)
	}
}

// readsOwnRecords wants jobs and progress read and replaced as if nothing lay beside them.
func (w *town) readsOwnRecords(t *testing.T) {
	t.Helper()
	if diff := cmp.Diff([]string{"1 body"}, jobs(t, w.worker)); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	open, next := record.Key{Source: "shop", ID: "open"}, record.Key{Source: "shop", ID: "next"}
	data, at := progress(t, w.worker, open)
	if data != "body" || !putProgress(t, w.worker, open, "more", at, false) {
		t.Errorf("got %q at %v, want the record, and to replace it", data, at)
	}
	if data, at := progress(t, w.worker, next); data != "" || !putProgress(t, w.worker, next, "first", at, false) {
		t.Errorf("got %q at %v, want none, and to begin one", data, at)
	}
	if jobs, marks := stored(t, w.admin, "PURGE_JOBS"), stored(t, w.admin, "PURGE_PROGRESS"); jobs != 1 || marks != 2 {
		t.Errorf("got %d and %d messages, want 1 job and 2 progress records alone", jobs, marks)
	}
}

// With an account of its own a producer reaches the worker's account by what is exported alone, and
// the answers come back to its own.
func TestPermissions_AccountsKeepTheAnswerApart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "nats.conf")
	conf := `
listen: "127.0.0.1:-1"
jetstream: { store_dir: "` + t.TempDir() + `" }
accounts: {
  WORKER: {
    jetstream: enabled
    users: [ { user: worker, password: worker } ]
    exports: [
      { service: "purge.requests.*.ghost", accounts: [ GHOST ] }
      { stream: "purge.events.ghost.>", accounts: [ GHOST ] }
    ]
  }
  GHOST: {
    users: [ { user: ghost, password: ghost } ]
    imports: [
      { service: { account: WORKER, subject: "purge.requests.*.ghost" } }
      { stream: { account: WORKER, subject: "purge.events.ghost.>" } }
    ]
  }
}`
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	opts, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatalf("read configuration: %v", err)
	}
	opts.NoSigs, opts.NoLog = true, true
	w := populate(t, natstest.Start(t, func(o *server.Options) { *o = *opts }))
	events, err := w.ghost.Conn().SubscribeSync("purge.events.ghost.>")
	if err != nil {
		t.Fatalf("subscribe: %v", err)
	}
	replies := []string{
		"purge.events.shop.completed.told", "purge.events.shop.completed.next", "purge.requests.bulk.shop", "purge.control.lease",
		"purge.control.handover", "purge.jobs.main.zone-1.of-shop.guess.0", "purge.marks.shop.open.guess", "purge.dead.x.shop",
		"$JS.API.STREAM.DELETE.PURGE_REQUESTS",
	}
	for _, reply := range replies {
		if err := w.ghost.Conn().PublishRequest("purge.requests.bulk.ghost", reply, nil); err != nil {
			t.Fatalf("publish: %v", err)
		}
	}
	for _, subject := range []string{"purge.requests.bulk.shop", "purge.control.handover", "$JS.API.STREAM.DELETE.PURGE_REQUESTS"} {
		if err := w.ghost.Conn().Publish(subject, nil); err != nil {
			t.Fatalf("publish: %v", err)
		}
	}
	mustSend(t, w.ghost, "purge.requests.bulk.ghost", nil, "Nats-Msg-Id", "ghost.a")
	if got := len(messages(t, w.admin, "PURGE_REQUESTS", "purge.requests.bulk.ghost")); got != len(replies)+1 {
		t.Errorf("got %d requests, want %d", got, len(replies)+1)
	}
	w.check(t)
	tell(t, w.worker, event("shop", "a", purge.Completed), event("ghost", "b", purge.Failed))
	if m, err := events.NextMsg(patience); err != nil || m.Subject != "purge.events.ghost.failed.b" {
		t.Errorf("got %v, %v, want its own event", m, err)
	}
	w.stillWorks(t)
}
