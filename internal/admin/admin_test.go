package admin_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/admin"
)

func ask(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestHandler_TellsHealthApartFromReadiness(t *testing.T) {
	var away atomic.Bool
	away.Store(true)
	ready := func() []string {
		if away.Load() {
			return []string{"nats is away", "account main: refused"}
		}
		return nil
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "a_gauge", Help: "For the test."}))
	server := httptest.NewServer(admin.New(admin.Config{Ready: ready, Metrics: reg}, zap.NewNop()).Handler())
	defer server.Close()

	for _, c := range []struct {
		path   string
		status int
		want   string
	}{
		{"/livez", 200, "ok"},
		{"/readyz", 503, "nats is away\naccount main: refused"},
		{"/metrics", 200, "a_gauge 0"},
		{"/", 200, "/readyz"},
		{"/loglevel", 404, ""},
		{"/other", 404, ""},
	} {
		if status, body := ask(t, server.URL+c.path); status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d %q, want %d with %q", c.path, status, body, c.status, c.want)
		}
	}
	if _, body := ask(t, server.URL+"/"); strings.Contains(body, "/loglevel") {
		t.Errorf("/ names /loglevel, which is not served: %q", body)
	}
	away.Store(false)
	if status, body := ask(t, server.URL+"/readyz"); status != 200 {
		t.Errorf("/readyz: %d %q, want 200", status, body)
	}
}

func TestRun_ServesUntilTheContextEnds(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	for _, addr := range []string{address, taken.Addr().String(), ""} {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- admin.New(admin.Config{Addr: addr, Ready: func() []string { return nil }, Metrics: prometheus.NewRegistry()}, zap.NewNop()).Run(ctx)
		}()
		if addr == address {
			for deadline := time.Now().Add(10 * time.Second); ; {
				if status, _ := ask(t, "http://"+addr+"/livez"); status == 200 {
					break
				}
				if time.Now().After(deadline) {
					t.Fatal("nobody answers")
				}
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("listener on %q ended with %v", addr, err)
		}
	}
}
