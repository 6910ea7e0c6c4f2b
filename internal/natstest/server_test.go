package natstest_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/natstest"
)

func TestStart_KeepsStrangersOut(t *testing.T) {
	t.Parallel()
	a, b := natstest.Start(t, nil), natstest.Start(t, nil)
	for _, token := range []string{"", a.Token} {
		if nc, err := nats.Connect("nats://"+b.Address, nats.Token(token)); !errors.Is(err, nats.ErrAuthorization) {
			nc.Close()
			t.Errorf("token %q: got %v, want %v", token, err, nats.ErrAuthorization)
		}
	}
	connect(t, a.URL)
	connect(t, "nats://"+b.Address, nats.Token(b.Token))
}

func TestStart_LeavesUsersToTheTest(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, func(o *server.Options) { o.Users = []*server.User{{Username: "ghost", Password: "secret"}} })
	if s.Token != "" || s.URL != "nats://"+s.Address {
		t.Errorf("got %s, token %q, want none", s.URL, s.Token)
	}
	connect(t, s.URL, nats.UserInfo("ghost", "secret"))
}

// What was stored is there after a restart, and a port that is taken is waited for.
func TestServer_StartsAgain(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil)
	if _, err := connect(t, s.URL).CreateStream(t.Context(), jetstream.StreamConfig{Name: "kept"}); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", s.Address)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(100*time.Millisecond, func() { _ = taken.Close() })
	s.Start()
	if got := s.Addr().String(); got != s.Address {
		t.Errorf("got %s, want %s as before", got, s.Address)
	}
	if _, err := connect(t, s.URL).Stream(t.Context(), "kept"); err != nil {
		t.Error(err)
	}
}

func TestCluster_HasOneTokenForAll(t *testing.T) {
	t.Parallel()
	servers := natstest.Cluster(t, 3)
	_, err := connect(t, servers[0].URL).CreateStream(t.Context(), jetstream.StreamConfig{Name: "kept", Replicas: 3})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range servers {
		if s.Token != servers[0].Token {
			t.Errorf("got token %q, want that of the first", s.Token)
		}
		if _, err := connect(t, s.URL).Stream(t.Context(), "kept"); err != nil {
			t.Error(err)
		}
	}
}

func connect(t *testing.T, address string, opts ...nats.Option) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(address, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}
