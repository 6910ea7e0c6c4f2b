package e2e_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/edgepurge/edgepurge/internal/app"
	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/internal/natstest"
	"github.com/edgepurge/edgepurge/purge"
)

// patience bounds every wait: long enough for two loaded cores under the race detector.
const patience = 2 * time.Minute

// world is one installation: a NATS server, the emulator, and the workers that a test starts.
type world struct {
	t    *testing.T
	nats *natstest.Server
	api  *emulator.Emulator
	url  string // of the emulator
	nc   *nats.Conn
	js   jetstream.JetStream
	cfg  config.Config
}

func newWorld(t *testing.T, change func(*emulator.Config)) *world {
	t.Helper()
	return newWorldOf(t, nil, change)
}

// newWorldOf is newWorld with other options of the server.
func newWorldOf(t *testing.T, opts func(*server.Options), change func(*emulator.Config)) *world {
	t.Helper()
	w := newWorldApart(t, opts, change)
	w.connect()
	return w
}

// newWorldApart is newWorldOf without a connection of the test, which the server may refuse.
func newWorldApart(t *testing.T, opts func(*server.Options), change func(*emulator.Config)) *world {
	t.Helper()
	w := &world{t: t, nats: natstest.Start(t, opts)}

	ec := emulator.Default()
	ec.TaskTime = 200 * time.Millisecond
	ec.Latency = 5 * time.Millisecond
	ec.Rate = 0 // the pace has tests of its own
	if change != nil {
		change(&ec)
	}
	var err error
	if w.api, err = emulator.New(ec); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(w.api)
	t.Cleanup(srv.Close)
	w.url = srv.URL

	w.cfg = config.Default()
	w.cfg.Instance = "test"
	w.cfg.NATS.URL = config.ServerURL("nats://" + w.nats.Address)
	w.cfg.NATS.Token = config.Secret(w.nats.Token)
	w.cfg.EdgeOne.Endpoint = w.url
	w.cfg.EdgeOne.Timeout = 2 * time.Second
	w.cfg.HTTP.Listen = ""
	w.cfg.Limits.CreatePerSecond, w.cfg.Limits.DescribePerSecond = 0, 0
	w.cfg.Tracker.PollMin = 250 * time.Millisecond
	w.cfg.Tracker.PollMax = 500 * time.Millisecond
	w.cfg.Worker.Drain = 5 * time.Second

	return w
}

// connect opens the test's own connection, to the server that the configuration names.
func (w *world) connect() {
	w.t.Helper()
	nc, err := nats.Connect(string(w.cfg.NATS.URL), nats.Token(string(w.cfg.NATS.Token)),
		nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond),
		nats.IgnoreAuthErrorAbort()) // while the server is stopped, another test's may have its port
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(nc.Close)
	w.nc = nc
	if w.js, err = jetstream.New(nc, jetstream.WithDefaultTimeout(patience)); err != nil {
		w.t.Fatal(err)
	}
}

// provision makes the streams, so that a test can publish before a worker runs.
func (w *world) provision() {
	w.t.Helper()
	if err := w.broker().Streams.Provision(w.t.Context(), false); err != nil {
		w.t.Fatal(err)
	}
}

// start runs a worker; the function stops it and waits for its end.
func (w *world) start() (stop func()) {
	w.t.Helper()
	log := zap.NewNop()
	if testing.Verbose() {
		log = zaptest.NewLogger(w.t)
	}
	return w.startLogging(log)
}

func (w *world) startLogging(log *zap.Logger) (stop func()) {
	w.t.Helper()
	a, err := app.New(w.cfg, common.NewCredential(emulator.DefaultSecretID, emulator.DefaultSecretKey), log)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.run(a)
}

// run runs a worker until stop, which waits for its end.
func (w *world) run(a *app.App) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := a.Run(ctx); err != nil {
			w.t.Errorf("worker ended: %v", err)
		}
	}()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			w.until("the end of a worker that was stopped", func() bool { return closed(ended) })
		})
	}
	w.t.Cleanup(stop)
	return stop
}

// publish sends one message to a lane and returns when the broker has it.
func (w *world) publish(lane purge.Lane, source string, data []byte) {
	w.t.Helper()
	subject := purge.Subjects{Prefix: "purge"}.Request(lane, source)
	if _, err := w.js.Publish(w.t.Context(), subject, data); err != nil {
		w.t.Fatalf("publish to %s: %v", subject, err)
	}
}

