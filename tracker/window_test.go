package tracker_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
	"github.com/edgepurge/edgepurge/tracker"
)

// made is a job that a factory has made.
type made struct {
	id       string
	at       time.Time // by the factory's clock
	rows     int
	failed   int // how many of its first rows fail
	finishes time.Duration
}

// factory is an API that makes jobs and is asked for their rows, by job and by second. Its clock is not ours.
type factory struct {
	t       testing.TB
	ahead   time.Duration
	latency time.Duration
	hidden  time.Duration // until a job's rows are visible
	lone    bool          // it shows one row a job
	refuse  func(edgeone.TaskQuery) error
	twist   func(edgeone.TaskQuery, *edgeone.TaskPage) // answers to counts of a second

	deadline time.Duration // of who follows them; 0: the default

	mu    sync.Mutex
	jobs  []made
	calls int
}

func (f *factory) now() time.Time { return time.Now().Add(f.ahead) }

// create makes a job as the worker does, and gives what is tracked of it.
func (f *factory) create(zone string, m made) record.InFlight {
	sent := time.Now()
	time.Sleep(f.latency / 2)
	f.mu.Lock()
	m.at = f.now()
	f.jobs = append(f.jobs, m)
	f.mu.Unlock()
	date := f.now().Truncate(time.Second)
	time.Sleep(f.latency / 2)
	return record.InFlight{
		Head:      record.Head{Zone: zone, ID: m.id, Type: purge.URL, Rows: m.rows, Submitted: sent, Created: date},
		Sequences: []uint64{1},
	}
}

func (f *factory) Unsuccessful() []string {
	return []string{"processing", "failed", "timeout", "canceled"}
}

func (f *factory) PurgeTasks(_ context.Context, q edgeone.TaskQuery) (edgeone.TaskPage, error) {
	time.Sleep(f.latency)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	var page edgeone.TaskPage
	if f.refuse != nil {
		if err := f.refuse(q); err != nil {
			return page, err
		}
	}
	for _, m := range f.jobs {
		second := m.at.Truncate(time.Second)
		if q.JobID != "" && m.id != q.JobID || q.JobID == "" && (second.Before(q.From) || second.After(q.To)) {
			continue
		}
		for _, row := range f.rows(m) {
			if len(q.Statuses) > 0 && !slices.Contains(q.Statuses, row.Status) {
				continue
			}
			page.Total++
			if len(page.Tasks) < q.Limit {
				page.Tasks = append(page.Tasks, row)
			}
		}
	}
	if f.twist != nil && q.JobID == "" {
		f.twist(q, &page)
	}
	return page, nil
}

func (f *factory) AllTasks(ctx context.Context, q edgeone.TaskQuery, before func(context.Context) error) iter.Seq2[edgeone.Task, error] {
	return func(yield func(edgeone.Task, error) bool) {
		if err := before(ctx); err != nil {
			yield(edgeone.Task{}, err)
			return
		}
		q.Limit = 1 << 20
		page, err := f.PurgeTasks(ctx, q)
		if err != nil {
			yield(edgeone.Task{}, err)
			return
		}
		for _, task := range page.Tasks {
			if !yield(task, nil) {
				return
			}
		}
	}
}

func (f *factory) rows(m made) []edgeone.Task {
	now := f.now()
	if now.Sub(m.at) < f.hidden {
		return nil
	}
	rows := make([]edgeone.Task, m.rows)
	for i := range rows {
		rows[i] = edgeone.Task{
			JobID: m.id, Target: url(i), Type: purge.URL, Status: edgeone.StatusProcessing,
			Created: m.at.Truncate(time.Second), Updated: m.at.Truncate(time.Second),
		}
		if end := m.at.Add(m.finishes); !now.Before(end) {
			rows[i].Updated = end.Truncate(time.Second)
			rows[i].Status = edgeone.StatusSuccess
			if i < m.failed {
				rows[i].Status = edgeone.StatusFailed
			}
		}
	}
	if f.lone {
		return rows[:1]
	}
	return rows
}

// even paces polls.
type even struct {
	mu   sync.Mutex
	next time.Time
	gap  time.Duration
}

func (p *even) Wait(ctx context.Context) error {
	p.mu.Lock()
	at := later(p.next, time.Now())
	p.next = at.Add(p.gap)
	p.mu.Unlock()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(time.Until(at)):
		return nil
	}
}

