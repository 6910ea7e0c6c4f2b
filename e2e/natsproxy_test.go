package e2e_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/edgepurge/edgepurge/e2e/kit"
)

// twinFault is what goes wrong with one write, in one of four ways: it happens or not, and who made
// it loses the connection or just waits for an answer in vain.
type twinFault struct {
	happens bool
	cut     bool
	nth     int // of those that match, from 1 on
}

func (f twinFault) String() string {
	what := map[bool]string{false: "did not happen", true: "happened"}[f.happens]
	return what + map[bool]string{false: ", no answer", true: ", cut off"}[f.cut]
}

// natsProxy stands between workers and their NATS server, and does one fault to one of their
// frames.
type natsProxy struct {
	*kit.Link

	done chan struct{} // closed once the fault is done

	mu    sync.Mutex
	match func(frame) bool // nil: no fault is to come
	fault twinFault
	seen  int
}

func newNATSProxy(t *testing.T, target string) *natsProxy {
	t.Helper()
	p := &natsProxy{done: make(chan struct{})}
	p.Link = kit.StartJoin(t, target, p.serve)
	return p
}

// arm has a fault done to the frames that match, those of clients that are published.
func (p *natsProxy) arm(fault twinFault, match func(frame) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.match = fault, match
}

// due tells whether the fault is to be done to this frame.
func (p *natsProxy) due(f frame) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.match == nil || f.op != "PUB" && f.op != "HPUB" || !p.match(f) {
		return false
	}
	if p.seen++; p.seen < p.fault.nth {
		return false
	}
	p.match = nil
	return true
}

// matched is how many frames matched so far.
func (p *natsProxy) matched() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen
}

func (p *natsProxy) serve(client, server net.Conn) {
	l := &natsLink{p: p, client: client, server: server, subs: make(map[string]string)}
	var back sync.WaitGroup
	back.Go(func() { l.pass(server, client, l.fromServer) })
	l.pass(client, server, l.fromClient)
	back.Wait()
	if l.await != nil { // the connection has ended by itself, and the answer is lost too
		close(p.done)
	}
}

// natsLink is one connection of a client.
type natsLink struct {
	p              *natsProxy
	client, server net.Conn

	mu    sync.Mutex
	subs  map[string]string // sid -> subject
	await *frame            // whose answer is lost
	pings int               // that went to the server and are not answered
	after int               // PONGs until the server has read what has no answer
}

func (l *natsLink) close() { _, _ = l.client.Close(), l.server.Close() }

// pass hands frames on, as many at once as have come, until either end is closed. What it does with
// each tells do: what to send, and whether to cut the connection then.
func (l *natsLink) pass(from, to net.Conn, do func(frame) (send []byte, cut bool)) {
	defer l.close()
	r, w := bufio.NewReaderSize(from, 64<<10), bufio.NewWriterSize(to, 64<<10)
	for {
		f, err := readFrame(r)
		if err != nil {
			return
		}
		send, cut := do(f)
		_, _ = w.Write(send) // its error is the flush's too
		if cut || r.Buffered() == 0 {
			err = w.Flush()
		}
		if cut {
			l.close()
			close(l.p.done)
		}
		if cut || err != nil {
			return
		}
	}
}

func (l *natsLink) fromClient(f frame) (send []byte, cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch f.op {
	case "SUB":
		l.subs[f.sid] = f.subject
	case "PING":
		l.pings++
	}
	if !l.p.due(f) {
		return f.raw, false
	}
	switch fault := l.p.fault; {
	case !fault.happens && fault.cut:
		return nil, true
	case !fault.happens:
		close(l.p.done)
		return nil, false
	}
	l.await = &f
	if f.reply != "" {
		return f.raw, false
	}
	l.pings++
	l.after = l.pings
	return append(f.raw, "PING\r\n"...), false
}

func (l *natsLink) fromServer(f frame) (send []byte, cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f.op == "PONG" {
		l.pings--
		if l.after--; l.after == 0 {
			return l.lose()
		}
	}
	if l.await != nil && l.await.reply != "" && (f.subject == l.await.reply || f.sid != "" && l.subs[f.sid] == l.await.reply) {
		return l.lose()
	}
	return f.raw, false
}

// lose loses the answer in hand.
func (l *natsLink) lose() (send []byte, cut bool) {
	l.await = nil
	if l.p.fault.cut {
		return nil, true
	}
	close(l.p.done)
	return nil, false
}

func TestNATSProxy_DoesOneFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, fault := range []twinFault{{true, true, 2}, {true, false, 2}, {false, true, 2}, {false, false, 2}} {
		for _, answered := range []bool{true, false} {
			if !answered && fault.happens && !fault.cut {
				continue // there is nothing to lose
			}
			t.Run(fmt.Sprintf("%v, answered %t", fault, answered), func(t *testing.T) {
				p := newNATSProxy(t, w.nats.Address)
				subject := nats.NewInbox()
				heard := w.listen(subject)
				p.arm(fault, published(subject))
				nc := p.connect(t, w.nats.Token)
				for i := range 3 {
					lost := i == 1 && (answered || fault.cut)
					if i == 2 {
						// The client may not have noticed yet that its connection was cut.
						w.until("the fault", func() bool {
							return closed(p.done) && nc.IsConnected() && (nc.Stats().Reconnects > 0) == fault.cut
						})
					}
					if err := say(nc, subject, answered, lost); (err != nil) != lost {
						t.Errorf("message %d: got %v, want an error: %t", i+1, err, lost)
					}
				}
				want := map[bool]int64{true: 3, false: 2}[fault.happens]
				w.until("the messages", func() bool { return heard.Load() >= want })
				if heard.Load() != want || (nc.Stats().Reconnects > 0) != fault.cut {
					t.Errorf("%d messages came in %d connections, want %d, and another connection: %t",
						heard.Load(), nc.Stats().Reconnects+1, want, fault.cut)
				}
			})
		}
	}
}

// listen answers what comes on a subject, and counts it.
func (w *world) listen(subject string) *atomic.Int64 {
	w.t.Helper()
	heard := new(atomic.Int64)
	_, err := w.nc.Subscribe(subject, func(m *nats.Msg) {
		heard.Add(1)
		_ = m.Respond(m.Data)
	})
	if err == nil {
		err = w.nc.Flush()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return heard
}

func (p *natsProxy) connect(t *testing.T, token string) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(p.URL(), nats.Token(token),
		nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond), nats.ReconnectBufSize(-1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// say sends a message and waits until it is answered, or else has gone; not long for one that is to
// be lost.
func say(nc *nats.Conn, subject string, answered, lost bool) error {
	wait := patience
	if lost {
		wait = 300 * time.Millisecond
	}
	if answered {
		_, err := nc.Request(subject, nil, wait)
		return err
	}
	return errors.Join(nc.Publish(subject, nil), nc.FlushTimeout(wait))
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
