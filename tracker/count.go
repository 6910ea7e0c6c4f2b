package tracker

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/record"
)

// countable reports whether counts may end the job: one whose rows take more calls than the counts. The rows of every
// other job are one answer, and a stronger proof.
func (t *Tracker) countable(job *followed) bool {
	return job.Rows > pageRows && job.Unnamed == 0 && !job.short && !job.differs && job.alone == 0 && job.same == 0
}

// countSuccesses ends a job by counts: mostly all targets are a success, and three rows are read instead of
// all. Where only some are, the rows are worth reading now; where none is, by the next poll.
func (t *Tracker) countSuccesses(ctx context.Context, job *followed) (*record.Outcome, error) {
	query := edgeone.TaskQuery{Zone: job.Zone, JobID: job.ID, Limit: 1}
	query.Statuses = []string{edgeone.StatusSuccess}
	good, err := t.api.PurgeTasks(ctx, query)
	if err != nil {
		return nil, err
	}
	job.looked = true
	own := func(id string) bool { return id == job.ID }
	if good.Total < job.Rows {
		job.short = good.Total == 0
		return nil, nil
	}
	agree, err := t.agree(ctx, query, good, job.Rows, own)
	if err != nil {
		return nil, err
	}
	if !agree {
		job.differs = true
		t.log.Warn("counts of a job's tasks contradict each other, reading its rows",
			zap.String("job", job.ID), zap.String("zone", job.Zone))
		return nil, nil
	}
	now := time.Now()
	job.seen(good.Tasks)
	t.learn(job, good.Tasks, now)
	return &record.Outcome{Finished: now}, nil
}

// agree reports whether counts say in each way that there are so many rows and that all are a success: good, which is
// that of the successes, that of all rows, and that of the others; and whether the row beside each is what was asked
// for. own reports whether a job is one of those that were asked for.
func (t *Tracker) agree(ctx context.Context, q edgeone.TaskQuery, good edgeone.TaskPage, want int, own func(string) bool) (bool, error) {
	if good.Total != want || !sample(good, own) {
		return false, nil
	}
	q.Statuses = nil
	all, err := t.next(ctx, q)
	if err != nil || all.Total != want || !sample(all, own) {
		return false, err
	}
	q.Statuses = t.api.Unsuccessful()
	rest, err := t.next(ctx, q)
	return err == nil && rest.Total == 0, err
}

// sample reports whether the one row that stands for those counted is a success of one of our jobs.
func sample(p edgeone.TaskPage, own func(string) bool) bool {
	return len(p.Tasks) == 1 && edgeone.Succeeded(p.Tasks[0].Status) && own(p.Tasks[0].JobID)
}

// next makes a call that has no place in the pace yet.
func (t *Tracker) next(ctx context.Context, q edgeone.TaskQuery) (edgeone.TaskPage, error) {
	if err := t.pace.Wait(ctx); err != nil {
		return edgeone.TaskPage{}, err
	}
	return t.api.PurgeTasks(ctx, q)
}
