package broker_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/natstest"
)

// explains waits until what keeps a connection from being made is explained by a text.
func explains(t *testing.T, b *broker.Broker, text string) {
	t.Helper()
	eventually(t, "the reason says "+text, func() bool {
		err := b.Conn.Check()
		if err == nil {
			t.Fatal("got a connection, want none")
		}
		return strings.Contains(b.Conn.Explain(err).Error(), text)
	})
}

func TestExplain_SaysWhatToDo(t *testing.T) {
	t.Parallel()
	s := withUsers(t, &server.User{Username: "ghost", Password: "ghost", Permissions: &server.Permissions{
		Publish: &server.SubjectPermission{Allow: []string{"$JS.API.STREAM.INFO.>"}},
	}})
	explains(t, open(t, broker.Dial{URL: "nats://127.0.0.1:1"}, settings()), "NATS_URL")
	explains(t, open(t, broker.Dial{URL: s.URL, User: "ghost", Password: "wrong"}, settings()), "NATS_CREDS")

	b := ready(t, open(t, broker.Dial{URL: s.URL, User: "ghost", Password: "ghost"}, settings()))
	if b.Conn.Address() != s.URL || b.Conn.ServerVersion() == "" {
		t.Errorf("got %s, version %q, want %s and its version", b.Conn.Address(), b.Conn.ServerVersion(), s.URL)
	}
	_, err := b.Dead.Get(t.Context(), 1)
	if got := b.Conn.Explain(err); !errors.Is(got, err) || !strings.Contains(got.Error(), "run `edgepurge setup`") {
		t.Errorf("no streams: got %v, want what to run", got)
	}
	eventually(t, "the server reports the refusal", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		err = b.Streams.Provision(ctx, false) // a busy server may not come to refuse it in that time
		return errors.Is(b.Conn.NATS().LastError(), nats.ErrPermissionViolation)
	})
	if got := b.Conn.Explain(err); !errors.Is(got, nats.ErrPermissionViolation) || !strings.Contains(got.Error(), `"$JS.API.STREAM.CREATE.PURGE_REQUESTS"; grant it`) {
		t.Errorf("no permission: got %v, want which", got)
	}
	if err := b.Conn.Explain(nil); err != nil {
		t.Errorf("got %v for nothing", err)
	}
	if got := b.Conn.Explain(errors.New("other")); got.Error() != "other" {
		t.Errorf("got %v, want it as it is", got)
	}
}

// A user with an inbox of its own gets no answer at all until the connection uses that one.
func TestExplain_NamesTheInboxThatIsForgotten(t *testing.T) {
	t.Parallel()
	s := withUsers(t, &server.User{Username: "ghost", Password: "ghost", Permissions: &server.Permissions{
		Publish: &server.SubjectPermission{Allow: []string{">"}}, Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX_ghost.>"}},
	}})
	for inbox, want := range map[string]string{"": "grant _INBOX.>", "_INBOX_other": "grant _INBOX_other.>"} {
		b := ready(t, open(t, broker.Dial{URL: s.URL, User: "ghost", Password: "ghost", Inbox: inbox}, settings()))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := b.Dead.Get(ctx, 1)
		cancel()
		eventually(t, "the server tells the refusal", func() bool { return errors.Is(b.Conn.NATS().LastError(), nats.ErrPermissionViolation) })
		got := b.Conn.Explain(err)
		for _, text := range []string{"EDGEPURGE_NATS_INBOX", "nats.inbox", want} {
			if !strings.Contains(got.Error(), text) {
				t.Errorf("inbox %q: got %v, want %s in it", inbox, got, text)
			}
		}
	}
	b := ready(t, open(t, broker.Dial{URL: s.URL, User: "ghost", Password: "ghost", Inbox: "_INBOX_ghost"}, settings()))
	if _, err := b.Dead.Get(t.Context(), 1); !strings.Contains(b.Conn.Explain(err).Error(), "edgepurge setup") {
		t.Errorf("with its inbox: got %v, want an answer", err)
	}
}

// A question that is refused gets no answer: it is given up after Dial.Answer, long before the
// default.
func TestDial_BoundsTheWaitForAnAnswer(t *testing.T) {
	t.Parallel()
	s := withUsers(t, &server.User{Username: "ghost", Password: "ghost", Permissions: &server.Permissions{
		Publish: &server.SubjectPermission{Allow: []string{"nothing"}},
	}})
	b := ready(t, open(t, broker.Dial{URL: s.URL, User: "ghost", Password: "ghost", Answer: 50 * time.Millisecond}, settings()))
	ctx, cancel := context.WithCancel(t.Context()) // with a deadline, that would be the bound
	defer cancel()
	defer time.AfterFunc(4*time.Second, cancel).Stop()
	if _, err := b.Dead.Get(ctx, 1); err == nil || ctx.Err() != nil {
		t.Errorf("got %v, %v of the test, want the end of the wait for an answer", err, ctx.Err())
	}
}

func TestExplain_JetStreamIsOff(t *testing.T) {
	t.Parallel()
	b := connect(t, natstest.Start(t, func(o *server.Options) { o.JetStream = false }), settings())
	_, err := b.Dead.Get(t.Context(), 1)
	if got := b.Conn.Explain(err); err == nil || !strings.Contains(got.Error(), "JetStream") {
		t.Errorf("got %v, want how to start the server", got)
	}
}
