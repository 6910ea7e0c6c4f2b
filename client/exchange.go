package client

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// waveSize is how many messages go out at once while others are under way. Fewer wait for more to come, until all
	// that is under way is answered, or for linger: one write and one read of the connection then serve many, which is
	// most of what a message costs. With 64 callers two waves are under way while the next one forms.
	waveSize = 24
	// linger is the most that a message waits for others.
	linger = time.Millisecond
	// maxOpen bounds what is sent and not answered, to about what nats.go's asynchronous publishes have (4,000).
	maxOpen = 4096
)

// exchange sends messages that are answered to an inbox, and brings message and answer together. It starts with the
// first message, and holds one subscription and one goroutine until close.
type exchange struct {
	nc      *nats.Conn
	timeout time.Duration // of one answer

	mu      sync.Mutex
	started bool
	closed  bool
	inbox   string // what the number of a call follows
	sub     *nats.Subscription
	status  chan nats.Status
	watched chan struct{} // closed when nobody reads status any more
	turned  chan struct{} // closed, and made anew, when the connection goes or comes
	last    uint64        // number of the latest call
	queue   []*call       // not sent yet
	open    map[uint64]*call
	flush   *time.Timer // sends what lingers
	sweep   *time.Timer // looks for what is not answered
	swept   bool        // sweep is running
}

// call is one message on its way.
type call struct {
	msg    nats.Msg
	number uint64
	sent   time.Time
	gone   bool        // its caller does not wait any more
	done   chan answer // capacity 1, for the one answer: who has it does not wait for the caller
}

type answer struct {
	msg *nats.Msg
	err error
}

func newExchange(nc *nats.Conn, timeout time.Duration) *exchange {
	return &exchange{
		nc: nc, timeout: timeout, open: make(map[uint64]*call),
		turned: make(chan struct{}), watched: make(chan struct{}),
	}
}

// ask sends a message and waits for its answer, up to the time-out or the end of the context.
func (x *exchange) ask(ctx context.Context, m nats.Msg) (*nats.Msg, error) {
	c, err := x.begin(m)
	if err != nil {
		return nil, err
	}
	select {
	case a := <-c.done:
		return a.msg, a.err
	case <-ctx.Done():
		x.forget(c)
		return nil, context.Cause(ctx)
	}
}

// begin sends a message, now or with others in a moment. Its answer comes on done, unless it is forgotten before.
func (x *exchange) begin(m nats.Msg) (*call, error) {
	c := &call{msg: m, done: make(chan answer, 1)}
	x.mu.Lock()
	if err := x.start(); err != nil {
		x.mu.Unlock()
		return nil, err
	}
	x.last++
	c.number = x.last
	c.msg.Reply = x.inbox + strconv.FormatUint(c.number, 36)
	x.queue = append(x.queue, c)
	wave := x.wave(false)
	if len(wave) == 0 && len(x.queue) == 1 {
		x.flush.Reset(linger)
	}
	x.mu.Unlock()
	x.send(wave)
	return c, nil
}

// start subscribes to the inbox, once; x.mu is held.
func (x *exchange) start() error {
	if x.closed {
		return ErrClosed
	}
	if x.started {
		return nil
	}
	x.inbox = x.nc.NewInbox() + "."
	sub, err := x.nc.Subscribe(x.inbox+"*", x.answered)
	if err != nil {
		return err
	}
	x.started, x.sub = true, sub
	x.status = x.nc.StatusChanged()
	x.flush = time.AfterFunc(linger, x.lingered)
	x.sweep = time.AfterFunc(x.timeout, x.missing)
	x.swept = true
	go x.watch()
	return nil
}

// wave takes from the queue what is to be sent now, everything that there is room for or nothing; x.mu is held.
func (x *exchange) wave(all bool) []*call {
	room := maxOpen - len(x.open)
	if !all && len(x.open) > 0 && (len(x.queue) < waveSize || room < waveSize) {
		return nil
	}
	n := min(len(x.queue), room)
	if n == 0 {
		return nil
	}
	wave := x.queue[:n:n]
	x.queue = x.queue[n:]
	now := time.Now()
	sent := wave[:0]
	for _, c := range wave {
		if c.gone {
			continue
		}
		c.sent = now
		x.open[c.number] = c
		sent = append(sent, c)
	}
	if !x.swept {
		x.swept = true
		x.sweep.Reset(x.timeout / 4)
	}
	return sent
}

// send publishes a wave, and those that follow from what fails. Without x.mu, which answers need meanwhile.
func (x *exchange) send(wave []*call) {
	for len(wave) > 0 {
		failed := make(map[uint64]error)
		for _, c := range wave {
			if err := x.nc.PublishMsg(&c.msg); err != nil {
				failed[c.number] = err
			}
		}
		x.mu.Lock()
		for number, err := range failed {
			x.settle(number, answer{err: err})
		}
		wave = nil
		if len(failed) > 0 {
			wave = x.wave(false)
		}
		x.mu.Unlock()
	}
}

// settle gives a call its answer, if it waits for one; x.mu is held.
func (x *exchange) settle(number uint64, a answer) {
	if c, ok := x.open[number]; ok {
		delete(x.open, number)
		c.done <- a
	}
}

// answered takes in a message of the inbox. One that comes too late finds no call.
func (x *exchange) answered(m *nats.Msg) {
	number, err := strconv.ParseUint(m.Subject[len(x.inbox):], 36, 64)
	if err != nil {
		return
	}
	x.mu.Lock()
	x.settle(number, answer{msg: m})
	wave := x.wave(false)
	x.mu.Unlock()
	x.send(wave)
}

// forget gives a call up.
func (x *exchange) forget(c *call) {
	x.mu.Lock()
	c.gone = true
	delete(x.open, c.number)
	wave := x.wave(false)
	x.mu.Unlock()
	x.send(wave)
}
