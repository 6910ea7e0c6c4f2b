package broker_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/natstest"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

func TestRecent(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{
		"2.12.0": true, "2.12": true, "2.12.0-RC.1": true, "2.15.2": true, "2.100.0": true, "3.0.0": true, "10.1": true,
		"2.11.99": false, "2.9.1": false, "2.2": false, "1.99.0": false, "0.0.1": false,
		"": true, "dev": true, "2": true, "v2.11.0": true, // no proof of an old one
	} {
		if got := broker.Recent(version); got != want {
			t.Errorf("%q: got %t, want %t", version, got, want)
		}
	}
}

func TestCheck_NamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, func(o *server.Options) { o.MaxPayload = 256 << 10 })
	b := open(t, broker.Dial{URL: s.URL}, settings())
	eventually(t, "it is connected", b.Conn.NATS().IsConnected)
	if err := b.Conn.Check(); err == nil || err.Error() != "nats max_payload is 262144 bytes: set it to 524288 or more" {
		t.Errorf("got %v, want it to name max_payload", err)
	}
	s.Stop()
	eventually(t, "the connection is lost", func() bool { return !b.Conn.NATS().IsConnected() })
	if err := b.Conn.Check(); err == nil || !strings.HasPrefix(err.Error(), "nats is away: ") {
		t.Errorf("got %v, want it to say that nats is away", err)
	}
	b.Conn.Close()
	if err := b.Conn.Check(); err == nil || !strings.HasPrefix(err.Error(), "nats is away: ") {
		t.Errorf("closed: got %v, want it to say that nats is away", err)
	}
}

// A worker that starts before its server waits for it.
func TestConnect_WaitsForTheServer(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil)
	s.Stop()
	start := time.Now()
	b := open(t, broker.Dial{URL: s.URL}, settings())
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("connect took %v", took)
	}
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	reasons := 0
	err := b.Conn.Ready(ctx, func(reason error) {
		if reasons++; reasons == 1 {
			time.AfterFunc(350*time.Millisecond, func() { cancel(why) })
		}
		if !strings.HasPrefix(reason.Error(), "nats is away: ") {
			t.Errorf("got reason %v, want that nats is away", reason)
		}
	})
	if !errors.Is(err, why) {
		t.Errorf("got %v, want the context's cause", err)
	}
	if reasons == 0 || reasons > 10 {
		t.Errorf("got %d reasons in 350 ms, want one for each look", reasons)
	}
	s.Start()
	if err := b.Conn.Ready(t.Context(), func(error) {}); err != nil {
		t.Errorf("got %v, want ready", err)
	}
	provision(t, b)
}

func TestConnect_Authenticates(t *testing.T) {
	t.Parallel()
	s := withUsers(t, &server.User{Username: "worker", Password: "secret"})
	ready(t, open(t, broker.Dial{URL: s.URL, User: "worker", Password: "secret"}, settings()))
	b := open(t, broker.Dial{URL: s.URL, User: "worker", Password: "wrong"}, settings())
	// The refusal may come after the first try has been given up.
	eventually(t, "the refusal", func() bool {
		err := b.Conn.Check()
		return err != nil && strings.Contains(strings.ToLower(err.Error()), "authorization")
	})
	if err := b.Conn.Check(); strings.Contains(err.Error(), "wrong") {
		t.Errorf("got %v with the password in it", err)
	}

	s = natstest.Start(t, nil)
	ready(t, open(t, broker.Dial{URL: "nats://" + s.Address, Token: s.Token}, settings()))
}

