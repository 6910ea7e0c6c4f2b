package client_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/client"
	"github.com/edgepurge/edgepurge/purge"
)

// newCluster is a world of three servers, whose streams have three replicas. Its own server is the first.
func newCluster(t *testing.T) (w *world, servers []*server.Server) {
	t.Helper()
	for i := range 3 {
		// Each knows the first, and how many there are; the rest they tell each other.
		routes := []string{"nats://127.0.0.1:1", "nats://127.0.0.1:2"} // nobody there
		if i > 0 {
			routes[0] = "nats://" + servers[0].ClusterAddr().String()
		}
		s, err := server.NewServer(&server.Options{
			ServerName: fmt.Sprintf("node-%d", i), Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: t.TempDir(),
			Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: -1},
			Routes:  server.RoutesFromStr(strings.Join(routes, ",")),
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		t.Cleanup(func() {
			s.Shutdown()
			s.WaitForShutdown()
		})
		if !s.ReadyForConnections(patience) {
			t.Fatal("nats is not ready")
		}
		servers = append(servers, s)
	}
	w = &world{t: t, nats: servers[0], address: servers[0].Addr().String()}
	w.until("a leader that knows all", func() bool {
		return slices.ContainsFunc(servers, func(s *server.Server) bool {
			return s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == 3
		})
	})
	settings := defaultSettings()
	settings.Replicas = 3
	w.until("the streams", func() bool { return w.tryProvision(settings) == nil })
	w.operate()
	return w, servers
}

// leader is the server that leads a stream, nil while there is none.
func leader(servers []*server.Server, stream string) *server.Server {
	for _, s := range servers {
		if s.Running() && s.JetStreamIsStreamLeader("$G", stream) {
			return s
		}
	}
	return nil
}

// The promises hold over elections, and over the loss of the server that the client is connected to.
func TestCluster(t *testing.T) {
	t.Parallel()
	w, servers := newCluster(t)
	nc := w.connectTo(servers[1].Addr().String())
	c := w.clientOn(nc)
	r := read(t, c, client.From{})
	const n = 1500
	l := w.load(c, n)
	for i := range 4 {
		w.until("calls that return", func() bool { return l.done.Load() >= int64(n*(i+1)/6) })
		if i == 2 {
			servers[1].Shutdown()
			continue
		}
		w.until("a new leader", func() bool {
			s := leader(servers, "PURGE_REQUESTS")
			return s != nil && s.JetStreamStepdownStream("$G", "PURGE_REQUESTS") == nil
		})
	}
	l.callers.Wait()
	w.once(n)

	for i := range 50 {
		if i == 25 {
			w.until("a new leader", func() bool {
				s := leader(servers, "PURGE_EVENTS")
				return s != nil && s.JetStreamStepdownStream("$G", "PURGE_EVENTS") == nil
			})
		}
		id := fmt.Sprintf("e%d", i)
		w.until("the event is stored", func() bool { return w.tryTell(id) == nil })
		r.next(t, id)
	}
	if o, err := c.Wait(t.Context(), "e49"); err != nil || o.Status != purge.Completed {
		t.Errorf("got %v, %v, want completed", o.Status, err)
	}
}

// tryTell stores the event of a request of ghost's, once however often it is called.
func (w *world) tryTell(id string) error {
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Second)
	defer cancel()
	m, err := eventMessage("purge.events.ghost.completed."+id, purge.EventContentType, purge.Outcome{
		Request: id, Source: "ghost", Status: purge.Completed,
	})
	if err != nil {
		return err
	}
	_, err = w.js.PublishMsg(ctx, m, jetstream.WithMsgID(id))
	return err
}
