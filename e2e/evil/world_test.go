package evil_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/edgepurge/edgepurge/e2e/evil"
	"github.com/edgepurge/edgepurge/internal/app"
	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/internal/natstest"
	"github.com/edgepurge/edgepurge/purge"
)

// patience bounds every wait.
const patience = time.Minute

// world is an installation before an API of one mode.
type world struct {
	t    *testing.T
	mode evil.Mode
	api  *evil.Server
	cfg  config.Config
	js   jetstream.JetStream

	sent map[string]purge.Request // by id

	mu     sync.Mutex
	events map[string][]purge.Outcome // by request id
	at     map[string]time.Time       // when the first came
}

// newWorld makes an installation with a prefix of its own on a server that all share.
func newWorld(t *testing.T, srv *natstest.Server, prefix string, mode evil.Mode, seed uint64) *world {
	t.Helper()
	api, err := evil.New(mode, seed)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(api)
	t.Cleanup(func() { front.CloseClientConnections(); front.Close() })
	w := &world{
		t: t, mode: mode, api: api, cfg: config.Default(), sent: make(map[string]purge.Request),
		events: make(map[string][]purge.Outcome), at: make(map[string]time.Time),
	}
	w.cfg.NATS.URL, w.cfg.NATS.Token = config.ServerURL("nats://"+srv.Address), config.Secret(srv.Token)
	w.cfg.NATS.Prefix = prefix
	w.cfg.EdgeOne.Endpoint, w.cfg.EdgeOne.Timeout = front.URL, time.Second
	w.cfg.HTTP.Listen = ""
	// Each stream reserves its own.
	w.cfg.NATS.MaxBytes, w.cfg.NATS.ParkedMaxBytes, w.cfg.NATS.ProgressMaxBytes = 64<<20, 64<<20, 64<<20
	w.cfg.Tracker.PollMin, w.cfg.Tracker.PollMax, w.cfg.Tracker.Deadline = 150*time.Millisecond, 300*time.Millisecond, time.Second
	if mode.Exact && !mode.Slow {
		// Every call is answered: on a busy machine as well, so that a target is not sent twice.
		w.cfg.EdgeOne.Timeout, w.cfg.Tracker.Deadline = answered, answered
	}
	w.cfg.Limits.DescribePerSecond = 200 // so many jobs can be asked for that counts are used
	w.cfg.Worker.Drain = 2 * time.Second

	nc, err := nats.Connect(string(w.cfg.NATS.URL), nats.Token(srv.Token))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	if w.js, err = jetstream.New(nc); err != nil {
		t.Fatal(err)
	}
	if _, err := nc.Subscribe(prefix+".events.>", w.note); err != nil {
		t.Fatal(err)
	}
	return w
}

// note takes an event that was published.
func (w *world) note(m *nats.Msg) {
	e, err := purge.DecodeEvent(m.Data)
	if err != nil {
		w.t.Errorf("event on %s: %v", m.Subject, err)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events[e.Data.Request] = append(w.events[e.Data.Request], e.Data)
	if _, ok := w.at[e.Data.Request]; !ok {
		w.at[e.Data.Request] = time.Now()
	}
}

// start runs a worker in this process; the end of the test stops it.
func (w *world) start() {
	w.t.Helper()
	a, err := app.New(w.cfg, common.NewCredential(emulator.DefaultSecretID, emulator.DefaultSecretKey), logger(w.t))
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				w.t.Errorf("%s: worker ended: %v", w.mode.Name, err)
			}
		case <-time.After(patience):
			w.t.Errorf("%s: the worker did not end", w.mode.Name)
		}
	})
}

// publish sends a request, and returns when the broker has it. It waits for the stream.
func (w *world) publish(r purge.Request) {
	w.t.Helper()
	data, err := r.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	w.sent[r.ID] = r
	subject := w.cfg.NATS.Prefix + ".requests.interactive.test"
	w.until("the stream of requests", func() bool {
		_, err = w.js.Publish(w.t.Context(), subject, data)
		return err == nil
	})
}