func (p *even) Throttled(time.Time) {}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// follow has jobs of f made each gap and tracked, and gives how they ended.
func (f *factory) follow(t *testing.T, gap time.Duration, jobs []made, foreign map[int]made) map[string]end {
	t.Helper()
	b := &books{start: time.Now()}
	k := tracker.New(tracker.Config{PerSecond: 20, Deadline: f.deadline}, f, b, &even{gap: 50 * time.Millisecond}, zap.NewNop())
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { _ = k.Run(ctx) })
	for i, m := range jobs {
		if other, ok := foreign[i]; ok {
			f.create(testZone, other)
		}
		done.Go(func() { k.Track(f.create(testZone, m)) })
		time.Sleep(gap)
	}
	for range 3600 {
		time.Sleep(time.Second)
		if k.InFlight() == 0 {
			break
		}
	}
	cancel()
	done.Wait()
	ends := make(map[string]end)
	for _, e := range b.ends {
		if _, twice := ends[e.job.ID]; twice {
			t.Errorf("job %s ended twice", e.job.ID)
		}
		ends[e.job.ID] = e
	}
	return ends
}

func TestTracker_AsksForManyJobsTogether(t *testing.T) {
	for _, tt := range []struct {
		name            string
		latency, lasts  time.Duration
		callsPerJobMost float64
		lagMost         time.Duration // from a job's end to its being told, of 95 in 100
	}{
		{"quick answers", 40 * time.Millisecond, 20 * time.Second, 0.6, 3 * time.Second},
		{"slow answers", 300 * time.Millisecond, 20 * time.Second, 0.95, 3 * time.Second},
		{"quick tasks", 40 * time.Millisecond, 2 * time.Second, 0.7, 3 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &factory{t: t, ahead: 17*time.Minute + 333*time.Millisecond, latency: tt.latency}
				jobs := make([]made, 1200)
				for i := range jobs {
					jobs[i] = made{id: fmt.Sprint("job-", i), rows: 500, finishes: tt.lasts}
				}
				ends := f.follow(t, 50*time.Millisecond, jobs, nil)
				var lags []time.Duration
				for i, m := range f.jobs {
					e, ok := ends[m.id]
					if !ok || of(e, "url", url(0)) != "" || anyFailed(e.out.Rows) {
						t.Fatalf("job %s ended with %+v (%t), want a success", m.id, e.out, ok)
					}
					if i > 200 { // it is known by then how long tasks take
						lags = append(lags, e.out.Finished.Sub(m.at.Add(tt.lasts-f.ahead)))
					}
				}
				slices.Sort(lags)
				if lag := lags[len(lags)*95/100]; lags[0] < 0 || lag > tt.lagMost {
					t.Errorf("told %v to %v after the end, 95 in 100 within %v, want %v", lags[0], lags[len(lags)-1], lag, tt.lagMost)
				}
				t.Logf("%.2f calls a job", float64(f.calls)/float64(len(jobs)))
				if got := float64(f.calls) / float64(len(jobs)); got > tt.callsPerJobMost {
					t.Errorf("%.2f calls a job, want %.2f at most", got, tt.callsPerJobMost)
				}
			})
		})
	}
}

// Whatever else is in the zone, and however rows are told, a job is told as its own rows are.
func TestTracker_CountsTellNoLies(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := &factory{
			t:       t,
			ahead:   time.Duration(rapid.Int64Range(-1e12, 1e12).Draw(rt, "ahead")),
			latency: rapid.SampledFrom([]time.Duration{time.Millisecond, 40 * time.Millisecond, 400 * time.Millisecond}).Draw(rt, "latency"),
			hidden:  rapid.SampledFrom([]time.Duration{0, time.Second, 10 * time.Second}).Draw(rt, "hidden"),
			lone:    rapid.IntRange(0, 5).Draw(rt, "lone") == 0,
		}
		lasts := rapid.SampledFrom([]time.Duration{0, 2 * time.Second, 7 * time.Second}).Draw(rt, "lasts")
		failing := rapid.IntRange(0, 10).Draw(rt, "failing in ten") // mostly few
		// Jobs of one size can be taken for each other by their counts.
		rows, others := rapid.IntRange(1, 40), 0
		if rapid.Bool().Draw(rt, "one size") {
			rows, others = rapid.Just(5), 10
		}
		jobs := make([]made, rapid.IntRange(60, 200).Draw(rt, "jobs"))
		foreign := make(map[int]made)
		for i := range jobs {
			jobs[i] = made{id: fmt.Sprint("job-", i), rows: rows.Draw(rt, "rows"), finishes: lasts}
			if rapid.IntRange(0, 100).Draw(rt, "fails") < failing {
				jobs[i].failed = rapid.IntRange(1, jobs[i].rows).Draw(rt, "failed")
				if f.lone {
					jobs[i].failed = jobs[i].rows
				}
			}
			if rapid.IntRange(0, 100).Draw(rt, "foreign") <= others {
				foreign[i] = made{id: fmt.Sprint("foreign-", i), rows: rows.Draw(rt, "foreign rows"), finishes: lasts}
			}
		}
		synctest.Test(t, func(t *testing.T) {
			ends := f.follow(t, 50*time.Millisecond, jobs, foreign)
			for _, m := range jobs {
				e, ok := ends[m.id]
				if !ok {
					t.Fatalf("job %s has not ended", m.id)
				}
				for i := range m.rows {
					if got := of(e, "url", url(i)); (got != "") != (i < m.failed) {
						t.Fatalf("job %s: target %d has code %q, and the first %d should have failed", m.id, i, got, m.failed)
					}
				}
			}
		})
	})
}

