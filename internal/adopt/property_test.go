package adopt

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/internal/edgeone"
)

// plan is what happens to one call.
type plan struct {
	at      time.Duration // when it is sent
	made    time.Duration // how long after that its job is made; negative: never
	ended   time.Duration // how long after that it is answered, or its answer is lost
	lost    bool
	urgent  bool
	targets []string
}

// use is a job that a call was given, by its answer or by Find.
type use struct {
	job  string
	sent time.Time
}

func plans(t *rapid.T) []plan {
	sets := [][]string{{"a"}, {"b"}, {"a", "b"}, {"b", "c"}}
	within := func(label string, from, to time.Duration) time.Duration {
		const step = 50 * time.Millisecond
		return step * time.Duration(rapid.IntRange(int(from/step), int(to/step)).Draw(t, label))
	}
	all := make([]plan, rapid.IntRange(1, 12).Draw(t, "calls"))
	for i := range all {
		all[i] = plan{
			at: within("at", 0, 8*time.Second), made: within("made", -time.Second/2, 2*time.Second),
			ended: within("ended", 0, 3*time.Second), lost: rapid.IntRange(0, 2).Draw(t, "lost") > 0,
			urgent: rapid.Bool().Draw(t, "urgent"), targets: rapid.SampledFrom(sets).Draw(t, "targets"),
		}
	}
	return all
}

// Whatever is lost and whatever is slow: no job is given to two calls, and none to a call that was
// sent after the job was made (I4).
func TestFinder_GivesAJobToOneCallSentBeforeIt(t *testing.T) {
	t.Parallel()
	found := 0
	rapid.Check(t, func(r *rapid.T) {
		all, hidden := plans(r), time.Duration(rapid.IntRange(0, 3).Draw(r, "hidden"))*time.Second
		var a *api
		var uses []use
		synctest.Test(t, func(t *testing.T) {
			a = &api{hidden: hidden}
			f := a.finder()
			a.readClock(t, f)
			var mu sync.Mutex
			note := func(created edgeone.Created, sent time.Time, byFind bool) {
				mu.Lock()
				defer mu.Unlock()
				if uses = append(uses, use{created.JobID, sent}); byFind {
					found++
				}
			}
			var calls sync.WaitGroup
			for _, p := range all {
				calls.Go(func() { p.run(t.Context(), a, f, note) })
			}
			calls.Wait()
			f.Wait()
		})
		made := make(map[string]time.Time)
		for _, row := range a.rows {
			made[row.JobID] = row.made
		}
		used := make(map[string]bool)
		for _, u := range uses {
			if used[u.job] {
				r.Errorf("%s was given to two calls", u.job)
			}
			if used[u.job] = true; made[u.job].Before(u.sent) {
				r.Errorf("%s was made %v before the call it was given to", u.job, u.sent.Sub(made[u.job]))
			}
		}
	})
	if found == 0 {
		t.Error("no job was found in all of it: it shows nothing")
	}
}

func (p plan) run(ctx context.Context, a *api, f *Finder, note func(edgeone.Created, time.Time, bool)) {
	time.Sleep(p.at)
	sent := time.Now()
	c := f.Begin(urls(p.targets...), sent)
	var answer edgeone.Created
	if p.made >= 0 {
		time.Sleep(p.made)
		answer = a.create(c.purge)
	}
	time.Sleep(p.ended)
	if !p.lost && answer.JobID != "" {
		if f.End(c, edgeone.Done, answer) == Own {
			note(answer, sent, false)
		}
		return
	}
	f.End(c, edgeone.Ambiguous, edgeone.Created{})
	f.Find(ctx, c, p.urgent, func(created edgeone.Created, ok bool) {
		if ok {
			note(created, sent, true)
		}
	})
}
