package broker_test

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
)

// proxy stands between a client and the server. It can hold up what they send, and cut them apart.
type proxy struct {
	target   string
	listener net.Listener
	gate     sync.RWMutex // held for reading to pass bytes on
	end      context.CancelFunc
	conns    sync.WaitGroup
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	p := &proxy{target: target}
	if err := p.listen(t, "127.0.0.1:0"); err != nil {
		t.Fatalf("listen: %v", err)
	}
	t.Cleanup(p.cut)
	return p
}

func (p *proxy) listen(t *testing.T, addr string) error {
	t.Helper()
	var lc net.ListenConfig
	listener, err := lc.Listen(t.Context(), "tcp", addr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.listener, p.end = listener, cancel
	p.conns.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			p.conns.Go(func() { p.serve(ctx, c) })
		}
	})
	return nil
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) hold() { p.gate.Lock() }

func (p *proxy) release() { p.gate.Unlock() }

// cut ends all connections, and lets none come.
func (p *proxy) cut() {
	p.end()
	_ = p.listener.Close()
	p.conns.Wait()
}

// mend ends what cut began. Somebody else may have got the port for a moment.
func (p *proxy) mend(t *testing.T) {
	t.Helper()
	eventually(t, "the port is free", func() bool { return p.listen(t, p.addr()) == nil })
}

func (p *proxy) serve(ctx context.Context, c net.Conn) {
	defer func() { _ = c.Close() }()
	var d net.Dialer
	s, err := d.DialContext(ctx, "tcp", p.target)
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
