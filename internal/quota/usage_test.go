package quota

import (
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/internal/edgeone"
)

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
			var answer map[string]edgeone.Quota // of a reading that is under way; nil: it is not there yet
			asked := false
			read := func() {
				q.asking(zone, time.Now())
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
							q.Used(urls, calls[i].n, calls[i].sent, false)
							calls = append(calls[:i:i], calls[i+1:]...)
							break
						}
					}
				case 3:
					if !asked {
						asked = true
						q.asking(zone, time.Now())
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
				if got := q.zones[zone].available(edgeone.TypeURL); got > left+open {
					fault = fmt.Sprintf("shows %d, want at most %d and %d that are not answered yet", got, left, open)
					return
				}
			}
			for _, c := range calls {
				if !c.counted {
					left -= c.n
				}
				q.Used(urls, c.n, c.sent, false)
			}
			if answer != nil {
				q.set(zone, answer, time.Now())
			}
			exact := q.zones[zone].available(edgeone.TypeURL) == left
			due, next := q.dueAt(time.Now())
			if wait := time.Until(next); !exact && len(due) == 0 && wait > settleAge {
				fault = fmt.Sprintf("shows %d of %d, and reads again only after %v", q.zones[zone].available(edgeone.TypeURL), left, wait)
				return
			}
			time.Sleep(settleAge)
			read()
			if got := q.zones[zone].available(edgeone.TypeURL); got != left {
				fault = fmt.Sprintf("shows %d after a quiet reading, want %d", got, left)
				return
			}
		})
		if fault != "" {
			rt.Fatal(fault)
		}
	})
}
