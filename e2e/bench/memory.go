package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

// memory measures what a backlog costs the worker beside its work: memory, and CPU for each request.
func memory(ctx context.Context, b *bench) ([]figure, error) {
	var all []figure
	few, many := pick(b, 100_000, 5_000), pick(b, 1_000_000, 20_000)
	for _, task := range []time.Duration{2 * time.Second, time.Minute} {
		low, err := b.peakWith(ctx, task, few)
		if err != nil {
			return nil, err
		}
		high, err := b.peakWith(ctx, task, many)
		if err != nil {
			return nil, err
		}
		setting := fmt.Sprintf("task time %v", task)
		all = append(all,
			figure{setting, "peak memory, " + strconv.Itoa(few) + " waiting", low, "MB", goal{}},
			figure{setting, "peak memory, " + strconv.Itoa(many) + " waiting", high, "MB", below(150)},
			figure{setting, "the one to the other", high / low, "", atMost(1.1)})
	}
	small := pick(b, 10_000, 1_000)
	low, err := b.cpuWith(ctx, small, pick(b, 10, 2))
	if err != nil {
		return nil, err
	}
	high, err := b.cpuWith(ctx, many, 1)
	if err != nil {
		return nil, err
	}
	return append(all,
		figure{"no limit", "worker CPU for a request, " + strconv.Itoa(small) + " waiting", low, "us", goal{}},
		figure{"no limit", "worker CPU for a request, " + strconv.Itoa(many) + " waiting", high, "us", goal{}},
		figure{"no limit", "the one to the other", high / low, "", atMost(1.15)}), nil
}

// peakWith gives the most memory, in MB of 10^6 bytes, that the leader has had resident after some time of work at the
// full rate with so many requests waiting all the time.
func (b *bench) peakWith(ctx context.Context, task time.Duration, waiting int) (mb float64, err error) {
	w, err := b.open(ctx, plan{emulator: []string{"--rate", strconv.Itoa(rate), "--batch-quota", "500", "--task-time", task.String()}})
	defer func() { err = errors.Join(err, w.close()) }()
	if err != nil {
		return 0, err
	}
	if err := w.publish(ctx, requests(purge.Bulk), b.singles(0, waiting)); err != nil {
		return 0, err
	}
	if err := w.startWorkers(ctx); err != nil {
		return 0, err
	}
	if err := w.keep(ctx, waiting, waiting, pick(b, 40*time.Second, 4*time.Second)); err != nil {
		return 0, err
	}
	s, err := w.stats(ctx)
	if err != nil {
		return 0, err
	}
	b.note("%v, %d waiting: %d targets submitted", task, waiting, s.Distinct)
	owner, err := w.owner()
	if err != nil {
		return 0, err
	}
	peak, err := owner.peak()
	return float64(peak) / 1e6, err
}

// keep publishes as much as is done, from the request of a number on, so that so many wait for all of the time.
func (w *world) keep(ctx context.Context, waiting, next int, length time.Duration) error {
	for end := time.Now().Add(length); time.Now().Before(end); {
		s, err := w.state(ctx, "PURGE_REQUESTS")
		if err != nil {
			return err
		}
		more := max(waiting-int(s.Msgs), 0)
		if err := w.publish(ctx, requests(purge.Bulk), w.b.singles(next, next+more)); err != nil {
			return err
		}
		next += more
		if !wait.Sleep(ctx, 250*time.Millisecond) {
			return context.Cause(ctx)
		}
		if err := w.died(); err != nil {
			return err
		}
	}
	return nil
}

// settle is how long a pause of a lane takes at most until all workers obey it, and a little more.
const settle = 1500 * time.Millisecond

// cpuWith gives what the leader spends on a request, in microseconds, when so many wait and there is no limit of calls, as
// a mean of some rounds. What it spends while it has nothing to do is left out.
func (b *bench) cpuWith(ctx context.Context, waiting, rounds int) (us float64, err error) {
	w, err := b.open(ctx, plan{
		emulator: []string{"--rate", "0", "--batch-quota", "1000", "--task-time", "0s"},
		worker:   unlimited(),
	})
	defer func() { err = errors.Join(err, w.close()) }()
	if err != nil {
		return 0, err
	}
	warm := pick(b, 20_000, 1_000)
	if err := w.publish(ctx, requests(purge.Bulk), b.singles(0, warm)); err != nil {
		return 0, err
	}
	if err := w.startWorkers(ctx); err != nil {
		return 0, err
	}
	if _, err := w.ended(ctx, warm); err != nil {
		return 0, err
	}
	idle, err := w.idle(ctx)
	if err != nil {
		return 0, err
	}
	var used time.Duration
	for i := range rounds {
		from := warm + i*waiting
		cpu, took, err := w.round(ctx, from, from+waiting)
		if err != nil {
			return 0, err
		}
		used += cpu - time.Duration(idle*float64(took))
	}
	return used.Seconds() * 1e6 / float64(rounds*waiting), nil
}

// idle is the share of a core that the leader uses with nothing to do.
func (w *world) idle(ctx context.Context) (float64, error) {
	owner, err := w.owner()
	if err != nil {
		return 0, err
	}
	const length = 5 * time.Second
	before, err := owner.cpu()
	if err != nil {
		return 0, err
	}
	if !wait.Sleep(ctx, length) {
		return 0, context.Cause(ctx)
	}
	after, err := owner.cpu()
	return (after - before).Seconds() / length.Seconds(), err
}

// round lets requests wait behind a pause of their lane, and tells what the leader spent from its end until all have
// their events, and how long that was.
func (w *world) round(ctx context.Context, from, to int) (cpu, took time.Duration, err error) {
	if err := w.lane(ctx, "pause"); err != nil {
		return 0, 0, err
	}
	if !wait.Sleep(ctx, settle) {
		return 0, 0, context.Cause(ctx)
	}
	if err := w.publish(ctx, requests(purge.Bulk), w.b.singles(from, to)); err != nil {
		return 0, 0, err
	}
	s, err := w.state(ctx, "PURGE_REQUESTS")
	if err == nil && s.Msgs != uint64(to-from) {
		err = fmt.Errorf("got %d requests waiting behind the pause, want %d", s.Msgs, to-from)
	}
	if err != nil {
		return 0, 0, err
	}
	owner, err := w.owner()
	if err != nil {
		return 0, 0, err
	}
	before, err := owner.cpu()
	begin := time.Now()
	if err := errors.Join(err, w.lane(ctx, "resume")); err != nil {
		return 0, 0, err
	}
	if _, err := w.ended(ctx, to); err != nil {
		return 0, 0, err
	}
	after, err := owner.cpu()
	return after - before, time.Since(begin), err
}

// lane pauses the bulk lane, or resumes it.
func (w *world) lane(ctx context.Context, what string) error {
	_, err := command(ctx, w.dir, w.b.bin.edgepurge, w.env(), what, string(purge.Bulk))
	return err
}
