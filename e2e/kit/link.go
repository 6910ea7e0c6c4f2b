package kit

import (
	"fmt"
	"net"
	"sync"
	"testing"
)

// Gate is what a [Link] does with connections.
type Gate int

// The gates of a link. A link begins open.
const (
	Open    Gate = iota
	Held         // bytes stay where they are; what was being written arrives
	Refused      // connections are reset
)

// Link is a TCP proxy on loopback: the way to one server, which can be held and cut. It is safe for
// concurrent use.
type Link struct {
	target   string
	join     func(near, far net.Conn)
	listener net.Listener
	done     sync.WaitGroup

	mu    sync.Mutex
	moved *sync.Cond // the gate has moved, or a connection or the link has ended
	gate  Gate
	pairs map[*pair]struct{}
	over  bool
}

// pair is a connection to the link, and the link's to the server. Its fields are guarded by the
// link's mu.
type pair struct {
	near, far net.Conn
	muted     bool
	cut       bool
}

// OpenLink opens a link to the server at an address.
func OpenLink(target string) (*Link, error) { return open(target, nil) }

// StartLink opens a link for the time of a test.
func StartLink(t testing.TB, target string) *Link {
	t.Helper()
	return start(t, target, nil)
}

// StartJoin opens a link for the time of a test that passes nothing on by itself: join does, for
// each connection, until it returns. It may close the connections. Neither Held nor Mute do
// anything to them.
func StartJoin(t testing.TB, target string, join func(near, far net.Conn)) *Link {
	t.Helper()
	return start(t, target, join)
}

func start(t testing.TB, target string, join func(near, far net.Conn)) *Link {
	t.Helper()
	l, err := open(target, join)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func open(target string, join func(near, far net.Conn)) (*Link, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it opens at once
	if err != nil {
		return nil, fmt.Errorf("open link: %w", err)
	}
	l := &Link{target: target, join: join, listener: listener, pairs: make(map[*pair]struct{})}
	l.moved = sync.NewCond(&l.mu)
	l.done.Go(l.serve)
	return l, nil
}

// Address returns where the link listens.
func (l *Link) Address() string { return l.listener.Addr().String() }

// URL returns where a NATS client finds the link.
func (l *Link) URL() string { return "nats://" + l.Address() }

// Set moves the gate. Refused resets the connections that there are, too.
func (l *Link) Set(g Gate) {
	l.mu.Lock()
	l.gate = g
	l.moved.Broadcast()
	l.mu.Unlock()
	if g == Refused {
		l.Cut()
	}
}

// Mute loses what the server sends on the connections that there are. What it is sent still
// arrives.
func (l *Link) Mute() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.pairs {
		p.muted = true
	}
}

// Cut resets all connections that there are. What is held or under way there is lost.
func (l *Link) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.pairs {
		p.cut = true
		reset(p.near)
		reset(p.far)
	}
	l.moved.Broadcast()
}

// Close cuts the link for good, and returns when nothing of it runs any more.
func (l *Link) Close() {
	l.mu.Lock()
	l.over = true
	l.mu.Unlock()
	_ = l.listener.Close()
	l.Cut()
	l.done.Wait()
}

func (l *Link) serve() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.done.Go(func() { l.connect(near) })
	}
}

// connect passes on, both ways, until one side ends.
func (l *Link) connect(near net.Conn) {
	far, err := net.Dial("tcp", l.target) //nolint:noctx // loopback answers at once
	if err != nil {
		reset(near)
		return
	}
	defer func() { _, _ = near.Close(), far.Close() }()
	p := &pair{near: near, far: far}
	if !l.keep(p) {
		reset(near)
		return
	}
	defer l.forget(p)
	if l.join != nil {
		l.join(near, far)
		return
	}
	var back sync.WaitGroup
	back.Go(func() { l.carry(p, near, far) })
	l.carry(p, far, near)
	back.Wait()
}

// carry copies one way; its end is the end of both.
func (l *Link) carry(p *pair, to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		pass, lose := l.pass(p)
		if n > 0 && !pass {
			return
		}
		if n > 0 && (!lose || to == p.far) {
			if _, failed := to.Write(buf[:n]); failed != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// pass waits while the link is held. pass is false when the connection is cut; lose says that the
// server isn't heard.
func (l *Link) pass(p *pair) (pass, lose bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.gate == Held && !p.cut && !l.over {
		l.moved.Wait()
	}
	return !p.cut && !l.over, p.muted
}

// keep notes a connection, so that it can be cut; false when there may be none.
func (l *Link) keep(p *pair) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gate == Refused || l.over {
		return false
	}
	l.pairs[p] = struct{}{}
	return true
}

func (l *Link) forget(p *pair) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.pairs, p)
}

// reset closes a connection so that the other end gets an error.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
