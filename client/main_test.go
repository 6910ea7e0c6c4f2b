package client_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/client"
	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/natstest"
	"github.com/edgepurge/edgepurge/purge"
)

// patience bounds every wait: long enough for two loaded cores under the race detector.
const patience = 2 * time.Minute

// world is a NATS server with the streams of an installation.
type world struct {
	t     testing.TB
	nats  *natstest.Server
	users []*server.User // of the server; nil where everybody with its token may do everything
	nc    *nats.Conn     // an operator's
	js    jetstream.JetStream
}

func newWorld(t testing.TB, change func(*server.Options, *broker.Settings)) *world {
	t.Helper()
	w := &world{t: t}
	settings := defaultSettings()
	w.nats = natstest.Start(t, func(o *server.Options) {
		if change != nil {
			change(o, &settings)
		}
		w.users = o.Users
	})
	if err := w.tryProvision(settings); err != nil {
		t.Fatal(err)
	}
	w.operate()
	return w
}

func defaultSettings() broker.Settings {
	return broker.Settings{
		Prefix: "purge", Replicas: 1, MaxBytes: 1 << 30, EventsKeep: 7 * 24 * time.Hour, DeadKeep: 7 * 24 * time.Hour,
		BulkWindow: 1000, InteractiveWindow: 1000,
	}
}

// operate opens the operator's connection.
func (w *world) operate() {
	w.t.Helper()
	w.nc = w.connect(w.admin()...)
	js, err := jetstream.New(w.nc)
	if err != nil {
		w.t.Fatal(err)
	}
	w.js = js
}

// admin authenticates as the first of the users, where there are any.
func (w *world) admin() []nats.Option {
	if len(w.users) == 0 {
		return nil
	}
	return []nats.Option{nats.UserInfo(w.users[0].Username, w.users[0].Password)}
}

func (w *world) tryProvision(settings broker.Settings) error {
	dial := broker.Dial{URL: w.nats.URL}
	if len(w.users) > 0 {
		dial.User, dial.Password = w.users[0].Username, w.users[0].Password
	}
	b, err := broker.Connect(dial, settings, zap.NewNop())
	if err != nil {
		return err
	}
	defer b.Conn.Close()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	if err := b.Conn.Ready(ctx, func(error) {}); err != nil {
		return err
	}
	return b.Streams.Provision(ctx, false)
}

func (w *world) connect(opts ...nats.Option) *nats.Conn {
	w.t.Helper()
	return w.connectTo(w.nats.Address, opts...)
}

func (w *world) connectTo(address string, opts ...nats.Option) *nats.Conn {
	w.t.Helper()
	nc, err := nats.Connect("nats://"+address, append([]nats.Option{
		nats.Token(w.nats.Token), nats.MaxReconnects(-1), nats.ReconnectWait(20 * time.Millisecond), nats.ReconnectJitter(0, 0),
		nats.IgnoreAuthErrorAbort(), // while the server is stopped, another test's may have its port
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
	}, opts...)...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(nc.Close)
	return nc
}

// client makes one of the source ghost, with a connection of its own.
func (w *world) client(opts ...nats.Option) *client.Client {
	w.t.Helper()
	return w.clientOn(w.connect(append(w.admin(), opts...)...))
}

func (w *world) clientOn(nc *nats.Conn) *client.Client {
	w.t.Helper()
	c, err := client.New(nc, client.Config{Source: "ghost"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := c.Close(w.t.Context()); err != nil && w.t.Context().Err() == nil {
			w.t.Error(err)
		}
	})
	return c
}

var subjects = purge.Subjects{Prefix: "purge"}
