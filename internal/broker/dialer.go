package broker

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// dialer opens the connections to a server: to one of its addresses, in random order. The client
// library would look names up without a limit, and keeps no error of an attempt that did not get as
// far as a connection. It is safe for concurrent use.
type dialer struct {
	timeout time.Duration // of the look-up and of all addresses together

	mu   sync.Mutex
	last error
}

// Dial implements [nats.CustomDialer].
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), d.timeout)
	defer cancel()
	c, err := d.dial(ctx, network, address)
	d.note(err)
	if err != nil {
		return nil, err
	}
	return &greeted{Conn: c, note: d.note}, nil
}

func (d *dialer) note(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = err
}

// greeted is a connection that notes when it ends before the other side has said anything.
type greeted struct {
	net.Conn
	note  func(error)
	heard bool // only the one reader knows
}

// Read implements [net.Conn].
func (g *greeted) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if g.heard || n == 0 && err == nil {
		return n, err
	}
	if g.heard = n > 0; !g.heard {
		does := "closes it"
		if failure, ok := errors.AsType[net.Error](err); ok && failure.Timeout() {
			does = "says nothing"
		}
		g.note(&stranger{does, err})
	}
	return n, err
}

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	hosts := []string{host}
	if net.ParseIP(host) == nil {
		if hosts, err = net.DefaultResolver.LookupHost(ctx, host); err != nil {
			return nil, err
		}
	}
	rand.Shuffle(len(hosts), func(i, j int) { hosts[i], hosts[j] = hosts[j], hosts[i] })
	one := net.Dialer{Timeout: d.timeout / time.Duration(len(hosts))}
	for _, h := range hosts {
		var c net.Conn
		if c, err = one.DialContext(ctx, network, net.JoinHostPort(h, port)); err == nil {
			return c, nil
		}
	}
	return nil, err
}

// failure is why the latest attempt got no connection, or none at which anybody greets; nil where
// it got one.
func (d *dialer) failure() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last
}

// bound returns the options that limit an attempt to connect to all servers together. The option
// must come before those that ask for the time-out.
func (d *dialer) bound(all time.Duration) []nats.Option {
	return []nats.Option{
		nats.SkipHostLookup(), nats.SetCustomDialer(d),
		func(o *nats.Options) error {
			o.Timeout = all / time.Duration(max(1, len(o.Servers)))
			d.timeout = o.Timeout
			return nil
		},
	}
}

// stranger says that what listens at the address of a server does not greet as a NATS server does.
type stranger struct {
	does  string
	cause error
}

func (s *stranger) Error() string {
	return "what listens there is not a NATS server: it accepts the connection and " + s.does
}

func (s *stranger) Unwrap() error { return s.cause }

// why is why there is no connection.
func (c *Conn) why() error {
	err, dialed := c.nc.LastError(), c.dialer.failure()
	if _, ok := errors.AsType[*stranger](dialed); ok || err == nil {
		err = dialed
	}
	switch {
	case err == nil:
		return errors.New("not connected")
	case errors.Is(err, nats.ErrNoInfoReceived):
		return &stranger{"says something else", err}
	}
	return err
}
