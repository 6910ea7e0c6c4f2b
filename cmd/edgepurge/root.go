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

	"github.com/edgepurge/edgepurge/internal/app"
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
	var unknown error // a command that help was asked for
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		if words := cmd.Flags().Args(); cmd.HasSubCommands() && len(words) > 0 {
			unknown = unknownCommand(cmd, words[0])
			return
		}
		help(cmd, args)
	})
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = unknown
	}
	if err == nil {
		return exitOK
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = exit{exitInterrupted, errors.New("interrupted")}
	}
	if text := words(err); text != "" {
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
		RunE:          group,
		Args:          cobra.ArbitraryArgs,
	}
	root.Version = app.Version()
	root.SetVersionTemplate("edgepurge {{.Version}}\n")
	root.Flags().Bool("version", false, "print the version, as the command does")
	root.SetHelpCommand(newHelp())
	root.PersistentFlags().String("config", "", "configuration file (EDGEPURGE_CONFIG)")
	root.PersistentFlags().Duration(connectTimeout, connectWait, "how long a command looks for the NATS server, and waits for each answer, 5s at most; run never gives up")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(newDemo(), newRun(), newSubmit(), newStatus(), newEvents(), newQuota(), newDead(), newPause(), newResume(),
		newEmulator(), newSetup(), newConfig(), newHealth(), newVersion(), newCompletion())
	return root
}

// group prints the help of a command that only has others below it, and refuses any that it has not.
func group(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return unknownCommand(cmd, args[0])
	}
	return cmd.Help()
}

// unknownCommand names the command that was most likely meant, else those that there are.
func unknownCommand(parent *cobra.Command, name string) error {
	var names []string
	for _, c := range parent.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	see := "see " + parent.CommandPath() + " --help"
	if parent.HasParent() {
		see = "use " + parent.Name() + " " + strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
	}
	if near := nearest(name, names); near != "" {
		return usage("unknown command %q; did you mean %q? %s", name, near, strings.ToUpper(see[:1])+see[1:])
	}
	return usage("unknown command %q; %s", name, see)
}

func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Print what a command does, as its --help",
		Example: "  edgepurge help submit",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return unknownCommand(about, rest[0])
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
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
