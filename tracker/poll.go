package tracker

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/record"
)

const (
	// pageRows is the most rows of one answer (EdgeOne API docs, DescribePurgeTasks).
	pageRows = 1000
	// settled is how many polls in a row must show the same before it counts: one final row alone of a job of
	// several targets, which an API that keeps one row a job shows, or as many final rows as there are targets of
	// which some are the same. Any other number of rows below that of the targets is a list of which some are not
	// visible yet.
	settled = 3
	// latest is how many polls past the deadline may bring no answer, or rows that may not be all: about
	// two minutes of an API that is away when a job's new leader comes late.
	latest = 10
)

// poll asks for a job's rows; the outcome is nil while it is not final. The first call has its place
// in the pace already.
func (t *Tracker) poll(ctx context.Context, job *followed) (*record.Outcome, error) {
	job.polls++
	expired := time.Since(job.Submitted) >= t.cfg.Deadline
	if !expired && t.countable(job) {
		out, err := t.countSuccesses(ctx, job)
		if out != nil || err != nil || job.short {
			return out, err
		}
		if err := t.pace.Wait(ctx); err != nil {
			return nil, err
		}
	}
	job.short = false
	list, err := t.rows(ctx, job, expired)
	job.seen(list.own)
	ended := err == nil && list.final()
	switch {
	case ended && t.complete(job, list):
		t.learn(job, list.own, time.Now())
		return t.outcome(job, list), nil
	case err == nil && (!ended || len(list.own) != 1):
		job.alone = 0
	}
	if err == nil && (!ended || list.count < job.Expected()) {
		job.same = 0
	}
	if !expired || edgeone.Classify(err) == edgeone.Throttled {
		job.looked = job.looked || err == nil
		return nil, err
	}
	// Past the deadline an answer that is not final is enough to give up. No answer is not; nor is a row
	// that may yet count for all; nor are final rows that are not all, where nobody looked in time: the
	// job may have ended well meanwhile.
	job.late++
	open := err != nil || ended && (len(list.own) == 1 || !job.looked)
	if open && job.late < latest {
		return nil, err
	}
	return t.giveUp(list.own), nil
}

// errTooManyPages says that a list goes on after more pages than its job can have.
var errTooManyPages = errors.New("the list of the job's tasks has more pages than the job has targets for")

// listing is what a poll read of a job's rows.
type listing struct {
	own   []edgeone.Task // the job's rows
	count int            // of them, those included that were listed again
	names int            // distinct targets
}

// take adds rows, without those of other jobs and those that do not say whose they are.
func (l *listing) take(job *followed, tasks []edgeone.Task) (foreign int) {
	known := make(map[string]struct{}, len(tasks))
	for _, task := range tasks {
		if task.JobID != job.ID {
			foreign++
			continue
		}
		known[task.Target] = struct{}{}
		l.own = append(l.own, task)
	}
	l.count, l.names = len(l.own), len(known)
	return foreign
}

// final reports whether there are rows and none of them is open.
func (l *listing) final() bool {
	for _, task := range l.own {
		if !edgeone.Final(task.Status) {
			return false
		}
	}
	return len(l.own) > 0
}

// rows reads a job's rows: the first page, and the others where they may decide. Beside an error it returns those that
// were read.
func (t *Tracker) rows(ctx context.Context, job *followed, expired bool) (listing, error) {
	var list listing
	query := edgeone.TaskQuery{Zone: job.Zone, JobID: job.ID, Limit: pageRows}
	page, err := t.api.PurgeTasks(ctx, query)
	foreign := list.take(job, page.Tasks)
	if foreign > 0 {
		t.log.Warn("rows of another job in the list of a job: not counted", zap.String("job", job.ID),
			zap.String("zone", job.Zone), zap.Int("rows", foreign))
	}
	// Nobody reads on where the rows of all targets are here, whatever the count says; nor in a list with rows of others,
	// which does not obey the filter, and may be as long as the zone's week.
	enough := list.names >= job.Expected() || foreign > 0 || page.Total <= len(page.Tasks) && len(page.Tasks) < pageRows
	if err != nil || enough || !expired && !list.final() {
		return list, err
	}
	tasks, err := t.all(ctx, query, job.Rows)
	if err != nil && len(tasks) < len(page.Tasks) {
		return list, err
	}
	whole := listing{}
	whole.take(job, tasks)
	if whole.names >= job.Expected() {
		return whole, nil
	}
	whole.count = max(whole.count, min(page.Total, job.Rows)) // a list of several pages shows the rows of one target once
	return whole, err
}

// all reads the rows of a job of so many targets. It makes no more calls than these take, whatever count the API gives.
func (t *Tracker) all(ctx context.Context, q edgeone.TaskQuery, targets int) ([]edgeone.Task, error) {
	var tasks []edgeone.Task
	calls := 0
	before := func(ctx context.Context) error {
		if calls++; calls > targets/pageRows+2 {
			return errTooManyPages
		}
		return t.pace.Wait(ctx)
	}
	for task, err := range t.api.AllTasks(ctx, q, before) {
		if err != nil {
			return tasks, err
		}
		tasks = append(tasks, task)
	}
	return tasks, nil
}

// complete reports whether final rows are all that the job will have.
func (t *Tracker) complete(job *followed, list listing) bool {
	want := job.Expected()
	if list.names > 1 {
		t.sawRows()
	}
	switch {
	case list.names >= want:
		return true
	case list.count >= want: // some are the same: rows may have moved while they were read
		job.same++
		return job.same >= settled
	case list.count == 1 && !t.rowPerTarget():
		job.alone++
		return job.alone >= settled
	}
	return false
}
