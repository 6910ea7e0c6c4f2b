package emulator

import (
	"math/rand/v2"
	"sync"
	"time"
)

// maxBytes bounds the text of the rows held, whatever their number.
const maxBytes = 1 << 30

// store holds the jobs of one sort, purges or prefetches, of all zones.
type store struct {
	retention time.Duration
	maxRows   int
	ids       idKey

	mu      sync.Mutex
	last    int64             // creation of the youngest job: wall clocks step back, an index must not
	base    uint64            // number of order[0]
	order   []*job            // all jobs in creation order; nil: one that never shows
	shelves map[string]*shelf // by zone
	rows    int
	bytes   int
}

// shelf holds the jobs of a zone.
type shelf struct {
	all   index
	kinds [kindCount]index
}

func newStore(c Config) *store {
	return &store{
		retention: c.Retention,
		maxRows:   c.MaxRows,
		ids:       newIDKey(rand.Uint64()),
		shelves:   make(map[string]*shelf),
	}
}

// add creates a job and returns its id. An unseen one has an id, and nothing else.
func (s *store) add(j *job, unseen bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	j.seq = s.base + uint64(len(s.order))
	s.last = max(s.last, time.Now().UnixNano())
	j.created = s.last
	if unseen {
		s.order = append(s.order, nil)
	} else {
		s.order = append(s.order, j)
		s.shelve(j)
	}
	s.trim()
	return s.ids.name(j.seq)
}

func (s *store) shelve(j *job) {
	sh := s.shelves[j.zone]
	if sh == nil {
		sh = &shelf{}
		s.shelves[j.zone] = sh
	}
	sh.all.add(j)
	sh.kinds[j.kind].add(j)
	s.rows += j.rows.len()
	s.bytes += j.rows.bytes()
}

// trim forgets the oldest jobs beyond the bounds, but never the youngest.
func (s *store) trim() {
	for len(s.order) > 1 {
		j := s.order[0]
		if j != nil && s.rows <= s.maxRows && s.bytes <= maxBytes && j.created >= s.last-int64(s.retention) {
			return
		}
		// The array behind order is freed when append next moves it; the job itself is not held by it.
		s.order[0] = nil
		s.order = s.order[1:]
		s.base++
		if j != nil {
			s.forget(j)
		}
	}
}

func (s *store) forget(j *job) {
	sh := s.shelves[j.zone]
	sh.all.drop()
	sh.kinds[j.kind].drop()
	if sh.all.empty() {
		delete(s.shelves, j.zone)
	}
	s.rows -= j.rows.len()
	s.bytes -= j.rows.bytes()
}

// view returns the jobs of a zone, oldest first; of one kind where that is less than kindCount.
func (s *store) view(zone string, k kind) view {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.shelves[zone]
	if sh == nil {
		return view{}
	}
	if k < kindCount {
		return sh.kinds[k].view()
	}
	return sh.all.view()
}

// views returns the jobs of each zone, oldest first.
func (s *store) views() map[string]view {
	s.mu.Lock()
	defer s.mu.Unlock()
	views := make(map[string]view, len(s.shelves))
	for zone, sh := range s.shelves {
		views[zone] = sh.all.view()
	}
	return views
}

// job returns the view of the one job of that id and zone, or an empty one.
func (s *store) job(zone, id string) view {
	n := s.ids.number(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if n < s.base || n-s.base >= uint64(len(s.order)) {
		return view{}
	}
	j := s.order[n-s.base]
	if j == nil || j.zone != zone {
		return view{}
	}
	return viewOf(j)
}
