package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/edgepurge/edgepurge/purge"
)

// rate is the API's limit of calls a second, and the emulator's default.
const rate = 20

// limit measures what of the API's limit is used while there is a backlog.
func limit(ctx context.Context, b *bench) ([]figure, error) {
	var all []figure
	for _, window := range []string{"fixed", "sliding"} {
		for _, latency := range []time.Duration{40 * time.Millisecond, 300 * time.Millisecond} {
			f, err := b.limitOf(ctx, window, latency)
			if err != nil {
				return nil, err
			}
			all = append(all, f...)
		}
	}
	return all, nil
}

func (b *bench) limitOf(ctx context.Context, window string, latency time.Duration) (f []figure, err error) {
	seconds := pick(b, 32, 5)
	w, err := b.open(ctx, plan{
		emulator: append(usual(latency), "--window", window),
		taps:     true,
	})
	defer func() { err = errors.Join(err, w.close()) }()
	if err != nil {
		return nil, err
	}
	if err := w.publish(ctx, requests(purge.Bulk), b.singles(0, seconds*rate*batch)); err != nil {
		return nil, err
	}
	if err := w.startWorkers(ctx); err != nil {
		return nil, err
	}
	if err := w.empty(ctx); err != nil {
		return nil, err
	}
	calls, err := w.taps.creates()
	if err != nil {
		return nil, err
	}
	u := useOf(calls)
	setting := fmt.Sprintf("%s window, %v", window, latency)
	return []figure{
		{setting, "accepted of the limit", u.used, "%", atLeast(98.5)},
		{setting, "refused of the calls", u.refused, "%", atMost(0.5)},
		{setting, "time that this is measured over", u.over.Seconds(), "s", goal{}},
	}, nil
}

// use is how much of the limit was used.
type use struct {
	used, refused float64 // in percent
	over          time.Duration
}

// useOf counts the calls but for the first and the last second of them.
func useOf(calls []create) use {
	if len(calls) == 0 {
		return use{}
	}
	from, to := calls[0].arrived.Add(time.Second), calls[len(calls)-1].arrived.Add(-time.Second)
	over := to.Sub(from)
	if over <= 0 {
		return use{}
	}
	accepted, refused, n := 0, 0, 0
	for _, c := range calls {
		if c.arrived.Before(from) || !c.arrived.Before(to) {
			continue
		}
		n++
		if c.accepted() {
			accepted++
		}
		if c.throttled() {
			refused++
		}
	}
	return use{used: 100 * float64(accepted) / (rate * over.Seconds()), refused: share(refused, n), over: over}
}
