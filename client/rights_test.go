package client_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/edgepurge/edgepurge/client"
	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/purge"
)

// The rights of the source ghost, as the package's documentation has them.
var (
	toPurge   = rights{publish: []string{"purge.requests.*.ghost"}, subscribe: []string{"_INBOX_ghost.>"}}
	toWait    = rights{subscribe: []string{"purge.events.ghost.>"}}
	toLook    = rights{publish: []string{"$JS.API.DIRECT.GET.PURGE_EVENTS.purge.events.ghost.>"}}
	toRead    = rights{publish: []string{"$JS.API.CONSUMER.CREATE.PURGE_EVENTS.*.purge.events.ghost.>", pullRight}}
	pullRight = "$JS.API.CONSUMER.MSG.NEXT.PURGE_EVENTS.*"
)

type rights struct{ publish, subscribe []string }

// guarded is a world where ghost has these rights and no others.
func guarded(t *testing.T, has ...rights) *world {
	t.Helper()
	none := []string{"nothing"} // an empty list would be a right to everything
	may := &server.Permissions{
		Publish: &server.SubjectPermission{Allow: none}, Subscribe: &server.SubjectPermission{Allow: none},
	}
	for _, r := range has {
		may.Publish.Allow = append(may.Publish.Allow, r.publish...)
		may.Subscribe.Allow = append(may.Subscribe.Allow, r.subscribe...)
	}
	return newWorld(t, func(o *server.Options, _ *broker.Settings) {
		o.Users = []*server.User{
			{Username: "admin", Password: "admin"},
			{Username: "ghost", Password: "ghost", Permissions: may},
		}
	})
}

// ghost is a client with the rights of ghost, and what its connection is refused.
func (w *world) ghost(source string) (*client.Client, chan error) {
	w.t.Helper()
	refused := make(chan error, 1000) // more than any test makes
	nc := w.connect(nats.UserInfo("ghost", "ghost"), nats.CustomInboxPrefix("_INBOX_ghost"),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err }))
	c, err := client.New(nc, client.Config{Source: source, Timeout: time.Second})
	if err != nil {
		w.t.Fatal(err)
	}
	return c, refused
}

func TestRights_AreEnoughForEverything(t *testing.T) {
	t.Parallel()
	w := guarded(t, toPurge, toWait, toLook, toRead)
	c, refused := w.ghost("ghost")
	if _, err := c.Purge(t.Context(), numbered(1)); err != nil {
		t.Error(err)
	}
	w.tell("ghost", "r1", purge.Completed)
	w.tell("shop", "r1", purge.Failed)
	if o, err := c.Status(t.Context(), "r1"); err != nil || o.Status != purge.Completed {
		t.Errorf("status: got %v, %v, want completed", o.Status, err)
	}
	if o, err := c.Wait(t.Context(), "r1"); err != nil || o.Status != purge.Completed {
		t.Errorf("wait: got %v, %v, want completed", o.Status, err)
	}
	for e, err := range c.Events(t.Context(), client.From{}) {
		if err != nil || e.Subject != "ghost/r1" {
			t.Errorf("event: got %q, %v, want ghost/r1", e.Subject, err)
		}
		break
	}
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
	select {
	case err := <-refused:
		t.Errorf("the server refused something: %v", err)
	default:
	}
}

func TestRights_ThatAreMissingAreNamed(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		has  []rights
		do   func(*client.Client) error
		want string
	}{
		"to publish": {
			[]rights{toPurge},
			func(c *client.Client) error { _, err := c.Purge(t.Context(), numbered(1)); return err },
			`publish to "purge.requests.interactive.shop"`,
		},
		"to hear answers": {
			[]rights{{publish: []string{"purge.requests.*.shop"}}},
			func(c *client.Client) error { _, err := c.Purge(t.Context(), numbered(1)); return err },
			`subscription to "_inbox_ghost.`,
		},
		"to look": {
			[]rights{toPurge},
			func(c *client.Client) error { _, err := c.Status(t.Context(), "r1"); return err },
			`publish to "$js.api.direct.get.purge_events.purge.events.shop.*.r1"`,
		},
		"to listen": {
			[]rights{toPurge, {publish: []string{"$JS.API.DIRECT.GET.PURGE_EVENTS.purge.events.shop.>"}}},
			func(c *client.Client) error { _, err := c.Wait(t.Context(), "r1"); return err },
			`subscription to "purge.events.shop.*.r1"`,
		},
		"to make a consumer": {
			[]rights{toPurge},
			func(c *client.Client) error { return last(c.Events(t.Context(), client.From{})) },
			`publish to "$js.api.consumer.create.purge_events.`,
		},
		"to pull": {
			[]rights{toPurge, {publish: []string{"$JS.API.CONSUMER.CREATE.PURGE_EVENTS.*.purge.events.shop.>"}}},
			func(c *client.Client) error { return last(c.Events(t.Context(), client.From{})) },
			`publish to "$js.api.consumer.msg.next.purge_events.`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := guarded(t, tt.has...).ghost("shop")
			err := tt.do(c)
			if !errors.Is(err, client.ErrDenied) || !strings.Contains(strings.ToLower(err.Error()), tt.want) {
				t.Errorf("got %v, want %v, and that it names %s", err, client.ErrDenied, tt.want)
			}
		})
	}
}
