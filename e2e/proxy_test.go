package e2e_test

import (
	"net"
	"sync"
	"testing"
)

// proxy stands between a process and the NATS server, and can hold up what they send each other.
type proxy struct {
	url  string
	gate sync.RWMutex // passed before bytes are handed on
	held bool
}

// hold lets nothing through until release, but for what was being written. Both are for the test's goroutine.
func (p *proxy) hold() {
	p.gate.Lock()
	p.held = true
}

func (p *proxy) release() {
	if p.held {
		p.held = false
		p.gate.Unlock()
	}
}

func (w *world) proxy() *proxy {
	w.t.Helper()
	l, err := new(net.ListenConfig).Listen(w.t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	p := &proxy{url: "nats://" + l.Addr().String()}
	var conns sync.WaitGroup
	w.t.Cleanup(func() { p.release(); _ = l.Close(); conns.Wait() })
	to, t := w.nats.Address, w.t
	conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { p.serve(t, c, to) })
		}
	})
	return p
}

// serve passes on until either side ends.
func (p *proxy) serve(t *testing.T, c net.Conn, to string) {
	s, err := new(net.Dialer).DialContext(t.Context(), "tcp", to)
	if err != nil {
		_ = c.Close()
		return
	}
	var back sync.WaitGroup
	back.Go(func() { p.pass(c, s) })
	p.pass(s, c)
	back.Wait()
}

func (p *proxy) pass(to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	for buf := make([]byte, 64<<10); ; {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		p.gate.RLock()
		p.gate.RUnlock() //nolint:staticcheck // what is written may wait for a process that is stopped, as hold must not
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}
