package worker

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

const (
	// looksAtOnce bounds the batches whose job is looked for; while more answers than that are lost, the
	// API is away, and whether a job came of them can't be told either.
	looksAtOnce = 32
	// likeJobs is how many jobs with a target of the batch are told apart at most: there are more only
	// where the same is purged all the time.
	likeJobs = 8
)

// lookTimes tells how long after the loss of its answer a batch is looked for. EdgeOne does not tell how soon
// a new job shows: when the last look finds none, it is believed that there is none. Urgent batches
// don't wait for the third.
func lookTimes(urgent bool) []time.Duration {
	if urgent {
		return []time.Duration{500 * time.Millisecond, 1500 * time.Millisecond}
	}
	return []time.Duration{500 * time.Millisecond, 1500 * time.Millisecond, 4 * time.Second}
}

// Known tells of a job that an earlier owner made, before Run: it is none that a lost answer named.
func (w *Worker) Known(job string) { w.traces.learn(job) }

// adopt looks for the job that a batch may have become though its answer is lost, and goes on with it as
// if it had been answered. In doubt, or if there is none, the batch is sent again: to purge twice does
// no harm, to follow the wrong job would. It does not block; Run waits for its end.
func (w *Worker) adopt(ctx context.Context, batch *batcher.Batch[waiter], lostBy error, sent time.Time) {
	if !w.traces.enter(looksAtOnce) {
		w.traces.leave(batch)
		w.lost(batch.Group, lostBy, sent)
		w.again(batch, w.retryAfter(batch))
		return
	}
	w.looks.Go(func() {
		defer w.traces.exit()
		lost := time.Now()
		created, found := w.lookFor(ctx, batch, sent)
		if ctx.Err() != nil && !found {
			return // the messages come again, to the next owner
		}
		if !found {
			w.traces.leave(batch)
			w.lost(batch.Group, lostBy, sent)
			w.again(batch, max(0, w.retryAfter(batch)-time.Since(lost)))
			return
		}
		w.Log.Info("job adopted, whose answer was lost", zap.String("job", created.JobID), zap.String("zone", batch.Group.Zone),
			zap.String("type", batch.Group.Type), zap.Int("targets", len(batch.Slots)), zap.Duration("after", time.Since(lost)))
		w.Metrics.Adopted()
		w.cleared(batch)
		w.record(ctx, batch, created, sent)
	})
}

// lookFor looks until the job is found or there can be none. A look that is not answered is made again with the next;
// what can't be read then is in doubt.
func (w *Worker) lookFor(ctx context.Context, batch *batcher.Batch[waiter], sent time.Time) (edgeone.Created, bool) {
	lost, p := time.Now(), w.purge(batch)
	for _, after := range lookTimes(batch.Urgent) {
		if !sleep(ctx, after-time.Since(lost)) {
			return edgeone.Created{}, false
		}
		begun := time.Now()
		job, made, err := w.look(ctx, batch, p, sent)
		if err != nil {
			w.Log.Debug("job of a lost answer not looked for", zap.String("zone", p.Zone), zap.Error(err))
			switch edgeone.Classify(err) {
			case edgeone.Throttled:
				w.Look.Throttled(begun)
			case edgeone.Ambiguous, edgeone.Transient:
			default:
				return edgeone.Created{}, false
			}
		}
		if job != "" {
			return edgeone.Created{JobID: job, ServerTime: made}, true
		}
	}
	return edgeone.Created{}, false
}

// look goes through the jobs of the time since the call that have one of its targets, the oldest first,
// and takes the one that is equal in all that EdgeOne tells.
func (w *Worker) look(ctx context.Context, batch *batcher.Batch[waiter], p edgeone.Purge, sent time.Time) (string, time.Time, error) {
	from, to, ok := w.traces.since(sent, time.Now())
	if !ok {
		return "", time.Time{}, nil
	}
	like, err := w.like(ctx, edgeone.TaskQuery{
		Zone: p.Zone, Type: p.Type, Target: plainest(p.Targets), From: from.Add(-edgeone.Precision), To: to.Add(edgeone.Precision),
	})
	if err != nil {
		return "", time.Time{}, err
	}
	for _, job := range like {
		same, err := w.same(ctx, p, job.JobID, from)
		if err != nil {
			return "", time.Time{}, err
		}
		if same && w.traces.claim(job.JobID, batch, time.Now()) {
			return job.JobID, job.Created, nil
		}
	}
	return "", time.Time{}, nil
}

// like gives a row of each job that is nobody's, the oldest first; of very many none, for to read them all
// would take the calls that others are followed by.
func (w *Worker) like(ctx context.Context, q edgeone.TaskQuery) ([]edgeone.Task, error) {
	var found []edgeone.Task
	for task, err := range w.API.AllTasks(ctx, q, w.Look.Wait) {
		if err != nil {
			return nil, err
		}
		seen := slices.ContainsFunc(found, func(t edgeone.Task) bool { return t.JobID == task.JobID })
		if seen || task.JobID == "" || !w.traces.strange(task.JobID) {
			continue
		}
		if found = append(found, task); len(found) > likeJobs {
			return nil, nil
		}
	}
	slices.SortStableFunc(found, func(a, b edgeone.Task) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.JobID, b.JobID))
	})
	return found, nil
}

// same tells whether all rows of a job together are what p asked for, and none was made before from. Where
// the API keeps one row for a whole job, only calls of one target can be compared. What rows don't tell
// is not compared: hosts that a tag is limited to, and the one target of type all.
func (w *Worker) same(ctx context.Context, p edgeone.Purge, job string, from time.Time) (bool, error) {
	typ := purgeType(p.Type)
	missing := make(map[string]struct{}, len(p.Targets))
	for _, target := range p.Targets {
		missing[record.Echo(typ, target)] = struct{}{}
	}
	wanted, rows := len(missing), 0
	for task, err := range w.API.AllTasks(ctx, edgeone.TaskQuery{Zone: p.Zone, JobID: job}, w.Look.Wait) {
		if err != nil {
			return false, err
		}
		rows++
		made := task.Created.Add(edgeone.Precision) // at the latest: CreateTime is cut
		if task.JobID != job || task.Type != p.Type || !methodFits(p, task.Method) || !made.After(from) {
			return false, nil
		}
		if p.Type != edgeone.TypeAll {
			delete(missing, record.Echo(typ, task.Target))
		}
		if p.Type != edgeone.TypeAll && rows != wanted-len(missing) {
			return false, nil // a target that is not p's
		}
	}
	return rows > 0 && len(missing) == 0, nil
}

// methodFits tells whether a row has the method that p asked for, where p can and the row tells.
func methodFits(p edgeone.Purge, method string) bool {
	if method == "" || p.Type == edgeone.TypeURL || p.Type == edgeone.TypeTag {
		return true
	}
	return method == cmp.Or(p.Method, string(purge.Invalidate)) // the API's default (API docs, CreatePurgeTask)
}

// plainest is the target to look for: rather one without escapes, which the API may spell otherwise.
func plainest(targets []string) string {
	if i := slices.IndexFunc(targets, func(s string) bool { return !strings.Contains(s, "%") }); i >= 0 {
		return targets[i]
	}
	if len(targets) > 0 {
		return targets[0]
	}
	return ""
}

func purgeType(api string) purge.Type {
	for _, t := range []purge.Type{purge.Prefix, purge.Host, purge.Tag, purge.All} {
		if apiType(t) == api {
			return t
		}
	}
	return purge.URL
}
