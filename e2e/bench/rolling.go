package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

// rolling measures what an update costs: one worker after the other is asked to end, and started again, while bulk uses
// every call and interactive requests come in.
func rolling(ctx context.Context, b *bench) (f []figure, err error) {
	const every = 100 * time.Millisecond
	samples := pick(b, 300, 60)
	w, err := b.open(ctx, plan{emulator: usual(40 * time.Millisecond), taps: true})
	defer func() { err = errors.Join(err, w.close()) }()
	if err != nil {
		return nil, err
	}
	lasting := time.Duration(samples) * every
	bulk := int((lasting + 4*time.Second).Seconds() * rate * batch)
	if err := w.publish(ctx, requests(purge.Bulk), b.singles(0, bulk)); err != nil {
		return nil, err
	}
	if err := w.startWorkers(ctx); err != nil {
		return nil, err
	}
	if _, err := w.flow(ctx); err != nil {
		return nil, err
	}
	var published map[string]time.Time
	var ends []float64
	var both errgroup.Group // no context of its own: its end would be that of the workers
	both.Go(func() (err error) {
		published, err = w.ask(ctx, samples, every)
		return err
	})
	both.Go(func() (err error) {
		ends, err = w.update(ctx, lasting/time.Duration(b.workers+1))
		return err
	})
	if err := both.Wait(); err != nil {
		return nil, err
	}
	if _, err := w.ended(ctx, bulk+samples); err != nil {
		return nil, fmt.Errorf("wait for an event of each request: %w", err)
	}
	events, err := w.state(ctx, "PURGE_EVENTS")
	if err != nil {
		return nil, err
	}
	calls, err := w.taps.creates()
	if err != nil {
		return nil, err
	}
	took := arrivalsOf(calls, published).took
	return []figure{
		{"", "publish to arrival, p50", percentile(took, 50), "ms", goal{}},
		{"", "publish to arrival, p99", percentile(took, 99), "ms", atMost(1000)},
		{"", "publish to arrival, longest", percentile(took, 100), "ms", goal{}},
		{"", "workers that worked", float64(workersOf(calls)), "", goal{}},
		{"", "longest end of a worker", percentile(ends, 100), "s", goal{}},
		{"", "requests without an event of their own", float64(bulk + samples - int(events.Msgs)), "", below(1)},
		{"", "urgent requests that never arrived", float64(samples - len(took)), "", below(1)},
	}, nil
}

// update ends the workers by SIGTERM, one in each span of time and the leader first, as is the worst; it starts each again,
// and returns the seconds that each end took.
func (w *world) update(ctx context.Context, span time.Duration) ([]float64, error) {
	var took []float64
	begin := time.Now()
	var old []int
	for i := range w.workers {
		old = append(old, i)
	}
	for n := range w.workers {
		if !wait.Sleep(ctx, time.Until(begin.Add(time.Duration(n)*span+span/2))) {
			return nil, context.Cause(ctx)
		}
		owner, err := w.flow(ctx)
		if err != nil {
			return nil, err
		}
		next := max(0, slices.Index(old, owner))
		i := old[next]
		old = slices.Delete(old, next, next+1)
		p, at := w.workers[i], time.Now()
		p.signal(syscall.SIGTERM)
		select {
		case <-p.ended:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if code := p.cmd.ProcessState.ExitCode(); code != 0 {
			return nil, fmt.Errorf("%s ended with code %d, see %s.log", p.name, code, p.name)
		}
		took = append(took, time.Since(at).Seconds())
		if w.workers[i], err = w.startWorker(ctx, i); err != nil {
			return nil, err
		}
	}
	return took, nil
}

// workersOf counts those that made calls.
func workersOf(calls []create) int {
	seen := make(map[int]bool)
	for _, c := range calls {
		seen[c.worker] = true
	}
	return len(seen)
}
