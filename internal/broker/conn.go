package broker

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/trouble"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

// Oldest server and smallest message that edgepurge works with.
const (
	minServerMajor, minServerMinor = 2, 12
	minPayload                     = 512 << 10
)

const (
	apiTimeout     = 5 * time.Second
	publishTimeout = 5 * time.Second
	// reportsQuiet is after what time without an error the errors that the server reports count as
	// over.
	reportsQuiet = time.Minute
	// maxPending bounds the publishes in flight; a job of 5,000 requests ends in one go.
	maxPending = 8192
)

// Settings are what streams, consumers and subjects follow from.
type Settings struct {
	Prefix   string // of all subjects; streams are its upper case
	Replicas int
	MaxBytes int64 // of the request stream
	// ParkedMaxBytes and ProgressMaxBytes are those of the streams of parked requests and of
	// progress.
	ParkedMaxBytes, ProgressMaxBytes int64
	EventsKeep                       time.Duration
	DeadKeep                         time.Duration
	// BulkWindow and InteractiveWindow are how many targets of a lane are held in memory.
	BulkWindow, InteractiveWindow int
}

// Conn is the connection to NATS that the parts of a [Broker] share: what they publish and look up
// by, and what it says of itself. It is safe for concurrent use.
type Conn struct {
	nc       *nats.Conn
	js       jetstream.JetStream
	set      Settings
	subjects purge.Subjects
	answer   time.Duration // how long one question waits
	log      *zap.Logger
	nonce    string   // a token of the subjects of what is stored, which nobody outside can guess
	handles  sync.Map // jetstream.Stream by name
	troubles *trouble.Log
	refusals refusals
	dialer   dialer
	alarm    chan struct{} // capacity 1: something was found to be missing

	epoch       atomic.Uint64 // changes with every disconnect and reconnect
	reconnected chan struct{} // capacity 1: a change of epoch that the lease has not seen yet
}

// dial opens the connection. With a server away it returns at once and keeps trying in the
// background; only options that can't work are an error, see [Dial.Check].
func dial(d Dial, set Settings, log *zap.Logger) (*Conn, error) {
	if err := d.Check(); err != nil {
		return nil, fmt.Errorf("connect to nats: %w", err)
	}
	c := &Conn{
		set: set, subjects: purge.Subjects{Prefix: set.Prefix}, answer: cmp.Or(d.Answer, apiTimeout), log: log,
		nonce: rand.Text(), troubles: trouble.New(log),
		reconnected: make(chan struct{}, 1), alarm: make(chan struct{}, 1),
	}
	nc, err := d.connect(append(c.options(), c.dialer.bound(cmp.Or(d.Timeout, apiTimeout))...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to nats: %w", err)
	}
	c.nc = nc
	c.js, err = jetstream.New(nc,
		jetstream.WithDefaultTimeout(c.answer),
		jetstream.WithPublishAsyncMaxPending(maxPending),
		jetstream.WithPublishAsyncTimeout(publishTimeout))
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("open jetstream: %w", err)
	}
	return c, nil
}

func (c *Conn) options() []nats.Option {
	up := func(what string) nats.ConnHandler {
		return func(nc *nats.Conn) {
			c.epochChanged()
			c.log.Info(what, zap.String("url", address(nc)))
		}
	}
	return []nats.Option{
		nats.Name("edgepurge"),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(), // credentials may be mended while we try
		nats.RetryOnFailedConnect(true),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, 250*time.Millisecond),
		nats.ReconnectBufSize(-1), // every write is proven or tried again: none may wait unseen
		nats.PingInterval(5 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.ConnectHandler(up("nats connected")),
		nats.ReconnectHandler(up("nats reconnected")),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			c.epochChanged()
			if err != nil {
				c.log.Warn("nats disconnected", zap.Error(err))
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			c.refusals.refused(err)
			// A right that is missing is reported for each message that needs it.
			c.troubles.Shared("nats reports an error", "").FailedUntil(reportsQuiet, err)
		}),
	}
}

// address is the server's alone: the client library masks a password in it, but not a token (I6).
func address(nc *nats.Conn) string {
	u, err := url.Parse(nc.ConnectedUrl())
	if err != nil {
		return ""
	}
	u.User = nil
	return u.String()
}

func (c *Conn) epochChanged() {
	c.epoch.Add(1)
	wait.Signal(c.reconnected)
}

// Close ends the connection. What is in flight may be lost; callers wait for their writes.
func (c *Conn) Close() {
	c.nc.Close()
	c.troubles.Close()
}

// Subjects are the names of this installation.
func (c *Conn) Subjects() purge.Subjects { return c.subjects }

// Check reports why the connection can't be worked with, nil when it can: away, too old, or a
// max_payload too small.
func (c *Conn) Check() error {
	if !c.nc.IsConnected() {
		return fmt.Errorf("nats is away: %w", c.why())
	}
	if v := c.nc.ConnectedServerVersion(); !recent(v) {
		return fmt.Errorf("nats server %s is too old: use %d.%d or newer", v, minServerMajor, minServerMinor)
	}
	if p := c.nc.MaxPayload(); p < minPayload {
		return fmt.Errorf("nats max_payload is %d bytes: set it to %d or more", p, minPayload)
	}
	return nil
}

func recent(version string) bool {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	ma, err1 := strconv.Atoi(major)
	mi, err2 := strconv.Atoi(minor)
	if err1 != nil || err2 != nil {
		return true // an unusual version string is no proof of an old server
	}
	return ma > minServerMajor || ma == minServerMajor && mi >= minServerMinor
}

// stream returns a handle of one of our streams, which is good for as long as there is one of that
// name. What it says of its state is of the time when it was made.
func (c *Conn) stream(ctx context.Context, name string) (jetstream.Stream, error) {
	if h, ok := c.handles.Load(name); ok {
		if s, ok := h.(jetstream.Stream); ok {
			return s, nil
		}
	}
	s, err := c.js.Stream(ctx, c.name(name))
	if err == nil {
		c.handles.Store(name, s)
	}
	return s, err
}

// Ready blocks until the connection can be worked with. It returns the context's cause when that
// ends first, and reports at each look the reason to wait to why.
func (c *Conn) Ready(ctx context.Context, why func(error)) error {
	for {
		err := c.Check()
		if err == nil {
			return nil
		}
		why(err)
		if !wait.Sleep(ctx, 100*time.Millisecond) {
			return context.Cause(ctx)
		}
	}
}

// Reconnects counts how often the connection was made again.
func (c *Conn) Reconnects() uint64 { return c.nc.Stats().Reconnects }

func (c *Conn) name(s string) string { return c.subjects.Stream(s) }

func (c *Conn) subject(rest string) string { return c.set.Prefix + "." + rest }

// partLimit is how large a message of what is stored may be.
func (c *Conn) partLimit() int { return int(c.nc.MaxPayload()) - partHeadroom }
