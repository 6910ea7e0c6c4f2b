package client_test

import (
	"context"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/app"
	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

// work runs the worker against an emulator, whose zone owns every host, until the test ends.
func (w *world) work() {
	w.t.Helper()
	url := w.nats.URL
	if len(w.users) > 0 {
		url = "nats://" + w.users[0].Username + ":" + w.users[0].Password + "@" + w.nats.Address
	}
	stop, err := work(url)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := stop(); err != nil {
			w.t.Errorf("worker: %v", err)
		}
	})
}

func work(url string) (stop func() error, err error) {
	ec := emulator.Default()
	ec.TaskTime, ec.Latency, ec.Rate = 100*time.Millisecond, time.Millisecond, 0
	api, err := emulator.New(ec)
	if err != nil {
		return nil, err
	}
	cfg := config.Default()
	cfg.Instance = "test"
	cfg.NATS.URL = config.ServerURL(url)
	cfg.EdgeOne.Timeout = 2 * time.Second
	cfg.HTTP.Listen = ""
	cfg.Limits.CreatePerSecond, cfg.Limits.DescribePerSecond = 0, 0
	cfg.Tracker.PollMin, cfg.Tracker.PollMax = 100*time.Millisecond, 300*time.Millisecond
	cfg.Worker.Drain = 2 * time.Second
	srv := httptest.NewServer(api)
	cfg.EdgeOne.Endpoint = srv.URL
	a, err := app.New(cfg, common.NewCredential(emulator.DefaultSecretID, emulator.DefaultSecretKey), zap.NewNop())
	if err != nil {
		srv.Close()
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	var end error
	running.Go(func() { end = a.Run(ctx) })
	return func() error {
		cancel()
		running.Wait()
		srv.Close()
		return end
	}, nil
}
