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
	"strings"
	"sync"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/app"
	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// urls is every sixth of 12,031 documentation URLs on developer.mozilla.org (CC0, see NOTICE.md).
//
//go:embed urls.txt
var urls string

// URLs is the list that the demo purges unless it is given another.
func URLs() []string { return strings.Fields(urls) }

// servePort is where NATS listens with Serve: the port that the nats CLI expects.
const servePort = 4222

// Config says what to run.
type Config struct {
	URLs     []string
	Emulator emulator.Config
	Serve    bool // stay up until the context ends
	Log      *zap.Logger
	// Progress is called now and then with the requests that have ended. It must not block.
	Progress func(ended, all int)
	// Serving is called once the list is done, with Serve.
	Serving func(natsURL, endpoint string, s Summary)
}

// Summary is what became of the list.
type Summary struct {
	Requests      int     `json:"requests"`
	Completed     int     `json:"completed"`
	Failed        int     `json:"failed"`
	Targets       int64   `json:"targets"`
	Jobs          int64   `json:"jobs"`
	CreateCalls   int64   `json:"create_calls"`
	DescribeCalls int64   `json:"describe_calls"`
	Throttled     int64   `json:"throttled"`
	Seconds       float64 `json:"seconds"`
}

// source is who asks in the demo.
const source = "demo"

// Run purges the list on the emulator. When the context ends first, the summary tells how far it got,
// and the error is the context's cause.
func Run(ctx context.Context, cfg Config) (Summary, error) {
	dir, err := os.MkdirTemp("", "edgepurge-demo-")
	if err != nil {
		return Summary{}, fmt.Errorf("make a place for the streams: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	port := -1
	if cfg.Serve {
		port = servePort
	}
	nats, err := startNATS(dir, port)
	if err != nil {
		return Summary{}, err
	}
	defer nats.stop()
	api, err := emulator.New(cfg.Emulator)
	if err != nil {
		return Summary{}, err
	}
	endpoint, stop, err := serve(ctx, api)
	if err != nil {
		return Summary{}, err
	}
	defer stop()
	return run(ctx, cfg, nats.url(), endpoint, api)
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

func run(ctx context.Context, cfg Config, natsURL, endpoint string, api *emulator.Emulator) (Summary, error) {
	conf := settings(natsURL, endpoint, cfg.Serve)
	b, err := broker.Connect(app.Dial(conf), app.Settings(conf), zap.NewNop())
	if err != nil {
		return Summary{}, err
	}
	defer b.Close()
	if err := b.Provision(ctx, false); err != nil {
		return Summary{}, err
	}
	if err := publish(ctx, b, cfg.URLs); err != nil {
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
	sum, err := follow(live, b, len(cfg.URLs), cfg.Progress)
	sum.Seconds = float64(time.Since(start).Milliseconds()) / 1000
	stats := api.Stats()
	sum.Targets, sum.Jobs = stats.DistinctTargets, stats.Jobs
	sum.CreateCalls, sum.DescribeCalls, sum.Throttled = stats.CreateCalls, stats.DescribeCalls, stats.Throttled
	if err == nil && cfg.Serve {
		cfg.Serving(natsURL, endpoint, sum)
		<-ctx.Done()
	}
	end()
	done.Wait()
	return sum, errors.Join(err, failed)
}

// settings are the defaults with everything on loopback.
func settings(natsURL, endpoint string, serve bool) config.Config {
	conf := config.Default()
	conf.Instance = "demo"
	conf.NATS.URL = config.ServerURL(natsURL)
	conf.EdgeOne.Endpoint = endpoint
	conf.Worker.Drain = time.Second
	if !serve {
		conf.HTTP.Listen = ""
	}
	return conf
}

func publish(ctx context.Context, b *broker.Broker, list []string) error {
	requests := make([]broker.Outgoing, len(list))
	for i, u := range list {
		requests[i] = broker.Outgoing{Lane: purge.Bulk, Source: source, Request: purge.Request{Targets: []string{u}}}
	}
	for _, err := range b.PutRequests(ctx, requests) {
		if err != nil {
			return err
		}
	}
	return nil
}

// follow counts the terminal events until every request has its own.
func follow(ctx context.Context, b *broker.Broker, all int, progress func(int, int)) (Summary, error) {
	sum := Summary{Requests: all}
	if all == 0 {
		return sum, nil
	}
	err := b.Events(ctx, source, broker.ReadAll, nil, func(e broker.Event) bool {
		if e.Status == purge.Completed {
			sum.Completed++
		} else {
			sum.Failed++
		}
		if progress != nil {
			progress(sum.Completed+sum.Failed, all)
		}
		return sum.Completed+sum.Failed < all
	})
	return sum, err
}
