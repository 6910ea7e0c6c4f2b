package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/edgepurge/edgepurge/e2e/kit"
)

// scenario is one thing to measure.
type scenario struct {
	name  string
	least int // workers it needs
	run   func(context.Context, *bench) ([]figure, error)
}

func scenarios() []scenario {
	return []scenario{
		{"limit", 1, limit},
		{"backlog", 1, backlog},
		{"urgent", 1, urgent},
		{"urgent-refused", 1, urgentRefused},
		{"raw", 1, raw},
		{"polling", 1, polling},
		{"memory", 1, memory},
		{"takeover", 2, takeover},
		{"rolling", 3, rolling},
	}
}

// bench is one run of one scenario.
type bench struct {
	options

	workers int
	dir     string
	worlds  int // that were made
	stderr  io.Writer
}

// pick gives the size of something, or a small one for a shortened run.
func pick[T any](b *bench, size, short T) T {
	if b.short {
		return short
	}
	return size
}

// note tells on stderr how far a run is.
func (b *bench) note(format string, args ...any) {
	_, _ = fmt.Fprintf(b.stderr, "  "+format+"\n", args...)
}

// measure runs the scenarios. The table is nil where nothing could be measured at all.
func measure(ctx context.Context, o options, dir string, stderr io.Writer) (*table, error) {
	bin, err := o.build(ctx, filepath.Join(dir, "bin"))
	if err != nil {
		return nil, err
	}
	o.bin = bin
	t := &table{Header: newHeader(ctx, o, bin)}
	for _, s := range scenarios() {
		if !slices.Contains(o.only, s.name) {
			continue
		}
		for _, n := range s.workers(o.workers) {
			if err := t.measure(ctx, s, bench{options: o, workers: n, dir: dir, stderr: stderr}); err != nil {
				t.Failures = append(t.Failures, failure{s.name, n, err.Error()})
			}
			if ctx.Err() != nil {
				return t, errors.New("interrupted")
			}
		}
	}
	if len(t.Failures) > 0 {
		return t, fmt.Errorf("%d scenarios gave no figures", len(t.Failures))
	}
	return t, os.RemoveAll(filepath.Join(dir, "bin"))
}

// workers gives those numbers of workers with which the scenario makes sense, else the least one.
func (s scenario) workers(asked []int) []int {
	able := slices.DeleteFunc(slices.Clone(asked), func(n int) bool { return n < s.least })
	if len(able) == 0 {
		return []int{s.least}
	}
	return able
}

// measure adds the figures of all runs of a scenario.
func (t *table) measure(ctx context.Context, s scenario, b bench) error {
	name := b.dir
	for i := range b.runs {
		b.dir = filepath.Join(name, fmt.Sprintf("%s-%d-%d", s.name, b.workers, i+1))
		b.worlds = 0
		_, _ = fmt.Fprintf(b.stderr, "%s, %d workers, run %d of %d\n", s.name, b.workers, i+1, b.runs)
		begin := time.Now()
		figures, err := b.once(ctx, s)
		if err != nil {
			return fmt.Errorf("run %d: %w", i+1, err)
		}
		for _, f := range figures {
			b.note("%s", strings.TrimSpace(f.setting+" "+f.name+": "+quantity(f.value, f.unit)))
		}
		b.note("took %v", time.Since(begin).Round(time.Second))
		t.add(s.name, b.workers, figures)
	}
	return nil
}

func (b *bench) once(ctx context.Context, s scenario) ([]figure, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, b.patience, fmt.Errorf("not done within %v", b.patience))
	defer cancel()
	figures, err := s.run(ctx, b)
	for _, f := range figures {
		if math.IsNaN(f.value) || math.IsInf(f.value, 0) {
			err = errors.Join(err, fmt.Errorf("%s %s: nothing to make it of", f.setting, f.name))
		}
	}
	if err != nil || b.keep {
		return figures, err
	}
	return figures, os.RemoveAll(b.dir)
}

// build gives the binaries, and makes those that the command line does not name.
func (o options) build(ctx context.Context, dir string) (binaries, error) {
	bin := o.bin
	for path, name := range map[*string]string{&bin.edgepurge: "edgepurge", &bin.nats: "nats-server"} {
		var err error
		if *path == "" {
			*path, err = kit.Build(ctx, dir, name, map[string]string{"edgepurge": kit.Edgepurge, "nats-server": kit.NATS}[name])
		} else {
			*path, err = filepath.Abs(*path)
		}
		if err != nil {
			return bin, err
		}
	}
	return bin, nil
}
