package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

// urgent measures how long an interactive request takes to the API while bulk uses every call there is.
func urgent(ctx context.Context, b *bench) ([]figure, error) {
	a, _, err := b.urgently(ctx)
	return []figure{
		{"", "publish to arrival, p50", percentile(a.took, 50), "ms", atMost(60)},
		{"", "publish to arrival, p99", percentile(a.took, 99), "ms", atMost(150)},
		{"", "publish to arrival, longest", percentile(a.took, 100), "ms", goal{}},
		{"", "fill of the calls", 100 * a.fill, "%", atLeast(98)},
	}, err
}

// urgentRefused measures the same while the API refuses one call in 300 as too fast, whatever the pace.
func urgentRefused(ctx context.Context, b *bench) ([]figure, error) {
	a, refused, err := b.urgently(ctx, "--fault", fmt.Sprintf("throttle=%.6f", 1./300))
	return []figure{
		{"", "publish to arrival, p50", percentile(a.took, 50), "ms", atMost(60)},
		{"", "publish to arrival, p99", percentile(a.took, 99), "ms", atMost(200)},
		{"", "publish to arrival, longest", percentile(a.took, 100), "ms", atMost(400)},
		{"", "fill of the calls", 100 * a.fill, "%", atLeast(98)},
		{"", "refused calls", float64(refused), "", goal{}},
	}, err
}

// urgently runs that load, and returns when the requests arrived and how many calls were refused.
func (b *bench) urgently(ctx context.Context, emulator ...string) (a arrivals, refused int, err error) {
	const every = 100 * time.Millisecond
	samples := pick(b, 300, 20)
	w, err := b.open(ctx, plan{emulator: append(usual(30*time.Millisecond), emulator...), taps: true})
	defer func() { err = errors.Join(err, w.close()) }()
	if err != nil {
		return a, 0, err
	}
	// Enough for all the samples, and for some seconds before and behind them.
	lasting := time.Duration(samples)*every + 8*time.Second
	if err := w.publish(ctx, requests(purge.Bulk), b.singles(0, int(lasting.Seconds()*rate*batch))); err != nil {
		return a, 0, err
	}
	if err := w.startWorkers(ctx); err != nil {
		return a, 0, err
	}
	if err := w.until(ctx, every, func() (bool, error) { return w.taps.count(createAction) > rate, nil }); err != nil {
		return a, 0, err
	}
	published, err := w.ask(ctx, samples, every)
	if err != nil {
		return a, 0, err
	}
	var calls []create
	err = w.until(ctx, every, func() (bool, error) {
		calls, err = w.taps.creates()
		a = arrivalsOf(calls, published)
		return len(a.took) == samples, err
	})
	if err != nil {
		return a, 0, fmt.Errorf("%d of %d urgent requests have arrived: %w", len(a.took), samples, err)
	}
	for _, c := range calls {
		if c.throttled() {
			refused++
		}
	}
	return a, refused, nil
}

// ask publishes interactive requests at fixed times, whatever becomes of them, and returns when each was by its target.
func (w *world) ask(ctx context.Context, n int, every time.Duration) (map[string]time.Time, error) {
	p, err := newPublisher(w.nc)
	if err != nil {
		return nil, err
	}
	at := make(map[string]time.Time, n)
	for i, begin := 0, time.Now(); i < n; i++ {
		if !wait.Sleep(ctx, time.Until(begin.Add(time.Duration(i)*every))) {
			return nil, context.Cause(ctx)
		}
		target := fmt.Sprintf("https://www.example.com/urgent/%d", i)
		m := &nats.Msg{Subject: requests(purge.Interactive), Data: w.b.body(fmt.Sprintf("u-%d", i), target)}
		at[target] = time.Now()
		if err := p.put(m); err != nil {
			return nil, err
		}
	}
	return at, p.done(ctx)
}

// arrivals are the times from publish to arrival, in milliseconds, and how full all calls were from the first of these
// arrivals to the last.
type arrivals struct {
	took []float64
	fill float64
}

func arrivalsOf(calls []create, published map[string]time.Time) arrivals {
	var a arrivals
	seen := make(map[string]bool)
	var fills []float64
	last := 0
	for _, c := range calls {
		if !c.accepted() {
			continue
		}
		fills = append(fills, float64(len(c.targets))/batch)
		for _, t := range c.targets {
			at, ok := published[t]
			if !ok || seen[t] {
				continue
			}
			if seen[t] = true; len(seen) == 1 {
				fills = fills[len(fills)-1:]
			}
			last = len(fills)
			a.took = append(a.took, milliseconds(c.arrived.Sub(at)))
		}
	}
	a.fill = mean(fills[:last])
	return a
}
