package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/edgepurge/edgepurge/internal/config"
)

// The exit codes that scripts rely on.
const (
	exitOK          = 0
	exitNone        = 1 // nothing completed, or it could not run
	exitUsage       = 2 // usage or configuration
	exitSome        = 3 // some requests completed
	exitTimeout     = 4
	exitInterrupted = 130
)

// exit is an error with an exit code of its own; without a cause nothing is printed.
type exit struct {
	code  int
	cause error
}

func (e exit) Error() string {
	if e.cause == nil {
		return ""
	}
	return e.cause.Error()
}

func (e exit) Unwrap() error { return e.cause }

func usage(format string, args ...any) error {
	return exit{exitUsage, fmt.Errorf(format, args...)}
}

// execute runs one command line and gives its exit code.
func execute(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = exit{exitInterrupted, errors.New("interrupted")}
	}
	if text := err.Error(); text != "" {
		_, _ = fmt.Fprintln(errs, "edgepurge: "+strings.TrimSpace(text))
	}
	if e, ok := errors.AsType[exit](err); ok {
		return e.code
	}
	if ctx.Err() != nil {
		return exitInterrupted
	}
	return exitNone
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "edgepurge",
		Short:         "Cache purges from NATS JetStream, done on Tencent EdgeOne",
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("unknown command %q; see edgepurge --help", args[0])
			}
			return cmd.Help()
		},
		Args: cobra.ArbitraryArgs,
	}
	root.PersistentFlags().String("config", "", "configuration file (EDGEPURGE_CONFIG)")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("%w; see %s --help", err, cmd.CommandPath())
	})
	root.AddCommand(newDemo(), newRun(), newSubmit(), newStatus(), newEvents(), newQuota(), newDead(), newPause(), newResume(),
		newEmulator(), newSetup(), newConfig(), newHealth(), newVersion(), newCompletion())
	return root
}

// noArgs refuses arguments as a usage error.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("%s takes no arguments, got %q; see %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())
	}
	return nil
}

// load reads the configuration that the flags, file and environment make. Warnings go to stderr.
func load(cmd *cobra.Command) (config.Config, error) {
	cfg, warnings, err := loadConfig(cmd)
	for _, w := range warnings {
		_, _ = fmt.Fprintln(cmd.ErrOrStderr(), "warning: "+w)
	}
	if err != nil {
		return config.Config{}, unusable(err.Error())
	}
	return cfg, nil
}

// unusable is the refusal of a configuration, with a line for each fault.
func unusable(faults string) error {
	return exit{exitUsage, errors.New("configuration can't be used:\n" + faults)}
}

func loadConfig(cmd *cobra.Command) (config.Config, []string, error) {
	path, err := cmd.Flags().GetString("config")
	if err != nil {
		return config.Config{}, nil, err
	}
	return config.Load(path, os.Environ())
}

// logger writes JSON lines to w, from a level on that may change.
func logger(name string, w io.Writer) (*zap.Logger, zap.AtomicLevel, error) {
	level, err := zap.ParseAtomicLevel(name)
	if err != nil {
		return nil, level, usage("log level: %w", err)
	}
	enc := zap.NewProductionEncoderConfig()
	enc.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	enc.EncodeDuration = zapcore.StringDurationEncoder
	core := zapcore.NewCore(zapcore.NewJSONEncoder(enc), zapcore.Lock(zapcore.AddSync(w)), level)
	return zap.New(core), level, nil
}
