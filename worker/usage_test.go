package worker

import (
	"crypto/rand"
	"fmt"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/metrics"
	"github.com/edgepurge/edgepurge/purge"
)

// ofURLs gives the quota of URLs in the zone of the fakes.
func ofURLs(t *testing.T, k *Worker) metrics.Quota {
	t.Helper()
	for _, q := range k.Quotas() {
		if q.Type == edgeone.TypeURL {
			return q
		}
	}
	t.Fatal("no quota of URLs is known")
	return metrics.Quota{}
}

func TestQuotas_ShowWhatIsLeftNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var mu sync.Mutex
		left, reads := 1000, 0
		w.create = func(p edgeone.Purge) (edgeone.Created, error) {
			mu.Lock()
			defer mu.Unlock()
			left -= len(p.Targets)
			return accept(p)
		}
		w.quota = func() (map[string]edgeone.Quota, error) {
			mu.Lock()
			defer mu.Unlock()
			reads++
			return rows(left), nil
		}
		k := w.worker()
		stop := w.run(t, k)
		begun := time.Now()
		w.give(t, purge.Bulk, 1, purge.Request{Targets: pages(30)})
		w.until(func() bool { return len(w.acked) == 1 })
		if q := ofURLs(t, k); q.Available != 970 || reads != 1 {
			t.Errorf("got %d left after 30 of 1000 and %d readings, want 970 by one reading", q.Available, reads)
		}
		if q := ofURLs(t, k); q.Read.Before(begun) || q.Read.After(time.Now()) {
			t.Errorf("got a reading of %v, want one since %v", q.Read, begun)
		}

		// Another tool purges 100: seen a minute after the reading, since something was submitted.
		mu.Lock()
		left -= 100
		mu.Unlock()
		time.Sleep(usedAge + time.Second)
		if q := ofURLs(t, k); q.Available != 870 || reads != 2 || time.Since(q.Read) > 2*time.Second {
			t.Errorf("got %d left after %d readings, the last at %v, want 870 after two", q.Available, reads, q.Read)
		}

		// While nothing is submitted there is no reading but that of ten minutes.
		time.Sleep(quotaAge - 2*usedAge)
		if reads != 2 {
			t.Errorf("got %d readings, want no more: nothing was submitted", reads)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A batch of which EdgeOne lists targets as refused may be charged in either way: the reading decides, soon.
func TestQuotas_AreReadSoonWhereACallMayCountOtherwise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var mu sync.Mutex
		left := 1000
		w.create = func(p edgeone.Purge) (edgeone.Created, error) {
			mu.Lock()
			defer mu.Unlock()
			left -= len(p.Targets) // the refused ones are charged too
			return edgeone.Created{JobID: rand.Text(), Refused: []edgeone.Refusal{{Reason: "bad", Targets: p.Targets[:1]}}}, nil
		}
		w.quota = func() (map[string]edgeone.Quota, error) {
			mu.Lock()
			defer mu.Unlock()
			return rows(left), nil
		}
		k := w.worker()
		stop := w.run(t, k)
		w.give(t, purge.Bulk, 1, purge.Request{Targets: pages(30)})
		w.until(func() bool { return len(w.acked) == 1 })
		time.Sleep(settleAge + time.Second)
		if q := ofURLs(t, k); q.Available != 970 {
			t.Errorf("got %d left, want the 970 that EdgeOne counts", q.Available)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// Calls and readings overlap in every way: what is shown is never more than what is left, and exact once a reading was
// made with no call in flight.
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
			q := newQuotas()
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
			q.want(zone, time.Now())
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
							q.used(zone, edgeone.TypeURL, calls[i].n, calls[i].sent, false)
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
				q.used(zone, edgeone.TypeURL, c.n, c.sent, false)
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
