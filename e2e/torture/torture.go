package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/edgepurge/edgepurge/e2e/kit"
	"github.com/edgepurge/edgepurge/internal/wait"
)

// torture runs everything, and leaves its notes in the directory.
func torture(ctx context.Context, o options, set setting, dir string, stderr io.Writer) (err error) {
	bin := o.bin
	built := filepath.Join(dir, "bin")
	defer func() { err = errors.Join(err, os.RemoveAll(built)) }()
	if bin.edgepurge == "" {
		if bin.edgepurge, err = kit.Build(ctx, built, "edgepurge", kit.Edgepurge); err != nil {
			return err
		}
	}
	if bin.nats == "" {
		if bin.nats, err = kit.Build(ctx, built, "nats-server", kit.NATS); err != nil {
			return err
		}
	}
	w, err := newWorld(ctx, set, dir, bin)
	if err == nil {
		err = w.live(ctx, o, stderr)
	}
	return errors.Join(err, w.close())
}

// live feeds the world while the faults come, lifts them, and collects what came of it.
func (w *world) live(ctx context.Context, o options, stderr io.Writer) error {
	messages, err := newNotes(w.dir, messagesFile)
	if err != nil {
		return err
	}
	hits, err := newNotes(w.dir, hitsFile)
	if err != nil {
		return err
	}
	m := meta{Setting: w.set, Begin: time.Now(), Secrets: w.secrets, Rate: rate}
	still := w.afflict(ctx, m.Begin, messages, hits)
	if ctx.Err() != nil {
		return errors.Join(errors.New("interrupted"), messages.close(), hits.close())
	}
	_, _ = fmt.Fprintf(stderr, "%v: faults are over, waiting for rest\n", time.Since(m.Begin).Round(time.Second))
	m.Still = still
	waiting, cancel := context.WithTimeout(ctx, o.patience)
	defer cancel()
	m.Left, m.Quiet = w.quiet(waiting)
	m.End = time.Now()
	_, _ = fmt.Fprintf(stderr, "%v: at rest: %t %s\n", time.Since(m.Begin).Round(time.Second), m.Quiet, m.Left)
	m.Refused, err = w.api.stats(ctx)
	err = errors.Join(err, w.collect(ctx, m.Begin.Add(-time.Minute)))
	for _, p := range w.workers {
		p.kill()
	}
	n, openErr := newNotes(w.dir, metaFile)
	if openErr != nil {
		return errors.Join(err, openErr)
	}
	n.add(m)
	return errors.Join(err, messages.close(), hits.close(), n.close())
}

// afflict loads the world and carries the schedule out; afterwards everything runs again. It tells how long the machine
// kept this program itself waiting.
func (w *world) afflict(ctx context.Context, begin time.Time, messages, hits *notes) (still time.Duration) {
	stop, cancel := context.WithDeadline(ctx, begin.Add(w.set.Length))
	defer cancel()
	var parts sync.WaitGroup
	parts.Go(func() { feed(stop, ctx, w.js, newLoad(w.set.Seed), messages) })
	parts.Go(func() { still = stillness(stop) })
	in := injector{w, hits}
	in.run(stop, schedule(w.set), begin)
	parts.Wait()
	return still
}

// stillness is the longest time by which a short pause lasted longer than it should.
func stillness(ctx context.Context) (most time.Duration) {
	const short = 20 * time.Millisecond
	for last := time.Now(); wait.Sleep(ctx, short); last = time.Now() {
		most = max(most, time.Since(last)-short)
	}
	return most
}
