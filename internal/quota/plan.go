package quota

import "time"

const (
	// planAge is how long it counts that a zone's plan does not have a type: long enough that such
	// requests cost no calls to speak of, short enough to notice that the plan was changed.
	planAge = time.Hour
	// planMax bounds what is remembered; the oldest is forgotten for more.
	planMax = 10_000
)

// plans remembers which kinds EdgeOne refused because the plan of the zone does not have the type.
type plans map[Kind]refusal

type refusal struct {
	code, reason string
	at           time.Time
}

// PlanRefused remembers EdgeOne's refusal of a kind that the zone's plan does not have.
func (g *Gate) PlanRefused(k Kind, code, reason string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, ok := g.plans[k]; !ok && len(g.plans) >= planMax {
		g.plans.drop()
	}
	g.plans[k] = refusal{code, reason, now}
}

// drop forgets the oldest.
func (p plans) drop() {
	var oldest Kind
	var at time.Time
	for k, r := range p {
		if at.IsZero() || r.at.Before(at) {
			oldest, at = k, r.at
		}
	}
	delete(p, oldest)
}

// PlanLacks reports whether the zone's plan lacks a kind, as EdgeOne answered within the hour, and
// with which code and reason it did.
func (g *Gate) PlanLacks(k Kind, now time.Time) (code, reason string, lacks bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r, ok := g.plans[k]
	if ok && now.Sub(r.at) >= planAge {
		delete(g.plans, k)
		return "", "", false
	}
	return r.code, r.reason, ok
}