// What the client library masks in an address is a password; a token stands there alone.
func TestConnect_LogsNoTokenOfAnAddress(t *testing.T) {
	t.Parallel()
	core, logs := observer.New(zap.DebugLevel)
	s := natstest.Start(t, nil)
	b, err := broker.Connect(broker.Dial{URL: s.URL}, settings(), zap.New(core))
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(b.Conn.Close)
	eventually(t, "it has connected", func() bool { return logs.FilterMessage("nats connected").Len() > 0 })
	s.Stop()
	s.Start()
	eventually(t, "it has reconnected", func() bool { return logs.FilterMessage("nats reconnected").Len() > 0 })
	for _, what := range []string{"nats connected", "nats reconnected"} {
		for _, entry := range logs.FilterMessage(what).All() {
			if got := entry.ContextMap()["url"]; got != "nats://"+s.Address {
				t.Errorf("%s: got %v, want nats://%s", what, got, s.Address)
			}
		}
	}
	for _, entry := range logs.All() {
		if text := fmt.Sprint(entry.Message, entry.ContextMap()); strings.Contains(text, s.Token) {
			t.Errorf("the token is logged: %s", text)
		}
	}
}

// Every answer comes by the inbox that the user may read: of the API, of publishes, of pulls.
func TestConnect_HasAnInboxOfItsOwn(t *testing.T) {
	t.Parallel()
	s := withUsers(t, &server.User{Username: "worker", Password: "secret", Permissions: &server.Permissions{
		Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX_worker.>"}},
	}})
	dial := broker.Dial{URL: s.URL, User: "worker", Password: "secret", Inbox: "_INBOX_worker"}
	b := provision(t, ready(t, open(t, dial, settings())))
	request(t, b, purge.Bulk, 3)
	pull(t, lane(t, b, purge.Bulk), 3)
	tell(t, b, event("shop", "a", purge.Completed))
	if found, err := b.Events.Find(t.Context(), []record.Key{{Source: "shop", ID: "a"}}); err != nil || len(found) != 1 {
		t.Errorf("got %v, %v, want the event", found, err)
	}
}

func TestConnect_RefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	for name, dial := range map[string]broker.Dial{
		"url":     {URL: "nats://127.0.0.1:port"},
		"nkey":    {URL: "nats://127.0.0.1:1", NKey: missing},
		"ca":      {URL: "nats://127.0.0.1:1", CA: missing},
		"cert":    {URL: "nats://127.0.0.1:1", Cert: missing, Key: missing},
		"context": {Context: missing},
	} {
		if b, err := broker.Connect(dial, settings(), zap.NewNop()); err == nil {
			b.Conn.Close()
			t.Errorf("%s: got nil", name)
		} else if !strings.HasPrefix(err.Error(), "connect to nats: ") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestLane_PullRecoversFromARestart(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil)
	b := provision(t, connect(t, s, settings()))
	l := lane(t, b, purge.Bulk)
	request(t, b, purge.Bulk, 1)
	pull(t, l, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, _ = l.Pull(ctx, 10) // a pull is open
	s.Stop()
	s.Start()
	writer := connect(t, s, settings())
	request(t, writer, purge.Bulk, 3)
	start := time.Now()
	got := pull(t, l, 3)
	if took := time.Since(start); took > 9*time.Second { // the end of a pull that nobody knows comes after ten
		t.Errorf("took %v", took)
	}
	for i, d := range got {
		if d.Sequence != uint64(i+2) || d.Count != 1 {
			t.Errorf("delivery %d: got message %d, count %d", i, d.Sequence, d.Count)
		}
	}
}

// While the server is away a pull fails at once and leaves nothing behind.
func TestLane_PullLeavesNothingWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	l := lane(t, b, purge.Bulk)
	before := b.Conn.NATS().NumSubscriptions()
	s.Stop()
	eventually(t, "the connection is lost", func() bool { return b.Conn.Check() != nil })
	for range 50 {
		if got, err := l.Pull(t.Context(), 100); err == nil {
			t.Fatalf("got %d deliveries, want an error", len(got))
		}
	}
	if got := b.Conn.NATS().NumSubscriptions(); got > before {
		t.Errorf("got %d subscriptions, want %d", got, before)
	}
}
