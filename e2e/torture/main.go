package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1) //nolint:forbidigo // main ends the process
	}
}

// options are the command line.
type options struct {
	seed     uint64
	length   time.Duration
	nodes    int
	patience time.Duration
	dir      string
	keep     bool
	plan     bool
	check    string
	bin      binaries
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("torture", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Uint64Var(&o.seed, "seed", 1, "what load and schedule follow from")
	f.DurationVar(&o.length, "duration", time.Minute, "how long there are load and faults")
	f.IntVar(&o.nodes, "nodes", 0, "NATS servers, 1 or 3; 0: the seed decides")
	f.DurationVar(&o.patience, "patience", 4*time.Minute, "how long to wait afterwards for everything to come to rest")
	f.StringVar(&o.dir, "dir", "", "directory for logs and streams, to be made and kept (default a temporary one)")
	f.BoolVar(&o.keep, "keep", false, "keep the directory also when all is well")
	f.BoolVar(&o.plan, "plan", false, "print the schedule and do nothing")
	f.StringVar(&o.check, "check", "", "check the directory of an earlier run again")
	f.StringVar(&o.bin.edgepurge, "edgepurge", "", "binary under test (default: built)")
	f.StringVar(&o.bin.nats, "nats", "", "NATS server (default: built)")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 || o.nodes != 0 && o.nodes != 1 && o.nodes != 3 || o.length < 5*time.Second {
		return o, errors.New("want no arguments, -nodes 1 or 3, -duration of 5s or more")
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if o.check != "" {
		return judge(o.check, stdout, stderr)
	}
	set := settle(o.seed, o.length, o.nodes)
	if o.plan {
		printPlan(stdout, set)
		return nil
	}
	dir := o.dir
	if dir == "" {
		dir, err = os.MkdirTemp("", "torture-")
	} else {
		dir, err = filepath.Abs(dir)
		err = errors.Join(err, os.Mkdir(dir, 0o700))
	}
	if err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	printPlan(stderr, set)
	err = torture(ctx, o, set, dir, stderr)
	if err == nil {
		err = judge(dir, stdout, stderr)
	}
	if err != nil || o.keep || o.dir != "" {
		_, _ = fmt.Fprintln(stderr, "logs, streams and notes are in", dir)
		return err
	}
	return os.RemoveAll(dir)
}

func printPlan(out io.Writer, set setting) {
	_, _ = fmt.Fprintf(out, "seed %d: %d NATS servers, %v, quota %d a day of %v, %v of the tasks fail, %s window\n",
		set.Seed, set.Nodes, set.Length, set.DailyQuota, set.Day, set.TaskFailed, set.Window)
	for _, f := range schedule(set) {
		_, _ = fmt.Fprintf(out, "%8v %-13s for %-8v pick %d share %v\n", f.At, f.Kind, f.For, f.Pick, f.Share)
	}
}

// judge checks a directory and says what was found; an error where something is wrong.
func judge(dir string, stdout, stderr io.Writer) error {
	r, err := readRun(dir)
	if err != nil {
		return err
	}
	v := check(r)
	v.print(stderr)
	_, _ = fmt.Fprintln(stdout, v.line())
	if len(v.wrong) > 0 {
		return fmt.Errorf("%d things are wrong", len(v.wrong))
	}
	return nil
}
