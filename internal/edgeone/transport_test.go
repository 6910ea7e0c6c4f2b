package edgeone_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/edgepurge/edgepurge/internal/edgeone"
)

func TestClient_LeavesNothingToReplay(t *testing.T) {
	c := over(t, wire(func(r *http.Request) (*http.Response, error) {
		if r.GetBody != nil {
			t.Error("got a request whose body can be had again, want one that can be sent once only")
		}
		return answering(200, `{"Response":{"JobId":"j"}}`)(r)
	}))
	if _, err := c.CreatePurge(t.Context(), urlPurge); err != nil {
		t.Error(err)
	}
}

func TestClient_StaysAtItsEndpointHoweverOftenItFails(t *testing.T) {
	c := over(t, wire(func(r *http.Request) (*http.Response, error) {
		if r.Host != edgeone.DefaultEndpoint || r.URL.Host != edgeone.DefaultEndpoint {
			t.Errorf("got a request to %q, want %q", r.URL.Host, edgeone.DefaultEndpoint)
		}
		return answering(500, `{"Response":{"Error":{"Code":"InternalError"}}}`)(r)
	}))
	for range 20 {
		if _, err := c.CreatePurge(t.Context(), urlPurge); edgeone.Classify(err) != edgeone.Transient {
			t.Errorf("got %v, want a transient error", err)
		}
	}
}

func TestClient_HoldsAConnectionForEachCallInFlight(t *testing.T) {
	const calls = 30
	var together sync.WaitGroup
	var opened atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 1 {
			t.Errorf("got %s, want HTTP/1.1", r.Proto)
		}
		together.Done()
		together.Wait() // none is answered before all are in flight
		_, _ = io.WriteString(w, `{"Response":{"JobId":"j"}}`)
	}))
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	network := edgeone.NewWire()
	trusted := srv.Client().Transport.(*http.Transport).TLSClientConfig
	network.TLSClientConfig = trusted.Clone()
	network.TLSClientConfig.NextProtos = nil
	c := over(t, network, func(cfg *edgeone.Config) { cfg.Endpoint = srv.URL })
	defer c.CloseIdleConnections()
	for range 2 {
		together.Add(calls)
		var wg sync.WaitGroup
		for range calls {
			wg.Go(func() {
				if _, err := c.CreatePurge(t.Context(), urlPurge); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	if got := opened.Load(); got != calls {
		t.Errorf("got %d connections for two rounds of %d calls, want %[2]d", got, calls)
	}
}

func TestClient_AsksWhetherItMaySend(t *testing.T) {
	s := serve(t, replies(`{"Response":{"JobId":"j","FailedList":[]}}`))
	refusal := errors.New("not now")
	var no atomic.Bool
	c := s.client(t, func(cfg *edgeone.Config) {
		cfg.May = func() error {
			if no.Load() {
				return refusal
			}
			return nil
		}
	})
	no.Store(true)
	if _, err := c.CreatePurge(t.Context(), urlPurge); !errors.Is(err, refusal) || edgeone.Classify(err) != edgeone.Transient {
		t.Errorf("got %v, class %v, want %v and transient", err, edgeone.Classify(err), refusal)
	}
	if n := len(s.seen()) + len(s.sentActions()); n != 0 {
		t.Errorf("%d calls went out or were told of, want none", n)
	}
	no.Store(false)
	if _, err := c.CreatePurge(t.Context(), urlPurge); err != nil || len(s.seen()) != 1 {
		t.Errorf("got %v and %d calls, want one", err, len(s.seen()))
	}
}
