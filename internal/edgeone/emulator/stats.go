package emulator

import (
	"encoding/json"
	"hash/maphash"
	"maps"
	"net/http"
	"sync"
)

const statsPath = "/stats"

// Stats is what has happened since New. Calls count when they arrive, whatever becomes of them; calls of unknown
// actions count as "other". Jobs and targets are those of purges.
type Stats struct {
	CreateCalls     int64            `json:"create_calls"`     // of CreatePurgeTask
	DescribeCalls   int64            `json:"describe_calls"`   // of DescribePurgeTasks
	Throttled       int64            `json:"throttled"`        // calls of any action that were refused as too fast
	Jobs            int64            `json:"jobs"`             // created
	Targets         int64            `json:"targets"`          // accepted, repeats included
	DistinctTargets int64            `json:"distinct_targets"` // accepted, by their text
	ByAction        map[string]int64 `json:"by_action"`        // calls
}

const otherAction = "other"

// counters hold the stats. Distinct targets are told apart by a hash of 64 bits: among ten million, the chance that
// any two share one is less than one in 300,000.
type counters struct {
	seed maphash.Seed

	mu        sync.Mutex
	calls     map[string]int64    // guarded by mu
	throttled int64               // guarded by mu
	jobs      int64               // guarded by mu
	targets   int64               // guarded by mu
	distinct  map[uint64]struct{} // guarded by mu
}

func newCounters() *counters {
	return &counters{seed: maphash.MakeSeed(), calls: map[string]int64{}, distinct: map[uint64]struct{}{}}
}

func (s *counters) arrive(action string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[action]++
}

func (s *counters) throttle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.throttled++
}

func (s *counters) accept(targets list) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs++
	s.targets += int64(targets.len())
	for i := range targets.len() {
		s.distinct[maphash.String(s.seed, targets.at(i))] = struct{}{}
	}
}

// Stats returns the counts so far. It is safe for concurrent use.
func (e *Emulator) Stats() Stats {
	s := e.stats
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{
		CreateCalls:     s.calls[actionCreatePurge],
		DescribeCalls:   s.calls[actionDescribePurges],
		Throttled:       s.throttled,
		Jobs:            s.jobs,
		Targets:         s.targets,
		DistinctTargets: int64(len(s.distinct)),
		ByAction:        maps.Clone(s.calls),
	}
}

// serveStats answers GET /stats.
func (e *Emulator) serveStats(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "GET /stats", http.StatusMethodNotAllowed)
		return
	}
	body, err := json.Marshal(e.Stats())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	reply{status: http.StatusOK, kind: jsonType, body: append(body, '\n')}.send(w)
}
