package worker

import (
	"sync"
	"time"
)

const (
	// planAge is how long it counts that a zone's plan does not have a type: long enough that such
	// requests cost no calls to speak of, short enough to notice that the plan was changed.
	planAge = time.Hour
	// planMost bounds what is remembered; the oldest is forgotten for more.
	planMost = 10_000
)

// plans remembers which types EdgeOne refused because the plan of a zone does not have them. Its own lock
// is never held together with a call.
type plans struct {
	mu   sync.Mutex
	none map[pair]refusal
}

type pair struct{ zone, typ string }

type refusal struct {
	code, reason string
	at           time.Time
}

func newPlans() plans { return plans{none: make(map[pair]refusal)} }

// refused remembers EdgeOne's refusal of a type.
func (p *plans) refused(zone, typ string, err error, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := pair{zone, typ}
	if _, ok := p.none[key]; !ok && len(p.none) >= planMost {
		p.drop()
	}
	p.none[key] = refusal{codeOf(err), reasonOf(err), now}
}

// drop forgets the oldest.
func (p *plans) drop() {
	var oldest pair
	var at time.Time
	for key, r := range p.none {
		if at.IsZero() || r.at.Before(at) {
			oldest, at = key, r.at
		}
	}
	delete(p.none, oldest)
}

// accepted forgets that a type was refused: by now the plan has it.
func (p *plans) accepted(zone, typ string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.none, pair{zone, typ})
}

// lack tells how EdgeOne refused a type within the hour; false when it did not.
func (p *plans) lack(zone, typ string, now time.Time) (refusal, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := pair{zone, typ}
	r, ok := p.none[key]
	if ok && now.Sub(r.at) >= planAge {
		delete(p.none, key)
		return refusal{}, false
	}
	return r, ok
}

// withoutPlan ends those targets of a request that EdgeOne would refuse, as it did within the hour, and
// gives the others. They end as if they had been in the call that it refused: failed, with its code. It
// is EdgeOne that does not do them, so they are not rejected, and a request that came a moment sooner
// has the same end as one that came a moment later. It must be called with the lock held.
func (w *Worker) withoutPlan(r *request, slots []slot, now time.Time) []slot {
	keep := slots[:0]
	for _, s := range slots {
		lack, lacking := w.plans.lack(s.group.Zone, s.group.Type, now)
		if !lacking {
			keep = append(keep, s)
			continue
		}
		r.sent = true
		r.fail(s.index, lack.code, lack.reason, "")
	}
	return keep
}
