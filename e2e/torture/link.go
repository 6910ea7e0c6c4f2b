package main

import (
	"fmt"
	"net"
	"sync"
)

// gate is what a link does with connections.
type gate int

const (
	open    gate = iota
	hanging      // bytes stay where they are
	refused      // connections are reset
)

// link is a way from one worker to one NATS server that can be cut: a TCP proxy on loopback.
type link struct {
	target   string
	listener net.Listener
	done     sync.WaitGroup

	mu    sync.Mutex
	moved *sync.Cond // the gate has moved, or the link is closed
	gate  gate
	conns map[net.Conn]struct{}
	over  bool
}

func newLink(target string) (*link, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it opens at once
	if err != nil {
		return nil, fmt.Errorf("open link: %w", err)
	}
	l := &link{target: target, listener: listener, conns: make(map[net.Conn]struct{})}
	l.moved = sync.NewCond(&l.mu)
	l.done.Go(l.serve)
	return l, nil
}

func (l *link) address() string { return l.listener.Addr().String() }

func (l *link) serve() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.done.Go(func() { l.join(near) })
	}
}

// join carries bytes both ways until one side ends.
func (l *link) join(near net.Conn) {
	defer l.drop(near)
	if !l.keep(near) {
		return
	}
	far, err := net.Dial("tcp", l.target) //nolint:noctx // loopback answers at once
	if err != nil {
		return
	}
	defer l.drop(far)
	if !l.keep(far) {
		return
	}
	var back sync.WaitGroup
	back.Go(func() { l.carry(near, far) })
	l.carry(far, near)
	back.Wait()
}

// carry copies one way; its end is the end of both.
func (l *link) carry(to, from net.Conn) {
	defer l.drop(to)
	defer l.drop(from)
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && !l.pass() {
			return
		}
		if _, failed := to.Write(buf[:n]); failed != nil || err != nil {
			return
		}
	}
}

// pass waits while the link hangs; false when it is closed or refuses.
func (l *link) pass() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.gate == hanging && !l.over {
		l.moved.Wait()
	}
	return l.gate == open && !l.over
}

// keep notes a connection, so that it can be cut; false when there may be none.
func (l *link) keep(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[c] = struct{}{}
	return l.gate != refused && !l.over
}

// drop resets a connection.
func (l *link) drop(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}

// set moves the gate.
func (l *link) set(g gate) {
	l.mu.Lock()
	l.gate = g
	l.moved.Broadcast()
	l.mu.Unlock()
	if g == refused {
		l.cut()
	}
}

// cut resets all connections there are.
func (l *link) cut() {
	l.mu.Lock()
	conns := make([]net.Conn, 0, len(l.conns))
	for c := range l.conns {
		conns = append(conns, c)
	}
	l.mu.Unlock()
	for _, c := range conns {
		l.drop(c)
	}
}

func (l *link) close() {
	l.mu.Lock()
	l.over = true
	l.moved.Broadcast()
	l.mu.Unlock()
	_ = l.listener.Close()
	l.cut()
	l.done.Wait()
}
