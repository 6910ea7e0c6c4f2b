package main

import (
	"maps"
	"slices"
	"time"
)

// checkPace counts the calls that arrived in each second of the wall clock (I3). Two workers in a second or the one
// before are a take-over, whose overlap is allowed.
func (v *verdict) checkPace(r *record) {
	type second struct {
		n       int
		callers map[int]bool
	}
	most := make(map[string]int)
	over := 0
	for _, action := range []string{createAction, "DescribePurgeTasks"} {
		seconds := make(map[int64]*second)
		for i := range r.calls {
			c := &r.calls[i]
			if c.Action != action {
				continue
			}
			at := c.Arrived.Unix()
			if seconds[at] == nil {
				seconds[at] = &second{callers: make(map[int]bool)}
			}
			seconds[at].n++
			seconds[at].callers[c.Worker] = true
		}
		for at, s := range seconds {
			callers := maps.Clone(s.callers)
			if before := seconds[at-1]; before != nil {
				maps.Copy(callers, before.callers)
			}
			most[action] = max(most[action], s.n)
			if s.n <= r.meta.Rate {
				continue
			}
			over++
			if len(callers) == 1 && s.n > r.meta.Rate+jitter && !r.stalled(s.callers, time.Unix(at, 0)) {
				v.blame("I3: %d calls of %s from one worker in the second %v, want at most %d",
					s.n, action, time.Unix(at, 0).UTC().Format(time.TimeOnly), r.meta.Rate)
			}
		}
	}
	v.fact("pace: at most %d creates and %d describes a second, %d seconds over %d; the emulator refused %d calls",
		most[createAction], most["DescribePurgeTasks"], over, r.meta.Rate, r.meta.Refused)
}

// jitter is how many calls more than the limit may arrive in a second because some were slow on their way.
const jitter = 2

// stalled tells whether the only caller of a second was stopped around it: its calls of before arrive late.
func (r *record) stalled(callers map[int]bool, second time.Time) bool {
	for i := range r.hits {
		h := &r.hits[i]
		if h.Reach == reachWorker && callers[h.Worker] && h.From.Before(second.Add(time.Second)) && h.To.After(second.Add(-time.Second)) {
			return true
		}
	}
	return false
}

const (
	// turns is how often two workers have to take turns within a second to be two leaders in it: a hand-over is one turn,
	// and a stale leader's last calls are a few more.
	turns = 4
	// aftermath is how long after a fault there may still be a hand-over: lease, take-over, a broker that settles.
	aftermath = 15 * time.Second
)

// checkOwners looks for two workers that send side by side: a take-over may overlap for as long as a lease lasts, and
// only a fault brings one about (I3).
func (v *verdict) checkOwners(r *record) {
	seconds := make(map[pair]map[int64]int)
	var idle []time.Time // changes that no fault explains
	for _, c := range r.changes() {
		if seconds[c.pair] == nil {
			seconds[c.pair] = make(map[int64]int)
		}
		seconds[c.pair][c.at.Unix()]++
		if !r.afflicted(c.at.Add(-aftermath), c.at) {
			idle = append(idle, c.at)
		}
	}
	longest := 0
	for _, changes := range seconds {
		run := 0
		for at := r.meta.Begin.Unix(); at <= r.meta.End.Unix()+1; at++ {
			if changes[at] >= turns {
				run++
				longest = max(longest, run)
				continue
			}
			if run > int(lease/time.Second) {
				v.blame("I3: two workers sent side by side for %d seconds, until %s", run, clock(time.Unix(at, 0)))
			}
			run = 0
		}
	}
	if len(idle) >= turns {
		v.blame("I3: two workers took turns %d times from %s to %s, with no fault about for %v before each",
			len(idle), clock(idle[0]), clock(idle[len(idle)-1]), aftermath)
	}
	v.fact("two workers side by side: for %d seconds at most; %d turns without a fault", longest, len(idle))
}

// pair is two workers, the lower number first.
type pair [2]int

// change is a call that came from another worker than the call before.
type change struct {
	at   time.Time
	pair pair
}

func (r *record) changes() []change {
	calls := make([]*call, 0, len(r.calls))
	for i := range r.calls {
		if a := r.calls[i].Action; a == createAction || a == "DescribePurgeTasks" {
			calls = append(calls, &r.calls[i])
		}
	}
	slices.SortFunc(calls, func(a, b *call) int { return a.Arrived.Compare(b.Arrived) })
	var list []change
	for i := 1; i < len(calls); i++ {
		if a, b := calls[i-1].Worker, calls[i].Worker; a != b {
			list = append(list, change{calls[i].Arrived, pair{min(a, b), max(a, b)}})
		}
	}
	return list
}

// afflicted tells whether a fault of a worker or of the broker was about between two times.
func (r *record) afflicted(from, to time.Time) bool {
	return slices.ContainsFunc(r.hits, func(h hit) bool {
		return h.Reach != reachAPI && h.From.Before(to) && h.To.After(from)
	})
}
