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
	// reportsQuiet is after what time without an error the errors that the server reports count as over.
	reportsQuiet = time.Minute
	// maxPending bounds the publishes in flight; a job of 5,000 requests ends in one go.
	maxPending = 8192
)

// Settings are what streams, consumers and subjects follow from.
type Settings struct {
	Prefix   string // of all subjects; streams are its upper case
	Replicas int
	MaxBytes int64 // of the request stream
	// ParkedMaxBytes and ProgressMaxBytes are those of the streams of parked requests and of progress.
	ParkedMaxBytes, ProgressMaxBytes int64
	EventsKeep                       time.Duration
	DeadKeep                         time.Duration
	// BulkWindow and InteractiveWindow are how many targets of a lane are held in memory.
	BulkWindow, InteractiveWindow int
}

// Broker is a connection to NATS with edgepurge's streams. It is safe for concurrent use.
type Broker struct {
	nc       *nats.Conn
	js       jetstream.JetStream
	set      Settings
	subjects purge.Subjects
	log      *zap.Logger
	salt     string        // a token of the subjects of what is stored, which nobody outside can guess
	epoch    atomic.Uint64 // changes with every disconnect and reconnect
	wake     chan struct{} // capacity 1: a change of epoch not yet seen by the lease
	handles  sync.Map      // jetstream.Stream by name
	troubles *trouble.Log
	seen     atomic.Bool // the streams were there, or were made by this Broker
	vacancy  vacancy
	junk     atomic.Int64  // messages of queues that were no records, and removed, since the last sweep
	alarm    chan struct{} // capacity 1: something was found to be missing
	refusals refusals
	dialer   dialer
}

// Connect opens the connection. With a server away it returns at once and keeps trying in the
// background; only options that can't work are an error, see [Dial.Check].
func Connect(dial Dial, set Settings, log *zap.Logger) (*Broker, error) {
	if err := dial.Check(); err != nil {
		return nil, fmt.Errorf("connect to nats: %w", err)
	}
	b := &Broker{
		set: set, subjects: purge.Subjects{Prefix: set.Prefix}, log: log,
		salt: rand.Text(), wake: make(chan struct{}, 1), alarm: make(chan struct{}, 1), troubles: trouble.New(log),
	}
	nc, err := dial.connect(append(b.options(), b.dialer.bound(cmp.Or(dial.Timeout, apiTimeout))...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to nats: %w", err)
	}
	b.nc = nc
	b.js, err = jetstream.New(nc,
		jetstream.WithDefaultTimeout(apiTimeout),
		jetstream.WithPublishAsyncMaxPending(maxPending),
		jetstream.WithPublishAsyncTimeout(publishTimeout))
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("open jetstream: %w", err)
	}
	return b, nil
}

func (b *Broker) options() []nats.Option {
	up := func(what string) nats.ConnHandler {
		return func(nc *nats.Conn) {
			b.turn()
			b.log.Info(what, zap.String("url", address(nc)))
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
			b.turn()
			if err != nil {
				b.log.Warn("nats disconnected", zap.Error(err))
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			b.refusals.refused(err)
			// A right that is missing is reported for each message that needs it.
			b.troubles.Shared("nats reports an error", "").FailedUntil(reportsQuiet, err)
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

func (b *Broker) turn() {
	b.epoch.Add(1)
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Close ends the connection. What is in flight may be lost; callers wait for their writes.
func (b *Broker) Close() {
	b.nc.Close()
	b.troubles.Close()
}

// Subjects are the names of this installation.
func (b *Broker) Subjects() purge.Subjects { return b.subjects }

// Check tells why the connection can't be worked with, nil when it can: away, too old, or a
// max_payload too small.
func (b *Broker) Check() error {
	if !b.nc.IsConnected() {
		return fmt.Errorf("nats is away: %w", b.why())
	}
	if v := b.nc.ConnectedServerVersion(); !recent(v) {
		return fmt.Errorf("nats server %s is too old: use %d.%d or newer", v, minServerMajor, minServerMinor)
	}
	if p := b.nc.MaxPayload(); p < minPayload {
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

// stream gives a handle of one of our streams, which is good for as long as there is one of that name. What
// it tells of its state is of the time when it was made.
func (b *Broker) stream(ctx context.Context, name string) (jetstream.Stream, error) {
	if h, ok := b.handles.Load(name); ok {
		if s, ok := h.(jetstream.Stream); ok {
			return s, nil
		}
	}
	s, err := b.js.Stream(ctx, b.name(name))
	if err == nil {
		b.handles.Store(name, s)
	}
	return s, err
}

// Ready blocks until the connection can be worked with. It returns the context's cause when that
// ends first, and reports at each look the reason to wait to why.
func (b *Broker) Ready(ctx context.Context, why func(error)) error {
	for {
		err := b.Check()
		if err == nil {
			return nil
		}
		why(err)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
