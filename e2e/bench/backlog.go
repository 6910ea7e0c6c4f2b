package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/edgepurge/edgepurge/purge"
)

// batch is the quota of targets in a call where a scenario is about the limit of calls.
const batch = 100

// usual are the emulator's flags for such a scenario.
func usual(latency time.Duration) []string {
	return []string{"--rate", strconv.Itoa(rate), "--latency", latency.String(), "--batch-quota", strconv.Itoa(batch)}
}

// backlog measures how soon a list with repeats is submitted, and how much of it twice.
func backlog(ctx context.Context, b *bench) (f []figure, err error) {
	n := pick(b, 20_000, 2_000)
	distinct := n - n/5
	w, err := b.open(ctx, plan{emulator: usual(40 * time.Millisecond), taps: true})
	defer func() { err = errors.Join(err, w.close()) }()
	if err != nil {
		return nil, err
	}
	if err := w.publish(ctx, requests(purge.Bulk), b.repeats(n, distinct)); err != nil {
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
	s := sentOf(calls)
	if s.distinct != distinct {
		return nil, fmt.Errorf("backlog: got %d targets submitted, want %d", s.distinct, distinct)
	}
	least := (distinct + batch - 1) / batch
	return []figure{
		{"", "first to last call", s.took.Seconds(), "s", atMost(1.05 * float64(least) / rate)},
		{"", "targets sent twice", share(s.twice, s.distinct), "%", atMost(1)},
		{"", "calls", float64(s.calls), "", goal{}},
		{"", "least calls possible", float64(least), "", goal{}},
	}, nil
}

// repeats are n requests for one URL each, of which so many are distinct; the others are repeats, anywhere in the list.
func (b *bench) repeats(n, distinct int) iter.Seq[[]byte] {
	rng := rand.New(rand.NewPCG(1, 0x6261636b))
	pages := make([]int, n)
	for i := range pages {
		pages[i] = i
		if i >= distinct {
			pages[i] = rng.IntN(distinct)
		}
	}
	rng.Shuffle(n, func(i, j int) { pages[i], pages[j] = pages[j], pages[i] })
	return func(yield func([]byte) bool) {
		for i, p := range pages {
			if !yield(b.body(name(i), page(p))) {
				return
			}
		}
	}
}

// sent is what calls have carried.
type sent struct {
	calls    int // accepted
	distinct int // targets
	twice    int // targets in more than one call
	took     time.Duration
}

func sentOf(calls []create) sent {
	var s sent
	var first, last time.Time
	times := make(map[string]int)
	for _, c := range calls {
		if !c.accepted() {
			continue
		}
		if s.calls++; s.calls == 1 {
			first = c.arrived
		}
		last = c.arrived
		for _, t := range c.targets {
			times[t]++
		}
	}
	for _, n := range times {
		if n > 1 {
			s.twice++
		}
	}
	s.distinct, s.took = len(times), last.Sub(first)
	return s
}
