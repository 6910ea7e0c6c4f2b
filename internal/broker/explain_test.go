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

// why waits for a connection that does not come, and gives the reason with its explanation.
func why(t *testing.T, b *broker.Broker, d time.Duration) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	var last error
	if err := b.Ready(ctx, func(reason error) { last = reason }); err == nil {
		t.Fatal("got a connection, want none")
	}
	return b.Explain(last).Error()
}

func TestExplain_SaysWhatToDo(t *testing.T) {
	t.Parallel()
	s := withUsers(t, &server.User{Username: "ghost", Password: "ghost", Permissions: &server.Permissions{
		Publish: &server.SubjectPermission{Allow: []string{"$JS.API.STREAM.INFO.>"}},
	}})
	if got := why(t, open(t, broker.Dial{URL: "nats://127.0.0.1:1"}, settings()), 200*time.Millisecond); !strings.Contains(got, "NATS_URL") {
		t.Errorf("server away: got %q, want what to set", got)
	}
	if got := why(t, open(t, broker.Dial{URL: s.URL, User: "ghost", Password: "wrong"}, settings()), time.Second); !strings.Contains(got, "NATS_CREDS") {
		t.Errorf("wrong password: got %q, want what to check", got)
	}

	b := ready(t, open(t, broker.Dial{URL: s.URL, User: "ghost", Password: "ghost"}, settings()))
	if b.Address() != s.URL || b.ServerVersion() == "" {
		t.Errorf("got %s, version %q, want %s and its version", b.Address(), b.ServerVersion(), s.URL)
	}
	_, err := b.Letter(t.Context(), 1)
	if got := b.Explain(err); !errors.Is(got, err) || !strings.Contains(got.Error(), "run `edgepurge setup`") {
		t.Errorf("no streams: got %v, want what to run", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	err = b.Provision(ctx, false)
	if got := b.Explain(err); !errors.Is(got, nats.ErrPermissionViolation) || !strings.Contains(got.Error(), `"$JS.API.STREAM.CREATE.PURGE_REQUESTS"; grant it`) {
		t.Errorf("no permission: got %v, want which", got)
	}
	if err := b.Explain(nil); err != nil {
		t.Errorf("got %v for nothing", err)
	}
	if got := b.Explain(errors.New("other")); got.Error() != "other" {
		t.Errorf("got %v, want it as it is", got)
	}
}

func TestExplain_JetStreamIsOff(t *testing.T) {
	t.Parallel()
	b := connect(t, natstest.Start(t, func(o *server.Options) { o.JetStream = false }), settings())
	_, err := b.Letter(t.Context(), 1)
	if got := b.Explain(err); err == nil || !strings.Contains(got.Error(), "JetStream") {
		t.Errorf("got %v, want how to start the server", got)
	}
}
