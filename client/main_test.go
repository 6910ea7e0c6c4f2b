package client_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/client"
	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/purge"
)

// patience bounds every wait: long enough for two loaded cores under the race detector.
const patience = 2 * time.Minute

// world is a NATS server with the streams of an installation.
type world struct {
	t    testing.TB
	opts server.Options
	nats *server.Server
	// address is that of the server, the same after a restart.
	address string
	nc      *nats.Conn // an operator's
	js      jetstream.JetStream
}

func newWorld(t testing.TB, change func(*server.Options, *broker.Settings)) *world {
	t.Helper()
	w := &world{t: t, opts: server.Options{
		ServerName: "test", Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, JetStream: true,
		StoreDir: t.TempDir(),
	}}
	settings := defaultSettings()
	if change != nil {
		change(&w.opts, &settings)
	}
	w.start()
	t.Cleanup(func() { w.stop() })
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

// start runs the server, at the same address after a stop.
func (w *world) start() {
	w.t.Helper()
	opts := w.opts
	s, err := server.NewServer(&opts)
	if err != nil {
		w.t.Fatal(err)
	}
	go s.Start()
	if !s.ReadyForConnections(patience) {
		w.t.Fatal("nats is not ready")
	}
	w.nats, w.address = s, s.Addr().String()
	w.opts.Port = s.Addr().(*net.TCPAddr).Port
}

func (w *world) stop() {
	w.nats.Shutdown()
	w.nats.WaitForShutdown()
}

// admin authenticates as the first of the users, where there are any.
func (w *world) admin() []nats.Option {
	if len(w.opts.Users) == 0 {
		return nil
	}
	return []nats.Option{nats.UserInfo(w.opts.Users[0].Username, w.opts.Users[0].Password)}
}

func (w *world) tryProvision(settings broker.Settings) error {
	dial := broker.Dial{URL: "nats://" + w.address}
	if len(w.opts.Users) > 0 {
		dial.User, dial.Password = w.opts.Users[0].Username, w.opts.Users[0].Password
	}
	b, err := broker.Connect(dial, settings, zap.NewNop())
	if err != nil {
		return err
	}
	defer b.Close()
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
	defer cancel()
	if err := b.Ready(ctx, func(error) {}); err != nil {
		return err
	}
	return b.Provision(ctx, false)
}

func (w *world) connect(opts ...nats.Option) *nats.Conn {
	w.t.Helper()
	return w.connectTo(w.address, opts...)
}

func (w *world) connectTo(address string, opts ...nats.Option) *nats.Conn {
	w.t.Helper()
	nc, err := nats.Connect("nats://"+address, append([]nats.Option{
		nats.MaxReconnects(-1), nats.ReconnectWait(20 * time.Millisecond), nats.ReconnectJitter(0, 0),
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
