package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/app"
	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/config"
)

// connectWait is how long a command that a person waits for looks for the server.
const connectWait = 5 * time.Second

func newSetup() *cobra.Command {
	var dry bool
	cmd := &cobra.Command{
		Use:     "setup",
		Short:   "Create or update the streams",
		Example: "  edgepurge setup --dry-run",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load(cmd)
			if err != nil {
				return err
			}
			b, err := connect(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			defer b.Close()
			changes, err := b.Diff(cmd.Context())
			if err != nil {
				return err
			}
			for _, c := range changes {
				_, _ = fmt.Fprintln(cmd.OutOrStdout(), c)
			}
			if !dry {
				if err := b.Provision(cmd.Context(), true); err != nil {
					return err
				}
			}
			return report(cmd, len(changes), dry)
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only show what differs")
	return cmd
}

func report(cmd *cobra.Command, changes int, dry bool) error {
	text := "everything is as it should be"
	switch {
	case changes > 0 && dry:
		text = count(changes, "difference") + ", nothing was changed"
	case changes > 0:
		text = count(changes, "difference") + " mended"
	}
	_, err := fmt.Fprintln(cmd.ErrOrStderr(), text)
	return err
}

// connect opens a connection for a command, and gives up soon when there is no server.
func connect(ctx context.Context, cfg config.Config) (*broker.Broker, error) {
	b, err := broker.Connect(app.Dial(cfg), app.Settings(cfg), zap.NewNop())
	if err != nil {
		return nil, exit{exitUsage, err}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, connectWait, fmt.Errorf("no answer within %s", connectWait))
	defer cancel()
	var why error
	if err := b.Ready(ctx, func(reason error) { why = reason }); err != nil {
		b.Close()
		return nil, fmt.Errorf("%s: %w", cfg.NATS.URL, why)
	}
	return b, nil
}
