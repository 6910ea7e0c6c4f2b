package main

import (
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/account"
	"github.com/edgepurge/edgepurge/internal/app"
	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/credentials"
)

func newRun() *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Run the worker",
		Long: `Run the worker. One replica works, the others stand by and take over when it
ends. It keeps trying when NATS or EdgeOne is away; only a configuration that
can't work ends it at start. SIGTERM drains: what is in flight is finished
within worker.drain, the rest is handed over. A second signal ends at once.
SIGHUP loads the configuration again: limits, batches, zones, credentials and
log level change at once, the log tells what waits for a restart.`,
		Example: `  NATS_URL=nats://127.0.0.1:4222 TENCENTCLOUD_SECRET_ID=… TENCENTCLOUD_SECRET_KEY=… edgepurge run
  edgepurge run --config edgepurge.yaml`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			hup := make(chan os.Signal, 1) // capacity 1: several that come together are one
			signal.Notify(hup, syscall.SIGHUP)
			defer signal.Stop(hup)
			cfg, err := load(cmd)
			if err != nil {
				return err
			}
			log, level, err := logger(cfg.Log.Level, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			keys, err := credentials.Find(account.Keys(cfg.EdgeOne))
			if err != nil {
				return exit{exitUsage, err}
			}
			limitMemory(cfg.Worker)
			a, err := app.New(cfg, keys, log)
			if err != nil {
				return exit{exitUsage, withoutAddress(err)}
			}
			log.Info("edgepurge", zap.String("version", app.Version()), zap.String("instance", cfg.Instance),
				zap.String("prefix", cfg.NATS.Prefix), zap.String("endpoint", cfg.EdgeOne.Endpoint))
			a.Level(level)
			return serve(cmd, a, hup, log)
		},
	}
}

// serve runs the worker, and reloads the configuration whenever hup tells.
func serve(cmd *cobra.Command, a *app.App, hup <-chan os.Signal, log *zap.Logger) error {
	done := make(chan struct{})
	var reloads sync.WaitGroup
	reloads.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-hup:
				_ = a.Reload(func() (config.Config, []string, error) { return loadConfig(cmd) }) // it is logged
			}
		}
	})
	err := a.Run(cmd.Context())
	close(done)
	reloads.Wait()
	log.Info("stopped", zap.Error(err))
	return err
}