// load publishes what the mode befalls: small requests, and a larger one.
func (w *world) load() {
	w.t.Helper()
	many := purge.Request{ID: "many", Zone: evil.Zone}
	for i := range cmp.Or(w.mode.Targets, 30) {
		many.Targets = append(many.Targets, fmt.Sprintf("https://evil.example/%%c3%%a9/many/%d", i))
	}
	w.publish(many)
	w.publish(purge.Request{ID: "pair", Zone: evil.Zone, Targets: []string{"https://evil.example/pair/1", "https://evil.example/%c3%a9/pair/2"}})
	w.publish(purge.Request{ID: "host", Zone: evil.Zone, Type: purge.Host, Targets: []string{"evil.example", "böse.example"}})
	for i := range 6 {
		w.publish(purge.Request{ID: fmt.Sprintf("one-%d", i), Zone: evil.Zone, Targets: []string{fmt.Sprintf("https://evil.example/one/%d", i)}})
	}
	if w.mode.Unknown["foreign-host"] == "failedlist" {
		w.publish(purge.Request{ID: "foreign", Zone: evil.Zone, Targets: []string{"https://foreign.example/%c3%a9", "https://evil.example/beside"}})
	}
}

// healthy publishes a request for a zone that nobody tampers with, and returns how long it took.
func (w *world) healthy(id string) time.Duration {
	w.t.Helper()
	begun := time.Now()
	w.publish(purge.Request{ID: id, Zone: "zone-good", Targets: []string{"https://good.example/" + id}})
	w.until("the end of a healthy zone's request", func() bool { return w.ended(id) })
	w.mu.Lock()
	defer w.mu.Unlock()
	if o := w.events[id][0]; o.Status != purge.Completed {
		w.t.Errorf("a healthy zone's request is %s (%+v), want completed", o.Status, o.Failures)
	}
	return w.at[id].Sub(begun)
}

func (w *world) ended(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.events[id]) > 0
}

// await waits until each request has ended and nothing is left of them.
func (w *world) await() {
	w.t.Helper()
	for id := range w.sent {
		w.until("the end of "+id, func() bool { return w.ended(id) })
	}
	for _, stream := range []string{"_REQUESTS", "_JOBS"} {
		w.until("an empty "+stream, func() bool {
			s, err := w.js.Stream(w.t.Context(), strings.ToUpper(w.cfg.NATS.Prefix)+stream)
			return err == nil && s.CachedInfo().State.Msgs == 0
		})
	}
}

// judge holds the events against what was purged.
func (w *world) judge() {
	w.t.Helper()
	purged := w.api.Purged()
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, r := range w.sent {
		if n := len(w.events[id]); n != 1 {
			w.t.Errorf("%s has %d events, want 1", id, n)
			continue
		}
		if r.Zone != evil.Zone {
			continue
		}
		done := 0
		for _, target := range r.Targets {
			sent, err := purge.Canonical(r.Type, target)
			if err != nil {
				w.t.Fatal(err)
			}
			if purged[sent] {
				done++
			}
		}
		if w.mode.Unknown["rows"] == "per-job" {
			done = len(r.Targets) // its one row is a success, and names one target
		}
		o := w.events[id][0]
		if o.Targets.Succeeded > done {
			w.t.Errorf("%s is %s with %d of %d targets purged, and %d were (%s)", id, o.Status, o.Targets.Succeeded, len(r.Targets), done, o.Jobs)
		}
		if w.mode.Exact && o.Targets.Succeeded < done {
			w.t.Errorf("%s is %s with %d of %d targets purged, and %d were: %+v", id, o.Status, o.Targets.Succeeded, len(r.Targets), done, o.Failures)
		}
	}
	for id := range w.events {
		if _, ok := w.sent[id]; !ok {
			w.t.Errorf("an event of request %q, which nobody sent", id)
		}
	}
}

func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			w.t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// logger keeps what a worker says for whoever runs the tests with -v.
func logger(t *testing.T) *zap.Logger {
	t.Helper()
	if !testing.Verbose() {
		return zap.NewNop()
	}
	return zaptest.NewLogger(t)
}
