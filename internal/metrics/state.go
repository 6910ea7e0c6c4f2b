package metrics

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
)

// State is what holds in one replica at a moment. What only the leader knows is zero elsewhere.
type State struct {
	At         time.Time
	Ready      bool
	Connected  bool // NATS can be worked with
	Reconnects uint64
	Owner      bool
	Refused    bool // EdgeOne refuses the credentials
	Reload     Reload

	Lanes  []Lane
	Parked int // requests
	Left   int // failed jobs whose targets are not in line again yet

	Jobs      map[purge.Type]int // in flight
	OldestJob time.Time          // the submission; zero: there is none

	Paces  []Pace
	Quotas []Quota

	omitted int // zones that Quotas does not have, once it is bounded
}

// Reload is the last reload of the configuration.
type Reload struct {
	OK bool
	At time.Time // of the last that succeeded; the start counts
}

// Lane is one lane's state.
type Lane struct {
	Name   string
	Paused bool

	// In the broker, as read last: messages that wait, those that are delivered and not acked, and when the
	// oldest of both was stored; zero when there is none.
	Pending, Unacked int
	Oldest           time.Time

	// In memory: requests, those of their targets that are in no job yet, and how full the window is, in
	// targets. A large interactive request takes room in the bulk window.
	Requests, Targets int
	Held, Window      int
}

// Pace is how calls are spaced.
type Pace struct {
	Name   string  // Create, Look or Helpers
	Limit  float64 // calls a second, as configured; 0: none
	Rate   float64 // what the pace lets through now; 0: no limit
	Margin time.Duration
}

// Quota is a zone's quota for a type.
type Quota struct {
	Zone         string
	Type         purge.Type // EdgeOne's name if package purge does not have it, as "prefetch_url"
	Batch, Daily int        // targets of a call and of a day, as read last
	Available    int        // what is left of the day now: as read, less what was submitted since
	Read         time.Time  // when that reading was asked for
}

// TypeName returns EdgeOne's name of a type, as "purge_url".
func TypeName(t purge.Type) string { return edgeone.TypeName(t) }

// maxZones bounds the zones whose quotas are told: with six types, 1,900 series.
const maxZones = 100

// Bounded gives the quotas of maxZones zones, and how many zones are left out: those of which the largest
// part of a day is left.
func (s *State) Bounded() (told []Quota, omitted int) {
	left := make(map[string]float64) // by zone: of the type that has least
	for _, q := range s.Quotas {
		part := q.left()
		if least, ok := left[q.Zone]; !ok || part < least {
			left[q.Zone] = part
		}
	}
	zones := slices.SortedFunc(maps.Keys(left), func(a, b string) int {
		return cmp.Or(cmp.Compare(left[a], left[b]), cmp.Compare(a, b))
	})
	kept := make(map[string]bool)
	for _, zone := range zones[:min(len(zones), maxZones)] {
		kept[zone] = true
	}
	for _, q := range s.Quotas {
		if typeLabel(q.Type) != other && kept[q.Zone] {
			told = append(told, q)
		}
	}
	slices.SortFunc(told, func(a, b Quota) int {
		return cmp.Or(cmp.Compare(a.Zone, b.Zone), cmp.Compare(a.Type, b.Type))
	})
	return told, len(zones) - len(kept)
}

// Low is what is left of a day when it is nearly spent: a tenth.
func (q Quota) Low() int { return q.Daily / 10 }

// Exhausted reports whether nothing is left of a day.
func (q Quota) Exhausted() bool { return q.Daily > 0 && q.Available <= 0 }

// Scarce reports whether less than a tenth is left of a day, but something.
func (q Quota) Scarce() bool { return q.Available > 0 && q.left() < 0.1 }

// left is the part of a day that is left.
func (q *Quota) left() float64 {
	if q.Daily <= 0 {
		return 1
	}
	return float64(q.Available) / float64(q.Daily)
}
