package admin_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/admin"
	"github.com/edgepurge/edgepurge/internal/metrics"
)

// patience bounds every wait: long enough for two loaded cores.
const patience = 60 * time.Second

// listening runs a server whose /metrics are more than the kernel holds for a connection.
func listening(t *testing.T, writeWithin time.Duration) string {
	t.Helper()
	free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	reg := prometheus.NewRegistry()
	reg.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "large", Help: strings.Repeat("x", 64<<20)}))
	s := admin.New(admin.Config{
		Addr: address, Ready: func() []string { return nil }, State: func() metrics.State { return metrics.State{} }, Metrics: reg,
	}, zap.NewNop())
	s.WriteWithin(writeWithin)
	ctx, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { _ = s.Run(ctx) })
	t.Cleanup(func() { stop(); done.Wait() })
	return address
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err == nil {
			t.Cleanup(func() { _ = c.Close() })
			return c
		}
		if time.Now().After(deadline) {
			t.Fatalf("nobody listens: %v", err)
		}
	}
}

// A peer that reads slowly or not at all loses its connection, once the answer has taken too long.
func TestRun_LetsNoSlowReaderHoldAConnection(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]int{"nothing": 0, "slowly": 512} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, listening(t, 500*time.Millisecond))
			if _, err := fmt.Fprint(c, "GET /metrics HTTP/1.1\r\nHost: a\r\nAccept-Encoding: identity\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			some := make([]byte, read)
			// What is written to a connection that the server closed is refused.
			for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
				if read > 0 {
					_ = c.SetReadDeadline(time.Now().Add(patience))
					_, _ = c.Read(some)
				}
				if _, err := c.Write([]byte("x")); err != nil {
					return
				}
				if time.Now().After(deadline) {
					t.Fatal("the connection is still open")
				}
			}
		})
	}
}
