package client_test

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// link stands between a client and the server. It can lose the server's answers, and cut connections.
type link struct {
	target   string
	listener net.Listener
	muted    atomic.Bool
	conns    sync.WaitGroup

	mu   sync.Mutex
	open []net.Conn
}

func newLink(t *testing.T, target string) *link {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &link{target: target, listener: listener}
	l.conns.Go(l.serve)
	t.Cleanup(func() {
		_ = listener.Close()
		l.cut()
		l.conns.Wait()
	})
	return l
}

func (l *link) address() string { return l.listener.Addr().String() }

// mute loses what the server sends from now on, until cut.
func (l *link) mute() { l.muted.Store(true) }

// cut ends all connections; those that come are whole.
func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.open {
		_ = c.Close()
	}
	l.open = nil
	l.muted.Store(false)
}

func (l *link) serve() {
	for {
		c, err := l.listener.Accept()
		if err != nil {
			return
		}
		s, err := new(net.Dialer).DialContext(context.Background(), "tcp", l.target)
		if err != nil {
			_ = c.Close()
			continue
		}
		l.mu.Lock()
		l.open = append(l.open, c, s)
		l.mu.Unlock()
		l.conns.Go(func() { _, _ = io.Copy(s, c) })
		l.conns.Go(func() { _, _ = io.Copy(answers{c, l}, s) })
	}
}

// answers writes what the server sends, unless that is lost.
type answers struct {
	io.Writer
	l *link
}

func (a answers) Write(data []byte) (int, error) {
	if a.l.muted.Load() {
		return len(data), nil
	}
	return a.Writer.Write(data)
}
