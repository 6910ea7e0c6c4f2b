package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

func newEmulator() *cobra.Command {
	var listen string
	var zones []string
	flags := emulatorFlags{cfg: emulator.Default()}
	cmd := &cobra.Command{
		Use:   "emulator",
		Short: "Run a stand-in for the EdgeOne API",
		Long: `Run a strict stand-in for EdgeOne's purge API, for tests and trials. It takes the
worker's key pair, as from TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY
(none: AKIDEMULATOR and emulator-secret). GET /stats returns
what it has seen, GET /purged?url=URL the tasks that have purged a URL.`,
		Example: `  edgepurge emulator --listen 127.0.0.1:7481 --rate 20 --batch-quota 500
  edgepurge emulator --fault lost-answer=0.02 --unknown rows=per-job`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := flags.config()
			if err != nil {
				return err
			}
			if cfg.Zones, err = emulator.ParseZones(zones); err != nil {
				return exit{exitUsage, err}
			}
			if err := keys(&cfg); err != nil {
				return err
			}
			return serveEmulator(cmd, cfg, listen)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:7481", "address to listen on")
	cmd.Flags().StringArrayVar(&zones, "zone", nil, "a zone and its hosts: ID=HOST,HOST… (repeatable)")
	flags.add(cmd.Flags())
	return cmd
}

// emulatorFlags are those that demo and emulator share.
type emulatorFlags struct {
	cfg     emulator.Config
	faults  []string
	unknown []string
}

func (f *emulatorFlags) add(set *pflag.FlagSet) {
	c := &f.cfg
	set.IntVar(&c.Rate, "rate", c.Rate, "calls a second for each action; 0: no limit")
	set.StringVar(&c.Window, "window", c.Window, "how calls are counted: fixed or sliding seconds")
	set.DurationVar(&c.Latency, "latency", c.Latency, "time that a call takes")
	set.IntVar(&c.BatchQuota, "batch-quota", c.BatchQuota, "targets in one call; 0: only the API's ceilings")
	set.IntVar(&c.DailyQuota, "daily-quota", c.DailyQuota, "targets a day; 0: no limit")
	set.DurationVar(&c.Day, "day", c.Day, "length of the quota's day")
	set.DurationVar(&c.TaskTime, "task-time", c.TaskTime, "time until a task is final")
	set.StringArrayVar(&f.faults, "fault", nil, "KIND=SHARE, as lost-answer=0.02 (repeatable)")
	set.StringArrayVar(&f.unknown, "unknown", nil, "NAME=VALUE, as rows=per-job (repeatable)")
}

func (f *emulatorFlags) config() (emulator.Config, error) {
	cfg := f.cfg
	var err1, err2 error
	cfg.Faults, err1 = emulator.ParseFaults(f.faults)
	cfg.Unknown, err2 = emulator.ParseUnknown(f.unknown)
	if err := errors.Join(err1, err2, cfg.Validate()); err != nil {
		return cfg, exit{exitUsage, err}
	}
	return cfg, nil
}

// keys takes the worker's key pair, so that one environment serves both.
func keys(cfg *emulator.Config) error {
	env, _, err := config.Load("", credentialVariables())
	if err != nil {
		return exit{exitUsage, err}
	}
	cfg.SecretID, cfg.SecretKey, cfg.Token = env.EdgeOne.SecretID, string(env.EdgeOne.SecretKey), string(env.EdgeOne.Token)
	return nil
}

// credentialVariables are the only variables that the emulator reads.
func credentialVariables() []string {
	var vars []string
	for _, name := range []string{
		"TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY", "TENCENTCLOUD_TOKEN",
		"EDGEPURGE_EDGEONE_SECRET_ID", "EDGEPURGE_EDGEONE_SECRET_KEY", "EDGEPURGE_EDGEONE_TOKEN",
	} {
		for _, name := range []string{name, name + "_FILE"} {
			if v := os.Getenv(name); v != "" {
				vars = append(vars, name+"="+v)
			}
		}
	}
	return vars
}

func serveEmulator(cmd *cobra.Command, cfg emulator.Config, listen string) error {
	if err := checkListen("--listen", listen); err != nil {
		return err
	}
	api, err := emulator.New(cfg)
	if err != nil {
		return exit{exitUsage, err}
	}
	ctx := cmd.Context()
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("%w; choose another address with --listen", err)
	}
	server := &http.Server{Handler: api, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "EdgeOne emulator on http://%s (EDGEPURGE_EDGEONE_ENDPOINT), stats at /stats\n", l.Addr())
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
