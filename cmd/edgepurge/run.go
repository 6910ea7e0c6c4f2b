package main

import (
	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/app"
)

func newRun() *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Run the worker",
		Long: `Run the worker. One replica works, the others stand by and take over when it
ends. It keeps trying when NATS or EdgeOne is away; only a configuration that
can't work ends it at start. SIGTERM drains: what is in flight is finished
within worker.drain, the rest is handed over. A second signal ends at once.`,
		Example: `  NATS_URL=nats://127.0.0.1:4222 TENCENTCLOUD_SECRET_ID=… TENCENTCLOUD_SECRET_KEY=… edgepurge run
  edgepurge run --config edgepurge.yaml`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load(cmd)
			if err != nil {
				return err
			}
			log, err := logger(cfg.Log.Level, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			credentials, err := app.Credentials(cfg.EdgeOne)
			if err != nil {
				return exit{exitUsage, err}
			}
			limitMemory(cfg.Worker)
			a, err := app.New(cfg, credentials, log)
			if err != nil {
				return exit{exitUsage, withoutAddress(err)}
			}
			log.Info("edgepurge", zap.String("version", app.Version()), zap.String("instance", cfg.Instance),
				zap.String("prefix", cfg.NATS.Prefix), zap.String("endpoint", cfg.EdgeOne.Endpoint))
			err = a.Run(cmd.Context())
			log.Info("stopped", zap.Error(err))
			return err
		},
	}
}
