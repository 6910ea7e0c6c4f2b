package limiter_test

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// seeds is how often each load is run.
const seeds = 20

// each runs a load of each kind of counting and of each latency with every seed.
func each(t *testing.T, latencies []time.Duration, d load, judge func(t *testing.T, all []outcome)) {
	t.Helper()
	for _, c := range countings() {
		for _, latency := range latencies {
			t.Run(fmt.Sprintf("%s,latency=%v", c.name, latency), func(t *testing.T) {
				all := make([]outcome, seeds)
				for seed := range all {
					d.counting, d.latency, d.seed = c, latency, uint64(seed)
					all[seed] = d.run(t)
				}
				judge(t, all)
			})
		}
	}
}

// used is the share of the limit that was used in a minute, refused that of the calls that were refused.
func (o outcome) used() float64 {
	return float64(within(o.accepted, time.Second, 61*time.Second)) / (rate * 60)
}

func (o outcome) refusedShare() float64 {
	return float64(len(o.refused)) / float64(len(o.refused)+len(o.accepted))
}

func latencies() []time.Duration {
	return []time.Duration{40 * time.Millisecond, 300 * time.Millisecond}
}

func TestLimiter_UsesTheLimit(t *testing.T) {
	t.Parallel()
	each(t, latencies(), load{lasting: 62 * time.Second}, func(t *testing.T, all []outcome) {
		for seed, o := range all {
			if o.used() < 0.988 || len(o.refused) > 0 {
				t.Errorf("seed %d: got %.2f %% of the limit and %d refused, want 98.8 %% and none",
					seed, 100*o.used(), len(o.refused))
			}
		}
	})
}

// Some calls are on their way for longer than the margin: now and then a sliding window sees one too many.
func TestLimiter_UsesTheLimitThoughCallsAreDelayed(t *testing.T) {
	t.Parallel()
	each(t, latencies(), load{lasting: 62 * time.Second, delayed: 0.003}, func(t *testing.T, all []outcome) {
		used, refused := 0.0, 0.0
		for seed, o := range all {
			if used += o.used() / seeds; o.used() < 0.975 {
				t.Errorf("seed %d: got %.2f %% of the limit, want 97.5 %%", seed, 100*o.used())
			}
			refused += o.refusedShare() / seeds
		}
		t.Logf("%.2f %% of the limit, %.3f %% refused", 100*used, 100*refused)
		if used < 0.985 || refused > 0.002 {
			t.Errorf("got %.2f %% of the limit and %.3f %% refused, want 98.5 %%, and 0.2 %% at most", 100*used, 100*refused)
		}
	})
}

// One call in 300 is refused, whatever the pace. What is urgent goes with the next call, and nobody waits for a second.
func TestLimiter_ALoneRefusalHoldsNothing(t *testing.T) {
	t.Parallel()
	d := load{lasting: 31 * time.Second, refused: 1. / 300, delayed: 0.003, urgent: 100 * time.Millisecond}
	each(t, []time.Duration{30 * time.Millisecond}, d, func(t *testing.T, all []outcome) {
		var longest []time.Duration
		refused := 0
		for seed, o := range all {
			refused += len(o.refused)
			longest = append(longest, percentile(o.urgent, 100))
			if p99 := percentile(o.urgent, 99); p99 > 200*time.Millisecond || longest[seed] > 400*time.Millisecond {
				t.Errorf("seed %d: got a p99 of %v and %v at most, want 200ms and 400ms", seed, p99, longest[seed])
			}
		}
		slices.Sort(longest)
		t.Logf("the longest: %v in the median, %v at most", percentile(longest, 50), percentile(longest, 100))
		if refused < seeds || percentile(longest, 50) > 150*time.Millisecond {
			t.Errorf("got %d refused calls, and %v for the longest in the median, want more calls and 150ms at most",
				refused, percentile(longest, 50))
		}
	})
}

// Another tool on the account takes most of the limit for a minute: it is yielded to, and soon after all is used
// again. Where a refused call counts in a sliding window, each refusal costs the other tool a place too.
func TestLimiter_YieldsAndRecovers(t *testing.T) {
	t.Parallel()
	d := load{lasting: 100 * time.Second, other: 12}
	each(t, []time.Duration{100 * time.Millisecond}, d, func(t *testing.T, all []outcome) {
		const minute, end = time.Minute, 91 * time.Second
		leastAccepted, mostRefused, mostLost := 5*60, 60, 12*60/6
		if all[0].countsRefused {
			leastAccepted, mostRefused, mostLost = 4*60, 75, 12*60*3/10
		}
		for seed, o := range all {
			accepted, refused := within(o.accepted, 0, minute), within(o.refused, 0, minute)
			if accepted < leastAccepted || refused > mostRefused || o.lost > mostLost {
				t.Errorf("seed %d: %d calls were accepted beside the other's, %d refused, and %d of the other's; want at least %d, at most %d and %d",
					seed, accepted, refused, o.lost, leastAccepted, mostRefused, mostLost)
			}
			after, again := within(o.accepted, end, d.lasting), within(o.refused, minute+time.Second, d.lasting)
			if after < 19*9 || again > 0 {
				t.Errorf("seed %d: %d calls were accepted from half a minute after the other's end, of 180, and %d refused", seed, after, again)
			}
		}
	})
}
