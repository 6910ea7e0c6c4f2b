package limiter_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgepurge/edgepurge/internal/limiter"
)

// counter counts calls as EdgeOne may: 20 in each second of a clock, or in any second.
type counter struct {
	sliding bool
	mu      sync.Mutex
	taken   []time.Time // guarded by mu
}

func (c *counter) take() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	start := now.Truncate(time.Second)
	if c.sliding {
		start = now.Add(-time.Second)
	}
	n := 0
	for i := len(c.taken) - 1; i >= 0 && !c.taken[i].Before(start); i-- {
		n++
	}
	if n >= 20 {
		return false
	}
	c.taken = append(c.taken, now)
	return true
}

// traffic sends as a worker does for a while: timers are up to 3 ms late, and calls up to 8 ms on their way. It gives the
// calls that were accepted and refused in each second.
func traffic(t *testing.T, c *counter, latency time.Duration, seconds int) (accepted, refused []int) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same each time
	l := limiter.New(20)
	accepted, refused = make([]int, seconds), make([]int, seconds)
	var all sync.WaitGroup
	start := time.Now()
	for time.Since(start) < time.Duration(seconds)*time.Second {
		if err := l.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(r.Int64N(int64(3 * time.Millisecond))))
		l.Sent()
		way := time.Duration(r.Int64N(int64(8 * time.Millisecond)))
		all.Go(func() {
			time.Sleep(way)
			second, ok := int(time.Since(start)/time.Second), c.take()
			time.Sleep(latency - way)
			if !ok {
				l.Throttled()
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			if second >= seconds {
				return
			}
			if ok {
				accepted[second]++
			} else {
				refused[second]++
			}
		})
	}
	all.Wait()
	return accepted, refused
}

func sum(all []int) (n int) {
	for _, v := range all {
		n += v
	}
	return n
}

func TestLimiter_UsesTheLimit(t *testing.T) {
	for _, sliding := range []bool{false, true} {
		for _, latency := range []time.Duration{40 * time.Millisecond, 300 * time.Millisecond} {
			t.Run(fmt.Sprintf("sliding=%t,latency=%v", sliding, latency), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					accepted, refused := traffic(t, &counter{sliding: sliding}, latency, 62)
					used := float64(sum(accepted[1:61])) / (20 * 60)
					t.Logf("%.1f %% of the limit, %d refused", 100*used, sum(refused))
					if used < 0.985 || sum(refused) > 0 {
						t.Errorf("got %.1f %% of the limit and %d refused, want 98.5 %% and none", 100*used, sum(refused))
					}
				})
			})
		}
	}
}

// Another tool on the account takes most of the limit for a minute: it is yielded to, and soon after all is used again.
func TestLimiter_YieldsAndRecovers(t *testing.T) {
	for _, sliding := range []bool{false, true} {
		t.Run(fmt.Sprintf("sliding=%t", sliding), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &counter{sliding: sliding}
				lost := 0
				go func() {
					for range 12 * 60 {
						time.Sleep(time.Second / 12)
						if !c.take() {
							lost++
						}
					}
				}()
				accepted, refused := traffic(t, c, 100*time.Millisecond, 100)
				if n := sum(refused[:60]); n > 60 || lost > 12*60/6 {
					t.Errorf("%d calls were refused, and %d of the other's, want at most one a second, and a sixth", n, lost)
				}
				if n := sum(accepted[:60]); n < 5*60 {
					t.Errorf("%d calls were accepted beside the other's, want at least five a second", n)
				}
				if n := sum(accepted[91:]); n < 19*9 || sum(refused[61:]) > 0 {
					t.Errorf("%d calls were accepted from half a minute after the other's end, of 180, and %d refused", n, sum(refused[61:]))
				}
			})
		})
	}
}
