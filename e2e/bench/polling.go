package main

import (
	"context"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/edgepurge/edgepurge/purge"
)

// polling measures how jobs are followed while as many are made as the limit lets.
func polling(ctx context.Context, b *bench) (f []figure, err error) {
	const size, interval = 1000, 2 * time.Second
	n := rate * pick(b, 60, 5)
	task := pick(b, 20*time.Second, 3*time.Second)
	w, err := b.open(ctx, plan{
		emulator: []string{"--rate", strconv.Itoa(rate), "--batch-quota", strconv.Itoa(size), "--task-time", task.String()},
		worker:   []string{"EDGEPURGE_TRACKER_POLL_MIN=" + interval.String()},
		taps:     true,
	})
	defer func() { err = errors.Join(err, w.close()) }()
	if err != nil {
		return nil, err
	}
	err = w.publish(ctx, requests(purge.Bulk), func(yield func([]byte) bool) {
		for i := range n {
			if !yield(b.body(name(i), pages(i*size, size)...)) {
				return
			}
		}
	})
	if err != nil {
		return nil, err
	}
	if err := w.startWorkers(ctx); err != nil {
		return nil, err
	}
	if err := w.empty(ctx); err != nil {
		return nil, err
	}
	// What has not ended a minute after the last task is counted as it is then.
	bound, cancel := context.WithTimeout(ctx, task+pick(b, time.Minute, 20*time.Second))
	defer cancel()
	if _, err := w.ended(bound, n); err != nil && (bound.Err() == nil || ctx.Err() != nil) {
		return nil, err
	}
	return w.polled(ctx, n, task, interval)
}

func pages(from, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = page(from + i)
	}
	return list
}

func (w *world) polled(ctx context.Context, n int, task, interval time.Duration) ([]figure, error) {
	describes, now := w.taps.count(describeAction), time.Now()
	calls, err := w.taps.creates()
	if err != nil {
		return nil, err
	}
	events, err := w.told(ctx)
	if err != nil {
		return nil, err
	}
	l := lagsOf(calls, events, task, now)
	sent := sentOf(calls)
	w.b.note("task's end to event, medians of the quarters: %.1f s", l.quarters)
	return []figure{
		{"", "DescribePurgeTasks calls for a job", float64(describes) / float64(sent.calls), "", below(1)},
		{"", "task's end to event, p50", percentile(l.all, 50), "s", goal{}},
		{"", "task's end to event, p95", percentile(l.all, 95), "s", atMost(1.5 * interval.Seconds())},
		{"", "growth of its median over the run", l.growth, "s", atMost(interval.Seconds() / 2)},
		{"", "requests without an event in time", share(n-len(events), n), "%", atMost(0)},
		{"", "accepted of the limit, creates", useOf(calls).used, "%", goal{}},
	}, nil
}

// lags are the times from a task's end to what tells of it, in seconds.
type lags struct {
	all      []float64  // by the creation of the job
	quarters [4]float64 // their medians
	growth   float64
}

// lagsOf counts one lag for each job: to the first event that names it, or to now where none does.
func lagsOf(calls []create, events []told, task time.Duration, now time.Time) lags {
	first := make(map[string]time.Time)
	for _, e := range events {
		for _, job := range e.jobs {
			if at, ok := first[job]; !ok || e.stored.Before(at) {
				first[job] = e.stored
			}
		}
	}
	var l lags
	for _, c := range calls {
		if !c.accepted() {
			continue
		}
		at, ok := first[c.job]
		if !ok {
			at = now
		}
		l.all = append(l.all, at.Sub(c.arrived.Add(task)).Seconds())
	}
	l.quarters = quarters(l.all)
	l.growth = rise(l.quarters)
	return l
}

// rise is by how much any of the quarters exceeds one before it, at most. The last and the first alone would not do: the
// jobs of the first are asked for while there are few, and those of the last when no more are made.
func rise(q [4]float64) float64 {
	most, low := math.Inf(-1), q[0]
	for _, v := range q[1:] {
		most, low = max(most, v-low), min(low, v)
	}
	return most
}

// quarters are the medians of the first quarter of some values, the second, and so on; NaN for fewer than four values.
func quarters(values []float64) [4]float64 {
	var list [4]float64
	n := len(values) / 4
	for i := range list {
		list[i] = median(values[i*n : (i+1)*n])
	}
	return list
}
