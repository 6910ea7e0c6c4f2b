package tracker

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/record"
)

// When jobs come faster than they can be asked for one by one, those made in the same second of the server's
// clock are asked for together: rows of the zone that were made in that second are counted, and those that
// are a success. Where both are as many as our jobs have targets, all of them are. It takes that we know of
// every job in which second it was made: of one that may be of either of two, its own poll tells. Where
// anything else was purged in that second, or rows are not told one for each target, counts differ, and
// the jobs are asked for one by one.

// window holds the jobs of one zone that were made in one second.
type window struct {
	zone   string
	second int64
	due    time.Time
	jobs   []*followed
	looks  int
	doubts int
	apart  bool // its counts can't be used
}

const (
	// windowShare is the part of the limit by which jobs must come to be asked for together: one in four.
	windowShare = 4
	windowLeast = 4
	// doubtWait is the wait for jobs of which it is not known yet in which second they were made, doubtMost how
	// often it is waited.
	doubtWait = 250 * time.Millisecond
	doubtMost = 8
	// distrustFirst and distrustLast bound how long a zone's windows are not counted after counts differed.
	distrustFirst, distrustLast = 30 * time.Second, time.Hour
)

// join puts a job that was made in a known second into its window, and reports whether it did; a window that
// is new is returned. It must be called with the lock held.
func (t *Tracker) join(job *followed, due time.Time) (*window, bool) {
	second := job.born.from
	if t.cfg.PerSecond <= 0 || job.Unnamed > 0 {
		return nil, false // its rows have to name its targets
	}
	if s := t.timesOf(job.Type); len(s.recent) == 0 && s.scout == nil {
		s.scout = job
		return nil, false
	}
	if !job.born.known() || job.born.from != job.born.to {
		return nil, false
	}
	z := t.zone(job.Zone)
	if _, begun := t.clock.Bounds(t.since); second <= begun.Unix() || job.tracked.Before(z.distrusted) {
		return nil, false
	}
	w := z.windows[second]
	if w != nil {
		w.jobs = append(w.jobs, job)
		w.due = later(w.due, due)
		return nil, true
	}
	w = &window{zone: job.Zone, second: second, due: due, jobs: []*followed{job}}
	z.windows[second] = w
	z.open[w] = true
	return w, true
}

// ready tells whether it is the time for a turn. If not, it is put off, or a window's jobs are asked for one
// by one.
func (t *Tracker) ready(next turn) bool {
	now := time.Now()
	if next.window == nil {
		if t.unknown(next.job, now) {
			t.turns.Add(now.Add(t.cfg.PollMin), turn{job: next.job})
			return false
		}
		return true
	}
	if t.unknown(t.firstOf(next.window), now) {
		t.turns.Add(now.Add(t.cfg.PollMin), turn{window: next.window})
		return false
	}
	wait, may := t.mayCount(next.window)
	switch {
	case may:
		return true
	case wait > 0:
		t.turns.Add(now.Add(wait), turn{window: next.window})
	default:
		t.apart(next.window)
	}
	return false
}

// firstOf returns the first job of a window that others may still join.
func (t *Tracker) firstOf(w *window) *followed {
	t.mu.Lock()
	defer t.mu.Unlock()
	return w.jobs[0]
}

// mayCount tells whether a window may be counted now; if not, after how long, 0 for never. Nobody joins one
// that may.
func (t *Tracker) mayCount(w *window) (time.Duration, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	z, now := t.zone(w.zone), time.Now()
	if w.looks == 0 && (float64(len(w.jobs)) < max(windowLeast, t.cfg.PerSecond/windowShare) || !t.busy()) || now.Before(z.distrusted) {
		return 0, false
	}
	if wait := t.dueOf(w).Sub(now); wait > 0 {
		return wait, false
	}
	if z.inDoubt(w.second) {
		if w.doubts++; w.doubts > doubtMost {
			return 0, false
		}
		return doubtWait, false
	}
	if z.windows[w.second] == w {
		delete(z.windows, w.second)
	}
	return 0, true
}

// look counts a window. The first call has its place in the pace already.
func (t *Tracker) look(ctx context.Context, w *window) {
	w.looks++
	begun := time.Now()
	done, again, err := t.judge(ctx, w)
	t.answered(w.zone)
	if err != nil && ctx.Err() == nil {
		t.uncounted(w, err, begun)
	}
	now := time.Now()
	var g errgroup.Group
	for _, job := range done {
		job.polls += w.looks
		g.Go(func() error {
			t.end(ctx, job, &record.Outcome{Finished: now})
			return nil
		})
	}
	_ = g.Wait()
	w.jobs = again
	late := len(again) > 0 && now.Sub(again[0].Submitted) >= t.cfg.Deadline // each is to be given up
	if len(again) < windowLeast || w.apart || late {
		t.apart(w)
		return
	}
	t.turns.Add(now.Add(t.backoffOf(w)), turn{window: w})
}

