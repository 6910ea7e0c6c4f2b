package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/edgepurge/edgepurge/internal/admin"
)

func TestHealth_TellsWhatReadyzSays(t *testing.T) {
	t.Parallel()
	status, body := http.StatusOK, "ok\n"
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			t.Errorf("asked %s", r.URL.Path)
		}
		w.Header().Set("Server", admin.ServerName)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	defer s.Close()
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, listen := range []string{"127.0.0.1:" + port, ":" + port, "0.0.0.0:" + port, "[::]:" + port} {
		if text, err := ready(t.Context(), listen); err != nil || text != "ok" {
			t.Errorf("%s: got %q, %v, want ok", listen, text, err)
		}
	}
	status, body = http.StatusServiceUnavailable, "nats is away\n"
	if _, err := ready(t.Context(), "127.0.0.1:"+port); err == nil || !strings.Contains(err.Error(), "not ready: nats is away") {
		t.Errorf("got %v, want the reason", err)
	}
	s.Close()
	if _, err := ready(t.Context(), "127.0.0.1:"+port); err == nil {
		t.Error("nobody listens: got nil")
	}
}
