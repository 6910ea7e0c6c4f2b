package main

import (
	"context"
	"errors"
	"syscall"
	"time"

	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

const (
	// steady is how long calls have to flow before the leader is ended, with a call missing here and there.
	steady = 3 * time.Second
	// aftermath is the time after a leader's end in which calls are counted.
	aftermath = 10 * time.Second
)

// takeover measures for how long no call is accepted when the leader dies, and when it drains, with the limit used in full.
func takeover(ctx context.Context, b *bench) (f []figure, err error) {
	const latency = 40 * time.Millisecond
	rounds := pick(b, 3, 1)
	w, err := b.open(ctx, plan{emulator: usual(latency), taps: true})
	defer func() { err = errors.Join(err, w.close()) }()
	if err != nil {
		return nil, err
	}
	const round = 20 // seconds, with time to spare
	if err := w.publish(ctx, requests(purge.Bulk), b.singles(0, 2*rounds*round*rate*batch)); err != nil {
		return nil, err
	}
	if err := w.startWorkers(ctx); err != nil {
		return nil, err
	}
	for _, end := range []struct {
		setting string
		signal  syscall.Signal
		goal    goal
	}{
		{"kill -9", syscall.SIGKILL, atMost(6)},
		{"drain", syscall.SIGTERM, atMost(1 + latency.Seconds())},
	} {
		var gaps, missing []float64
		for range rounds {
			g, err := w.endOwner(ctx, end.signal)
			if err != nil {
				return nil, err
			}
			gaps, missing = append(gaps, g.longest.Seconds()), append(missing, g.missing.Seconds())
		}
		f = append(f,
			figure{end.setting, "longest time without a call, beyond the spacing, worst round", percentile(gaps, 100), "s", end.goal},
			figure{end.setting, "the same, median of the rounds", median(gaps), "s", goal{}},
			figure{end.setting, "calls missing in the 10 s after, as time at the limit, worst round", percentile(missing, 100), "s", goal{}})
	}
	return f, nil
}

// endOwner ends the leader once calls flow, starts it again, and tells what that did to the calls.
func (w *world) endOwner(ctx context.Context, signal syscall.Signal) (gap, error) {
	i, err := w.flow(ctx)
	if err != nil {
		return gap{}, err
	}
	owner, at := w.workers[i], time.Now()
	owner.signal(signal)
	select {
	case <-owner.ended:
	case <-ctx.Done():
		return gap{}, context.Cause(ctx)
	}
	if w.workers[i], err = w.startWorker(ctx, i); err != nil {
		return gap{}, err
	}
	if !wait.Sleep(ctx, time.Until(at.Add(aftermath))) {
		return gap{}, context.Cause(ctx)
	}
	if _, err := w.flow(ctx); err != nil {
		return gap{}, err
	}
	calls, err := w.taps.creates()
	return gapOf(calls, at), err
}

// flow waits until calls have been accepted for a while, all of one worker, and returns it.
func (w *world) flow(ctx context.Context) (worker int, err error) {
	err = w.until(ctx, 100*time.Millisecond, func() (bool, error) {
		calls, err := w.taps.creates()
		if err != nil {
			return false, err
		}
		n, since := 0, time.Now().Add(-steady)
		for _, c := range calls {
			if !c.accepted() || c.arrived.Before(since) {
				continue
			}
			if n > 0 && c.worker != worker {
				n = 0
			}
			n++
			worker = c.worker
		}
		return float64(n) >= 0.8*rate*steady.Seconds(), nil
	})
	return worker, err
}

// gap is what the end of a leader did to the calls.
type gap struct {
	longest time.Duration // between two of them, beyond the usual spacing
	missing time.Duration // how long those take at the limit that were not there in the aftermath
}

// gapOf looks at the calls from the one before a time to the end of its aftermath, or the first after that.
func gapOf(calls []create, at time.Time) gap {
	const spacing = time.Second / rate
	var g gap
	var last time.Time
	n := 0
	for _, c := range calls {
		if !c.accepted() {
			continue
		}
		if !last.IsZero() && !c.arrived.Before(at) && last.Before(at.Add(aftermath)) {
			g.longest = max(g.longest, c.arrived.Sub(last)-spacing)
		}
		last = c.arrived
		if !c.arrived.Before(at) && c.arrived.Before(at.Add(aftermath)) {
			n++
		}
	}
	g.missing = max(aftermath-time.Duration(n)*spacing, 0)
	return g
}