// uncounted does what follows from a count that was refused. While the API is away, the window waits; where
// rows of a time may not be asked for, its jobs are asked for by their ids.
func (t *Tracker) uncounted(w *window, err error, begun time.Time) {
	switch edgeone.Classify(err) {
	case edgeone.Throttled:
		t.pace.Throttled(begun)
	case edgeone.Transient, edgeone.Ambiguous:
		t.failing("count gave no answer", w.zone, err)
	default:
		t.failing("counts are refused, asking for each job", w.zone, err, zap.Duration("for", t.distrust(w)))
	}
}

// failing notes a call that gave no answer. Where none fails in the zone for as long as a job waits at most, that is over.
func (t *Tracker) failing(what, zone string, err error, fields ...zap.Field) {
	t.troubles.Shared(what, zone, zap.String("zone", zone)).FailedUntil(2*t.cfg.PollMax+time.Minute, err, fields...)
}

// backoffOf is the wait until a window is counted again.
func (t *Tracker) backoffOf(w *window) time.Duration {
	job := w.jobs[0]
	job.polls = w.looks
	return t.backoff(job)
}

// judge asks for a window's counts, and tells which of its jobs are a success and which are to be looked at
// again.
func (t *Tracker) judge(ctx context.Context, w *window) (done, again []*followed, err error) {
	at := time.Unix(w.second, 0)
	query := edgeone.TaskQuery{Zone: w.zone, From: at, To: at, Statuses: []string{edgeone.StatusSuccess}, Limit: 1}
	good, err := t.api.PurgeTasks(ctx, query)
	if err != nil {
		return nil, w.jobs, err
	}
	want, own := t.madeIn(w)
	if good.Total >= want {
		agree, err := t.agree(ctx, query, good, want, own)
		if err != nil {
			return nil, w.jobs, err
		}
		if !agree {
			t.differ(w)
			return nil, w.jobs, nil
		}
		if shown, err := t.shown(ctx, w); err != nil || !shown {
			return nil, w.jobs, err
		}
		t.trust(w, good.Tasks)
		return w.jobs, nil, nil
	}
	query.Statuses, query.Limit = t.api.Unsuccessful(), pageRows
	rest, err := t.next(ctx, query)
	if err != nil {
		return nil, w.jobs, err
	}
	switch {
	case good.Total+rest.Total != want || good.Total > 0 && !sample(good, own) || !unsuccessful(rest.Tasks, own):
		t.differ(w)
		return nil, w.jobs, nil
	case rest.Total > len(rest.Tasks):
		return nil, w.jobs, nil
	}
	if shown, err := t.shown(ctx, w); err != nil || !shown {
		return nil, w.jobs, err
	}
	done, again = t.sort(w, rest.Tasks)
	return done, again, nil
}

// shown reports whether the job of a window that was sent last has its rows. Without it, a job of somebody else with as
// many targets could stand in the counts for one of ours that EdgeOne does not list yet.
func (t *Tracker) shown(ctx context.Context, w *window) (bool, error) {
	last := slices.MaxFunc(w.jobs, func(a, b *followed) int { return a.Submitted.Compare(b.Submitted) })
	page, err := t.next(ctx, edgeone.TaskQuery{Zone: w.zone, JobID: last.ID, Limit: 1})
	return page.Total >= last.Rows, err
}

// madeIn returns how many rows the jobs of a window's second have, those that have ended too, and which jobs they are.
func (t *Tracker) madeIn(w *window) (rows int, own func(job string) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	made := t.zone(w.zone).made[w.second]
	if made == nil {
		made = new(cohort)
	}
	return made.rows, func(job string) bool {
		t.mu.Lock()
		defer t.mu.Unlock()
		_, ok := made.jobs[job]
		return ok
	}
}

// unsuccessful reports whether rows are of our jobs, none of them a success, and each of another target.
func unsuccessful(rows []edgeone.Task, own func(string) bool) bool {
	type key struct{ job, target string }
	known := make(map[key]struct{}, len(rows))
	for _, row := range rows {
		if edgeone.Succeeded(row.Status) || !own(row.JobID) {
			return false
		}
		known[key{row.JobID, row.Target}] = struct{}{}
	}
	return len(known) == len(rows)
}

// sort returns which of a window's jobs are a success and which have to be looked at again, by all of its rows that are
// no success.
func (t *Tracker) sort(w *window, rest []edgeone.Task) (done, again []*followed) {
	open := make(map[string]bool)
	failed := make(map[string]bool)
	for _, task := range rest {
		open[task.JobID] = open[task.JobID] || !edgeone.Final(task.Status)
		failed[task.JobID] = true
	}
	for _, job := range w.jobs {
		switch {
		case open[job.ID]:
			again = append(again, job)
		case failed[job.ID]:
			t.turns.Add(time.Now(), turn{job: job}) // its rows tell of each target
		default:
			done = append(done, job)
		}
	}
	return done, again
}

// dueOf is when the last of a window's jobs is worth a look; it must be called with the lock held.
func (t *Tracker) dueOf(w *window) time.Time {
	due := w.due
	if w.looks > 0 {
		return due
	}
	for _, job := range w.jobs {
		if d, ok := t.expectedAfter(job, 0); ok {
			due = later(due, job.Submitted.Add(d))
		}
	}
	return due
}

func sooner(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
