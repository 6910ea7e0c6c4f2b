package client_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/client"
	"github.com/edgepurge/edgepurge/internal/natstest"
	"github.com/edgepurge/edgepurge/purge"
)

// newCluster is a world of three servers, whose streams have three replicas. Its own server is the first.
func newCluster(t *testing.T) (w *world, servers []*natstest.Server) {
	t.Helper()
	servers = natstest.Cluster(t, 3)
	w = &world{t: t, nats: servers[0]}
	settings := defaultSettings()
	settings.Replicas = 3
	w.until("the streams", func() bool { return w.tryProvision(settings) == nil })
	w.operate()
	return w, servers
}

// leader is the server that leads a stream, nil while there is none.
func leader(servers []*natstest.Server, stream string) *natstest.Server {
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
	nc := w.connectTo(servers[1].Address)
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
	w.stored(n)

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
