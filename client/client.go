package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/purge"
)

// Config says whose requests are published where. Only Source is needed.
type Config struct {
	// Prefix begins the installation's subjects; streams are its upper case. Defaults to "purge".
	Prefix string
	// Source is who asks: 1 to 32 of a-z0-9_-. Requests are named by it and their id.
	Source string
	// Lane of the requests; [Client.In] gives another. Defaults to [purge.Interactive].
	Lane purge.Lane
	// Timeout is how long one try waits for the broker's answer before it is made again. How long a call may take
	// altogether is for its context. Defaults to 5 s.
	Timeout time.Duration
	// Absence is how long nobody may answer for a stream before the call fails with [ErrNoStream]. A value below the
	// default, 15 s, may be shorter than the election of a new leader in a cluster takes.
	Absence time.Duration
	// Unchecked publishes also requests that are not valid, which the worker ends as rejected. It is for programs that
	// publish what others wrote, and report an event for each line of it. The id must be valid all the same.
	Unchecked bool
}

const (
	defaultPrefix  = "purge"
	defaultTimeout = 5 * time.Second
)

func (c Config) withDefaults() Config {
	c.Prefix = cmp.Or(c.Prefix, defaultPrefix)
	c.Lane = cmp.Or(c.Lane, purge.Interactive)
	c.Timeout = cmp.Or(c.Timeout, defaultTimeout)
	c.Absence = cmp.Or(c.Absence, defaultAbsence)
	return c
}

func (c Config) validate() error {
	var faults []error
	if !purge.ValidPrefix(c.Prefix) {
		faults = append(faults, fmt.Errorf("prefix is %q: it must be 1 to 32 of a-z0-9-", c.Prefix))
	}
	if !purge.ValidSource(c.Source) {
		faults = append(faults, fmt.Errorf("source is %q: it must be 1 to 32 of a-z0-9_-", c.Source))
	}
	if !validLane(c.Lane) {
		faults = append(faults, errLane(c.Lane))
	}
	if c.Timeout < 0 {
		faults = append(faults, fmt.Errorf("timeout is %v: it must be positive", c.Timeout))
	}
	if c.Absence < 0 {
		faults = append(faults, fmt.Errorf("absence is %v: it must be positive", c.Absence))
	}
	return errors.Join(faults...)
}

func validLane(l purge.Lane) bool { return l == purge.Interactive || l == purge.Bulk }

func errLane(l purge.Lane) error {
	return fmt.Errorf("lane is %q: it must be %s or %s", l, purge.Interactive, purge.Bulk)
}

// Client publishes the requests of one source and reads their events. Its methods may be called from many goroutines
// at once. A program needs one for each source.
type Client struct {
	lane purge.Lane
	*shared
}

// shared is what the views of a client for each lane have in common.
type shared struct {
	nc       *nats.Conn
	js       jetstream.JetStream
	cfg      Config
	subjects purge.Subjects
	line     *exchange

	mu      sync.Mutex
	closed  bool
	under   int           // publishes under way
	idle    chan struct{} // closed when there are none, and none come any more
	closing chan struct{} // closed by Close: ends what waits for events
}

// New makes a client that uses a connection, which stays the caller's. It does no I/O: the connection may be away, and
// what goes wrong is told by the calls. An error names everything in the configuration that can't work.
//
// The connection should go on for ever ([nats.MaxReconnects] -1), else calls end with [nats.ErrConnectionClosed] after
// nats.go's two minutes. Its error handler is told by nats.go of rights that are missing; calls tell it too.
func New(nc *nats.Conn, cfg Config) (*Client, error) {
	if nc == nil {
		return nil, errors.New("make client: there is no connection")
	}
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(cfg.Timeout))
	if err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	return &Client{lane: cfg.Lane, shared: &shared{
		nc: nc, js: js, cfg: cfg, subjects: purge.Subjects{Prefix: cfg.Prefix},
		line: newExchange(nc, cfg.Timeout), idle: make(chan struct{}), closing: make(chan struct{}),
	}}, nil
}

// In gives the same client for another lane. Both share everything else: closing one closes the other.
func (c *Client) In(lane purge.Lane) *Client { return &Client{lane: lane, shared: c.shared} }

// Close ends the client, and leaves the connection open. Calls of Purge that are under way are waited for, and so are
// the publishes of PurgeAndWait; what waits for events ends with [ErrClosed], and so does every later call. When the
// context ends first, the publishes under way end with ErrClosed too, may be stored or not, and Close returns the
// context's cause. A second Close does nothing.
//
// A program that ends closes the client first and drains or closes the connection then: draining a connection drops the
// broker's answers. One that does not close its client loses nothing that was told to be stored.
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	if c.under == 0 {
		close(c.idle)
	}
	c.mu.Unlock()
	close(c.closing)
	var err error
	select {
	case <-c.idle:
	case <-ctx.Done():
		err = fmt.Errorf("close client: %w", context.Cause(ctx))
	}
	c.line.close()
	<-c.idle // soon: without the exchange no call goes on
	return err
}

// enter begins a publish, which leave ends.
func (c *shared) enter() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	c.under++
	return nil
}

func (c *shared) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.under--
	if c.closed && c.under == 0 {
		close(c.idle)
	}
}

// until gives a context that Close ends too.
func (c *shared) until(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		select {
		case <-c.closing:
			cancel(ErrClosed)
		case <-done:
		}
	}()
	return ctx, func() { close(done); cancel(nil) }
}
