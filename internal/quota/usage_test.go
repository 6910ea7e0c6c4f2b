package quota

import (
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
)

// shown returns what is shown as left of the day.
func shown(g *Gate) int {
	for _, r := range g.Readings() {
		if r.Kind == urls {
			return r.Available
		}
	}
	return -1
}

// Calls and readings overlap in every way: what is shown is never more than what is left, and exact
// once a reading was made with no call in flight.
func TestQuotas_NeverShowMoreThanIsLeft(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		// Drawn before: rapid ends a run by a panic, which is not to leave the bubble.
		type step struct {
			pass    time.Duration
			kind, n int
		}
		steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
			return step{
				rapid.SampledFrom([]time.Duration{0, time.Millisecond, time.Second}).Draw(t, "pass"),
				rapid.IntRange(0, 5).Draw(t, "kind"), rapid.IntRange(1, 50).Draw(t, "n"),
			}
		}), 1, 60).Draw(rt, "steps")
		fault := ""
		synctest.Test(t, func(*testing.T) {
			const zone = "zone-a"
			q := newGate()
			left := 10_000
			type call struct {
				n       int
				sent    time.Time
				counted bool
			}
			var calls []call
			var answer map[purge.Type]edgeone.Quota // of a reading that is under way; nil: it is not there yet
			asked := false
			read := func() {
				q.ask(zone, time.Now())
				q.set(zone, rows(left), time.Now())
			}
			q.Want(urls, time.Now())
			read()
			for _, s := range steps {
				time.Sleep(s.pass)
				switch s.kind {
				case 0:
					calls = append(calls, call{n: s.n, sent: time.Now()})
				case 1: // EdgeOne carries one out
					for i := range calls {
						if !calls[i].counted {
							calls[i].counted = true
							left -= calls[i].n
							break
						}
					}
				case 2: // one is answered, in any order
					for i := range calls {
						if calls[i].counted {
							q.Used(urls, Use{Accepted: calls[i].n, Sent: calls[i].sent}, time.Now())
							calls = append(calls[:i:i], calls[i+1:]...)
							break
						}
					}
				case 3:
					if !asked {
						asked = true
						q.ask(zone, time.Now())
					}
				case 4:
					if asked && answer == nil {
						answer = maps.Clone(rows(left))
					}
				case 5:
					if answer != nil {
						q.set(zone, answer, time.Now())
						asked, answer = false, nil
					}
				}
				open := 0
				for _, c := range calls {
					if c.counted {
						open += c.n
					}
				}
				if got := shown(q); got > left+open {
					fault = fmt.Sprintf("shows %d, want at most %d and %d that are not answered yet", got, left, open)
					return
				}
			}
			for _, c := range calls {
				if !c.counted {
					left -= c.n
				}
				q.Used(urls, Use{Accepted: c.n, Sent: c.sent}, time.Now())
			}
			if answer != nil {
				q.set(zone, answer, time.Now())
			}
			exact := shown(q) == left
			due, next := q.dueAt(time.Now())
			if wait := time.Until(next); !exact && len(due) == 0 && wait > settleAge {
				fault = fmt.Sprintf("shows %d of %d, and reads again only after %v", shown(q), left, wait)
				return
			}
			time.Sleep(settleAge)
			read()
			if got := shown(q); got != left {
				fault = fmt.Sprintf("shows %d after a quiet reading, want %d", got, left)
				return
			}
		})
		if fault != "" {
			rt.Fatal(fault)
		}
	})
}

// EdgeOne may have counted a call whose answer is lost, before or after a reading that was under
// way.
func TestUsage_ReadsAgainSoonAfterALostAnswer(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for name, during := range map[string]bool{"during a reading": true, "after it": false} {
		t.Run(name, func(t *testing.T) {
			q := newGate()
			q.Want(urls, now)
			n := q.Reserve(urls, 20, now)
			q.ask(urls.Zone, now)
			if !during {
				q.set(urls.Zone, rows(900), now)
			}
			err := &edgeone.Error{Status: 502, Sent: true}
			lost := Answer{Targets: n, Class: edgeone.Ambiguous, Err: err, Sent: now.Add(time.Millisecond)}
			q.Answered(urls, lost, now.Add(time.Second))
			if during {
				q.set(urls.Zone, rows(900), now.Add(time.Second))
			}
			if _, next := q.dueAt(now.Add(time.Second)); next.Sub(now) != settleAge+time.Second {
				t.Errorf("reads again %v after the answer was lost, want %v", next.Sub(now)-time.Second, settleAge)
			}
			if got := shown(q); got != 900 {
				t.Errorf("shows %d, want the 900 that were read", got)
			}
		})
	}
}
