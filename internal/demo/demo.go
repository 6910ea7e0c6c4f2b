// Package demo runs everything in one process: an embedded NATS server, the EdgeOne emulator and a
// worker. Nothing has to be installed, and no real account can be touched: it reads no configuration,
// no credentials and no variables.
//
// It publishes its list first and starts the worker then, so that one sees what batching makes of a
// backlog. It is a demonstration of the real parts, not another implementation of any.
package demo

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/client"
	"github.com/edgepurge/edgepurge/internal/app"
	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/internal/summary"
	"github.com/edgepurge/edgepurge/purge"
)

// urls is every sixth of 12,031 documentation URLs on developer.mozilla.org (CC0, see NOTICE.md).
//
//go:embed urls.txt
var urls string

// URLs is the list that the demo purges unless it is given another.
func URLs() []string { return strings.Fields(urls) }

// Where NATS and the status page listen with Serve, unless the Config says otherwise: where the nats CLI and the
// documents look for them.
const (
	ServeNATS = "127.0.0.1:4222"
	ServeHTTP = "127.0.0.1:7480"
)

// Config says what to run.
type Config struct {
	URLs     []string
	Emulator emulator.Config
	Serve    bool // stay up until the context ends
	// NATSListen and HTTPListen are host:port; port 0 is a free one. Empty, with Serve, they are ServeNATS and
	// ServeHTTP; without Serve NATS listens on a free port, and there is no status page.
	NATSListen, HTTPListen string
	Log                    *zap.Logger
	// Progress is called now and then with the requests that have ended, and with what the others wait for, which
	// is empty where they wait for nothing but their turn. It must not block.
	Progress func(ended, all int, waits string)
	// Failed is called for each of the first [summary.MaxFailures] requests that end otherwise than completed. It must
	// not block. nil: nobody asks.
	Failed func(summary.Failure)
	// Serving is called once the list is done, or waits for another day, with Serve.
	Serving func(Addresses, Summary)
}

// Addresses are where the parts of a demo are reached: URLs. Page is empty where there is no status page.
type Addresses struct{ NATS, API, Page string }

// Summary is what became of the list. Completed, Failed and Pending make up Requests.
type Summary struct {
	summary.Counts
	Targets       int64             `json:"targets"`
	Jobs          int64             `json:"jobs"`
	CreateCalls   int64             `json:"create_calls"`
	DescribeCalls int64             `json:"describe_calls"`
	Throttled     int64             `json:"throttled"`
	Seconds       float64           `json:"seconds"`
	Failures      []summary.Failure `json:"failures"`
	Waits         string            `json:"waits,omitempty"` // for what the pending ones wait
}

// source is who asks in the demo.
const source = "demo"

// ErrWaits is the end of a demo whose other requests wait for a day that is too far away.
var ErrWaits = errors.New("the quota of the day is exhausted")

// Run purges the list on the emulator. When the context ends first, the summary says how far it got, and the error is
// the context's cause. It is [ErrWaits] when all that has not ended waits for a new day of the quota, and that does not
// begin within maxWait; with Serve it waits all the same.
func Run(ctx context.Context, cfg Config) (Summary, error) {
	dir, err := os.MkdirTemp("", "edgepurge-demo-")
	if err != nil {
		return Summary{}, fmt.Errorf("make a place for the streams: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	nats, page, err := cfg.listeners(ctx)
	if err != nil {
		return Summary{}, err
	}
	server, err := startNATS(dir, nats)
	if err != nil {
		return Summary{}, err
	}
	defer server.stop()
	api, err := emulator.New(cfg.Emulator)
	if err != nil {
		return Summary{}, err
	}
	endpoint, stop, err := serve(ctx, api)
	if err != nil {
		return Summary{}, err
	}
	defer stop()
	at := Addresses{NATS: server.url(), API: endpoint}
	if page != "" {
		at.Page = "http://" + page
	}
	return run(ctx, cfg, at, page, api)
}

// serve listens for API calls on loopback.
func serve(ctx context.Context, h http.Handler) (string, func(), error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("listen for the emulator: %w", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	var done sync.WaitGroup
	done.Go(func() { _ = server.Serve(l) })
	return "http://" + l.Addr().String(), func() { _ = server.Close(); done.Wait() }, nil
}

func run(ctx context.Context, cfg Config, at Addresses, page string, api *emulator.Emulator) (Summary, error) {
	conf := settings(at, page)
	b, err := broker.Connect(app.Dial(conf), app.Settings(conf), zap.NewNop())
	if err != nil {
		return Summary{}, err
	}
	defer b.Conn.Close()
	if err := b.Streams.Provision(ctx, false); err != nil {
		return Summary{}, err
	}
	c, err := b.Conn.Client(client.Config{Source: source, Lane: purge.Bulk, Unchecked: true})
	if err != nil {
		return Summary{}, err
	}
	defer func() { _ = c.Close(ctx) }() // nothing is under way any more
	if err := publish(ctx, c, cfg.URLs); err != nil {
		return Summary{}, err
	}
	id, key := cfg.Emulator.SecretID, cfg.Emulator.SecretKey
	if id == "" {
		id, key = emulator.DefaultSecretID, emulator.DefaultSecretKey
	}
	worker, err := app.New(conf, common.NewCredential(id, key), cfg.Log)
	if err != nil {
		return Summary{}, err
	}
	live, end := context.WithCancel(ctx)
	defer end()
	var done sync.WaitGroup
	var failed error
	start := time.Now()
	done.Go(func() { failed = worker.Run(live) })
	l := &list{cfg: cfg, api: api, state: worker.State, tally: summary.New(len(cfg.URLs))}
	err = l.follow(live, c)
	sum := l.summary()
	sum.Seconds = float64(time.Since(start).Milliseconds()) / 1000
	stats := api.Stats()
	sum.Targets, sum.Jobs = stats.DistinctTargets, stats.Jobs
	sum.CreateCalls, sum.DescribeCalls, sum.Throttled = stats.CreateCalls, stats.DescribeCalls, stats.Throttled
	if cfg.Serve && (err == nil || errors.Is(err, ErrWaits)) {
		cfg.Serving(at, sum)
		<-ctx.Done()
	}
	end()
	done.Wait()
	return sum, errors.Join(err, failed)
}

// settings are the defaults with everything on loopback.
func settings(at Addresses, page string) config.Config {
	conf := config.Default()
	conf.Instance = "demo"
	conf.NATS.URL = config.ServerURL(at.NATS)
	conf.EdgeOne.Endpoint = at.API
	conf.Worker.Drain = time.Second
	conf.HTTP.Listen = page
	return conf
}

// publish asks for every URL, whether it is valid or not.
func publish(ctx context.Context, c *client.Client, list []string) error {
	requests := func(yield func(purge.Request) bool) {
		for i, u := range list {
			if !yield(purge.Request{ID: idBegin + strconv.Itoa(i), Targets: []string{u}}) {
				return
			}
		}
	}
	for _, err := range c.PurgeMany(ctx, requests) {
		if err != nil {
			return err
		}
	}
	return nil
}

// idBegin is what the place of a URL in the list follows, in the id of its request.
const idBegin = "demo-"

// urlOf is the URL of a request. While the demo stays up, others may ask under its source.
func urlOf(list []string, id string) string {
	i, err := strconv.Atoi(strings.TrimPrefix(id, idBegin))
	if err != nil || i < 0 || i >= len(list) {
		return ""
	}
	return list[i]
}
