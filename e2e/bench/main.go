package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:forbidigo // main ends the process
	}
}

// options are the command line.
type options struct {
	only     []string
	workers  []int
	runs     int
	short    bool
	json     bool
	ids      bool
	keep     bool
	patience time.Duration
	bin      binaries
}

// binaries are the programs that are measured.
type binaries struct{ edgepurge, nats string }

func parse(args []string, stderr io.Writer) (options, error) {
	o := options{workers: []int{1, 3}}
	for _, s := range scenarios() {
		o.only = append(o.only, s.name)
	}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Func("only", "`scenarios`, comma-separated (default "+strings.Join(o.only, ",")+")", func(text string) error {
		o.only = strings.Split(text, ",")
		return known(o.only)
	})
	f.Func("workers", "`numbers` of workers, comma-separated; one works, the others stand by (default 1,3)", func(text string) (err error) {
		o.workers, err = numbers(text)
		return err
	})
	f.IntVar(&o.runs, "runs", 3, "how often each scenario is run; the table has medians")
	f.BoolVar(&o.short, "short", false, "small and quick: to see that the scenarios work, not for figures")
	f.BoolVar(&o.json, "json", false, "print JSON, with the values of all runs, instead of a table")
	f.BoolVar(&o.ids, "ids", true, "requests have an id in their body, which is looked up; false: edgepurge makes them")
	f.BoolVar(&o.keep, "keep", false, "keep the directory with logs and streams also when all is well")
	f.DurationVar(&o.patience, "patience", 15*time.Minute, "longest time for one run of one scenario")
	f.StringVar(&o.bin.edgepurge, "edgepurge", "", "binary to measure (default: built)")
	f.StringVar(&o.bin.nats, "nats", "", "NATS server (default: built)")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 || o.runs < 1 || o.patience <= 0 {
		return o, errors.New("want no arguments, -runs of 1 or more, -patience above 0")
	}
	return o, nil
}

func known(names []string) error {
	for _, name := range names {
		if !slices.ContainsFunc(scenarios(), func(s scenario) bool { return s.name == name }) {
			return fmt.Errorf("there is no scenario %q", name)
		}
	}
	return nil
}

func numbers(text string) ([]int, error) {
	var list []int
	for field := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < 1 || n > 9 {
			return nil, errors.New("want numbers from 1 to 9")
		}
		list = append(list, n)
	}
	return list, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 && args[0] == floorCommand {
		return floor(ctx, args[1:], stdout)
	}
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	t, err := measure(ctx, o, dir, stderr)
	if t != nil {
		write := t.markdown
		if o.json {
			write = t.json
		}
		err = errors.Join(err, write(stdout))
	}
	if err != nil || o.keep {
		_, _ = fmt.Fprintln(stderr, "logs and streams are in", dir)
		return err
	}
	return os.RemoveAll(dir)
}
