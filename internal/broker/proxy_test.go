package broker_test

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
)

// proxy stands between a client and the server, and can hold up what they send.
type proxy struct {
	listener net.Listener
	gate     sync.RWMutex // held for reading to pass bytes on
	conns    sync.WaitGroup
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	var lc net.ListenConfig
	listener, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	p := &proxy{listener: listener}
	ctx, cancel := context.WithCancel(context.Background())
	p.conns.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			p.conns.Go(func() { p.serve(ctx, c, target) })
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = listener.Close()
		p.conns.Wait()
	})
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) hold() { p.gate.Lock() }

func (p *proxy) release() { p.gate.Unlock() }

func (p *proxy) serve(ctx context.Context, c net.Conn, target string) {
	defer func() { _ = c.Close() }()
	var d net.Dialer
	s, err := d.DialContext(ctx, "tcp", target)
	if err != nil {
		return
	}
	closeBoth := func() { _, _ = c.Close(), s.Close() }
	defer context.AfterFunc(ctx, closeBoth)()
	var back sync.WaitGroup
	back.Go(func() { p.pass(c, s) })
	p.pass(s, c)
	closeBoth()
	back.Wait()
}

func (p *proxy) pass(to io.Writer, from io.Reader) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		p.gate.RLock()
		_, err = to.Write(buf[:n])
		p.gate.RUnlock()
		if err != nil {
			return
		}
	}
}
