package limiter_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgepurge/edgepurge/internal/limiter"
)

const rate = 20

// counting is how EdgeOne may count: 20 in each second of a clock, or in any second. Whether a refused call
// counts in a sliding window is not documented; in a fixed one it makes no difference.
type counting struct {
	name                   string
	sliding, countsRefused bool
}

func countings() []counting {
	return []counting{
		{name: "fixed"},
		{name: "sliding", sliding: true},
		{name: "sliding with refused", sliding: true, countsRefused: true},
	}
}

// server counts calls. The first simulated second of a clock begins with a bubble's clock.
type server struct {
	counting

	mu      sync.Mutex
	counted []time.Time // guarded by mu
}

func (s *server) take() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	start := now.Truncate(time.Second)
	if s.sliding {
		start = now.Add(1 - time.Second)
	}
	s.counted = slices.DeleteFunc(s.counted, func(at time.Time) bool { return at.Before(start) })
	ok := len(s.counted) < rate
	if ok || s.countsRefused {
		s.counted = append(s.counted, now)
	}
	return ok
}

// load is what a simulation runs: a worker whose bulk uses every call, and what stands in its way. Timers are
// up to 3 ms late, and calls up to 8 ms on their way to the API.
type load struct {
	counting

	seed    uint64
	lasting time.Duration
	latency time.Duration // from the wire to the answer
	delayed float64       // the share of calls that are four times as long on their way
	refused float64       // the share of calls that are refused whatever the window
	urgent  time.Duration // an urgent request comes as often; 0: none
	other   float64       // calls a second that another tool makes in the first minute
}

const (
	late = 3 * time.Millisecond
	way  = 8 * time.Millisecond
)

// outcome is what became of the calls.
type outcome struct {
	counting

	accepted, refused []time.Duration // when they arrived, since the start
	urgent            []time.Duration // publish to arrival in an accepted call, the shortest first
	lost              int             // calls of the other tool that were refused
}

// requests are the urgent ones that wait for a call, by the time they came.
type requests struct {
	mu   sync.Mutex
	came []time.Time // guarded by mu
}

func (q *requests) put(came ...time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.came = append(q.came, came...)
}

func (q *requests) takeAll() []time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer func() { q.came = nil }()
	return q.came
}

// simulation is one run of a load.
type simulation struct {
	load

	server  server
	limiter *limiter.Limiter
	random  *rand.Rand // of the sender alone
	start   time.Time
	waiting requests
	running sync.WaitGroup

	mu  sync.Mutex
	out outcome // guarded by mu
}

func (d load) run(t *testing.T) outcome {
	t.Helper()
	s := simulation{
		load: d, server: server{counting: d.counting}, limiter: limiter.New(rate),
		random: rand.New(rand.NewPCG(d.seed, 2)), //nolint:gosec // the same each time
	}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(s.upTo(time.Second)) // where in a second of the clock the first call comes
		s.start = time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), d.lasting)
		defer cancel()
		s.running.Go(func() { s.compete(ctx) })
		s.running.Go(func() { s.ask(ctx) })
		for s.limiter.Wait(ctx) == nil {
			time.Sleep(s.upTo(late))
			s.send()
		}
		s.running.Wait()
	})
	slices.Sort(s.out.urgent)
	s.out.counting = d.counting
	return s.out
}

func (s *simulation) upTo(most time.Duration) time.Duration {
	return time.Duration(s.random.Int64N(int64(most) + 1))
}

// send makes a call with what is urgent, or with bulk; what is refused waits for the next call.
func (s *simulation) send() {
	urgent, sent := s.waiting.takeAll(), time.Now()
	s.limiter.Sent()
	way, bad := s.upTo(way), s.random.Float64() < s.refused
	if s.random.Float64() < s.delayed {
		way *= 4
	}
	s.running.Go(func() {
		time.Sleep(way)
		arrived := time.Now()
		ok := s.server.take() && !bad
		time.Sleep(s.latency - way)
		if !ok {
			s.limiter.Throttled(sent)
			s.waiting.put(urgent...)
		}
		s.note(ok, arrived, urgent)
	})
}

func (s *simulation) note(ok bool, arrived time.Time, urgent []time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !ok {
		s.out.refused = append(s.out.refused, arrived.Sub(s.start))
		return
	}
	s.out.accepted = append(s.out.accepted, arrived.Sub(s.start))
	for _, came := range urgent {
		s.out.urgent = append(s.out.urgent, arrived.Sub(came))
	}
}

// compete makes the other tool's calls.
func (s *simulation) compete(ctx context.Context) {
	for s.other > 0 && ctx.Err() == nil && time.Since(s.start) < time.Minute {
		time.Sleep(time.Duration(float64(time.Second) / s.other))
		if !s.server.take() {
			s.mu.Lock()
			s.out.lost++
			s.mu.Unlock()
		}
	}
}

// ask publishes urgent requests.
func (s *simulation) ask(ctx context.Context) {
	for s.urgent > 0 && ctx.Err() == nil {
		s.waiting.put(time.Now())
		time.Sleep(s.urgent)
	}
}

// within counts the calls that arrived between two times.
func within(calls []time.Duration, from, to time.Duration) (n int) {
	for _, at := range calls {
		if at >= from && at < to {
			n++
		}
	}
	return n
}

// percentile is what so many of a hundred do not exceed.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}