// crowd is so many jobs that they are counted together once it is known how long tasks take.
func crowd(lasts func(i int) time.Duration) []made {
	jobs := make([]made, 400)
	for i := range jobs {
		jobs[i] = made{id: fmt.Sprint("job-", i), rows: 30, finishes: lasts(i)}
	}
	return jobs
}

// Where rows of a time can't be asked for, jobs are asked for by their ids.
func TestTracker_DoesWithoutCountsThatAreRefused(t *testing.T) {
	for _, code := range []string{"InvalidParameter.ParameterError", "OperationDenied", "UnauthorizedOperation.CamUnauthorized", "SomethingNew"} {
		t.Run(code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				counts := 0
				f := &factory{t: t, latency: 40 * time.Millisecond, refuse: func(q edgeone.TaskQuery) error {
					if q.JobID != "" {
						return nil
					}
					counts++
					return &edgeone.Error{Code: code, Sent: true}
				}}
				jobs := crowd(func(int) time.Duration { return 5 * time.Second })
				ends := f.follow(t, 50*time.Millisecond, jobs, nil)
				for _, m := range jobs {
					if e, ok := ends[m.id]; !ok || of(e, "url", url(0)) != "" || anyFailed(e.out.Rows) {
						t.Fatalf("job %s ended with %+v (%t), want a success", m.id, e.out, ok)
					}
				}
				if counts == 0 || counts > 10 {
					t.Errorf("%d counts were refused, want a few", counts)
				}
			})
		})
	}
}

// Jobs that are counted together are given up at their deadline like any other.
func TestTracker_GivesUpWhatIsCountedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{t: t, latency: 40 * time.Millisecond, deadline: 2 * time.Minute}
		jobs := crowd(func(i int) time.Duration {
			if i < 100 {
				return 5 * time.Second
			}
			return 1000 * time.Hour
		})
		ends := f.follow(t, 50*time.Millisecond, jobs, nil)
		for i, m := range jobs {
			want := ""
			if i >= 100 {
				want = "Deadline"
			}
			if e, ok := ends[m.id]; !ok || of(e, "url", url(0)) != want {
				t.Fatalf("job %s ended with %+v (%t), want %q", m.id, e.out, ok, want)
			}
		}
	})
}

// Counts of a second that contradict each other, and rows that do not say whose they are, end no job.
func TestTracker_BelievesNoCountOfASecondAlone(t *testing.T) {
	for name, twist := range map[string]func(q edgeone.TaskQuery, page *edgeone.TaskPage){
		"the count ignores the statuses": func(_ edgeone.TaskQuery, page *edgeone.TaskPage) { page.Total = 600 },
		"failed rows name no job": func(_ edgeone.TaskQuery, page *edgeone.TaskPage) {
			for i := range page.Tasks {
				if page.Tasks[i].Status != edgeone.StatusSuccess {
					page.Tasks[i].JobID = ""
				}
			}
		},
		"failed rows are the first one's": func(_ edgeone.TaskQuery, page *edgeone.TaskPage) {
			for i := range page.Tasks {
				page.Tasks[i] = page.Tasks[0]
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				twisted := 0
				f := &factory{t: t, latency: 40 * time.Millisecond}
				f.twist = func(q edgeone.TaskQuery, page *edgeone.TaskPage) { twisted++; twist(q, page) }
				jobs := crowd(func(int) time.Duration { return 5 * time.Second }) // 20 a second, of 30 rows
				for i := range jobs {
					if i%7 == 0 {
						jobs[i].failed = 1 + i%3
					}
				}
				ends := f.follow(t, 50*time.Millisecond, jobs, nil)
				for _, m := range jobs {
					e, ok := ends[m.id]
					for i := range m.rows {
						if got := of(e, "url", url(i)); !ok || (got != "") != (i < m.failed) {
							t.Fatalf("job %s (%t): target %d has code %q, and the first %d should have failed", m.id, ok, i, got, m.failed)
						}
					}
				}
				if twisted == 0 {
					t.Error("no second was counted")
				}
			})
		})
	}
}