func (w *world) request(lane purge.Lane, r purge.Request) {
	w.t.Helper()
	data, err := r.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	w.publish(lane, "test", data)
}

// requests sends many, faster than one after the other.
func (w *world) requests(lane purge.Lane, all []purge.Request) {
	w.t.Helper()
	subject := purge.Subjects{Prefix: "purge"}.Request(lane, "test")
	acks := make([]jetstream.PubAckFuture, len(all))
	for i, r := range all {
		data, err := r.Encode()
		if err == nil {
			acks[i], err = w.js.PublishAsync(subject, data, jetstream.WithStallWait(patience))
		}
		if err != nil {
			w.t.Fatalf("publish to %s: %v", subject, err)
		}
	}
	late := time.After(patience)
	for _, ack := range acks {
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			w.t.Fatalf("publish to %s: %v", subject, err)
		case <-late:
			w.t.Fatalf("publish to %s: waited in vain for an answer", subject)
		}
	}
}

// events reads every stored terminal event, by request id.
func (w *world) events() map[string]purge.Outcome {
	w.t.Helper()
	found := make(map[string]purge.Outcome)
	w.each("PURGE_EVENTS", func(m jetstream.Msg) {
		e, err := purge.DecodeEvent(m.Data())
		if err != nil {
			w.t.Errorf("event on %s: %v", m.Subject(), err)
			return
		}
		if _, twice := found[e.Data.Request]; twice {
			w.t.Errorf("I1: request %s has more than one terminal event", e.Data.Request)
		}
		found[e.Data.Request] = e.Data
	})
	return found
}

// each reads every message of a stream, but for those that are removed meanwhile.
func (w *world) each(stream string, do func(jetstream.Msg)) {
	w.t.Helper()
	cons, err := w.js.OrderedConsumer(w.t.Context(), stream, jetstream.OrderedConsumerConfig{})
	if err != nil {
		w.t.Fatal(err)
	}
	short := false // fewer came than were asked for: some may be under way, and are read again
	w.until("the messages of "+stream, func() bool {
		info, err := cons.Info(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		if info.NumPending == 0 && !short {
			return true
		}
		ask, got := int(max(1, min(info.NumPending, 500))), 0
		lot, err := cons.Fetch(ask, jetstream.FetchMaxWait(5*time.Second))
		if err != nil {
			w.t.Fatal(err)
		}
		for m := range lot.Messages() {
			do(m)
			got++
		}
		short = got < ask
		return got == 0 && info.NumPending == 0
	})
}

// await waits until n requests have ended, and checks what must hold then.
func (w *world) await(n int) map[string]purge.Outcome {
	w.t.Helper()
	w.until("the events", func() bool { return w.count("PURGE_EVENTS") >= n })
	w.settled()
	events := w.events()
	if len(events) != n {
		w.t.Errorf("%d requests have an event, want %d", len(events), n)
	}
	return events
}

// awaitDays is await where the requests need more than one day of the quota: a day ends every two seconds.
func (w *world) awaitDays(n int) map[string]purge.Outcome {
	w.t.Helper()
	turned := time.Now()
	w.until("the events of some days", func() bool {
		if time.Since(turned) > 2*time.Second {
			w.api.NextDay()
			turned = time.Now()
		}
		return w.count("PURGE_EVENTS") >= n
	})
	return w.await(n)
}

// settled waits until nothing is left of the requests but their events: no message un-acked, no job
// stored (I2).
func (w *world) settled() {
	w.t.Helper()
	w.until("an empty PURGE_REQUESTS", func() bool { return w.count("PURGE_REQUESTS") == 0 })
	w.until("an empty PURGE_JOBS", func() bool { return w.count("PURGE_JOBS") == 0 })
}

func (w *world) count(stream string) int {
	s, err := w.js.Stream(w.t.Context(), stream)
	if err != nil {
		return -1
	}
	return int(s.CachedInfo().State.Msgs)
}

// until polls for something to become true.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			w.t.Fatalf("waited in vain for %s", what)
		}
		<-tick.C
	}
}

func get(t *testing.T, url string) (status int, err error) {
	t.Helper()
	status, _, err = fetch(t, url)
	return status, err
}

func read(t *testing.T, url string) (status int, body string) {
	t.Helper()
	status, body, err := fetch(t, url)
	if err != nil {
		t.Fatal(err)
	}
	return status, body
}

func fetch(t *testing.T, url string) (status int, body string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	return res.StatusCode, string(data), err
}
