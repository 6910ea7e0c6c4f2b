package main

import (
	"context"
	"errors"
	"time"

	"github.com/edgepurge/edgepurge/purge"
)

// unlimited are the worker's variables without a limit of calls.
func unlimited() []string {
	return []string{"EDGEPURGE_LIMITS_CREATE_PER_SECOND=0", "EDGEPURGE_LIMITS_DESCRIBE_PER_SECOND=0"}
}

// raw measures what the worker can do where the API sets no limit, beside what the broker and a client can do at all.
func raw(ctx context.Context, b *bench) (f []figure, err error) {
	n := pick(b, 200_000, 5_000)
	w, err := b.open(ctx, plan{
		emulator: []string{"--rate", "0", "--batch-quota", "1000", "--task-time", "0s"},
		worker:   unlimited(),
	})
	defer func() { err = errors.Join(err, w.close()) }()
	if err != nil {
		return nil, err
	}
	floor, err := w.floors(ctx, n)
	if err != nil {
		return nil, err
	}
	if err := w.publish(ctx, requests(purge.Bulk), b.singles(0, n)); err != nil {
		return nil, err
	}
	d, err := w.drain(ctx, n)
	if err != nil {
		return nil, err
	}
	return d.figures(n, floor), nil
}

// drained is how a backlog went.
type drained struct {
	call, submit, event    time.Duration // from the start of the workers to the first call, the last one, the last event
	calls                  int
	worker, emulator, nats time.Duration // CPU of the leader, of the emulator, and of the NATS server
}

// drain starts the workers, and follows them until n requests, all different, have their events.
func (w *world) drain(ctx context.Context, n int) (d drained, err error) {
	emulator, err1 := w.emulator.cpu()
	broker, err2 := w.nats.cpu()
	begin := time.Now()
	if err := errors.Join(err1, err2, w.startWorkers(ctx)); err != nil {
		return d, err
	}
	err = w.until(ctx, 5*time.Millisecond, func() (bool, error) {
		s, err := w.stats(ctx)
		if now := time.Since(begin); d.call == 0 && s.Creates > 0 {
			d.call = now
		}
		d.calls = s.Creates
		return s.Distinct >= n, err
	})
	if err != nil {
		return d, err
	}
	d.submit = time.Since(begin)
	last, err := w.ended(ctx, n)
	if err != nil {
		return d, err
	}
	d.event = last.Sub(begin)
	owner, err := w.owner()
	if err != nil {
		return d, err
	}
	var err3 error
	d.worker, err1 = owner.cpu()
	d.emulator, err2 = w.emulator.cpu()
	d.nats, err3 = w.nats.cpu()
	d.emulator, d.nats = d.emulator-emulator, d.nats-broker
	return d, errors.Join(err1, err2, err3)
}

func (d drained) figures(n int, floor floors) []figure {
	count := float64(n)
	each := func(cpu time.Duration) float64 { return cpu.Seconds() * 1e6 / count }
	return []figure{
		{"", "start to first call", milliseconds(d.call), "ms", goal{}},
		{"", "start to last submit", d.submit.Seconds(), "s", goal{}},
		{"", "start to last event", d.event.Seconds(), "s", atMost(8)},
		{"", "requests submitted", count / d.submit.Seconds(), "/s", goal{}},
		{"", "floor: fetch and ack", count / floor.fetch.Seconds(), "/s", goal{}},
		{"", "floor: conditional publish of the events", count / floor.events.Seconds(), "/s", goal{}},
		{"", "submitted, of fetch and ack", floor.fetch.Seconds() / d.submit.Seconds(), "", atLeast(0.5)},
		{"", "ended, of both floors one after the other", (floor.fetch + floor.events).Seconds() / d.event.Seconds(), "", goal{}},
		{"", "worker CPU for a request", each(d.worker), "us", atMost(12)},
		{"", "emulator CPU for a request", each(d.emulator), "us", goal{}},
		{"", "NATS server CPU for a request", each(d.nats), "us", goal{}},
		{"", "fill of the calls", share(n, d.calls*1000), "%", goal{}},
	}
}
