package tracker

import (
	"cmp"
	"context"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

const (
	// pageRows is the most rows of one answer (EdgeOne API docs, DescribePurgeTasks).
	pageRows = 1000
	// settled is how many polls in a row must show one final row alone, of a job of several targets,
	// before it counts for all of them: an API that keeps one row a job shows just that. Any other number
	// of rows below that of the targets is a list of which some are not visible yet.
	settled = 3
	// latest is how many polls past the deadline may bring no answer, or rows that may not be all: about
	// two minutes of an API that is away when a job's new owner comes late.
	latest = 10
)

// poll asks for a job's rows; the outcome is nil while it is not final. The first call has its place
// in the pace already.
func (t *Tracker) poll(ctx context.Context, job *followed) (*record.Outcome, error) {
	job.polls++
	expired := time.Since(job.Submitted) >= t.cfg.Deadline
	if !expired && job.countable() {
		out, err := t.tally(ctx, job)
		if out != nil || err != nil || job.short {
			return out, err
		}
		if err := t.pace.Wait(ctx); err != nil {
			return nil, err
		}
	}
	job.short = false
	tasks, count, err := t.rows(ctx, job, expired)
	job.seen(tasks)
	ended := err == nil && len(tasks) > 0 && final(tasks)
	switch {
	case ended && t.complete(job, count):
		t.learn(job, tasks, time.Now())
		return outcome(job.Type, tasks), nil
	case err == nil && (!ended || len(tasks) != 1):
		job.alone = 0
	}
	if !expired || edgeone.Classify(err) == edgeone.Throttled {
		job.looked = job.looked || err == nil
		return nil, err
	}
	// Past the deadline an answer that is not final is enough to give up. No answer is not; nor is a row
	// that may yet count for all; nor are final rows that are not all, where nobody looked in time: the
	// job may have ended well meanwhile.
	job.late++
	open := err != nil || ended && (len(tasks) == 1 || !job.looked)
	if open && job.late < latest {
		return nil, err
	}
	return t.giveUp(job, tasks), nil
}

// tally counts the successes of a job of many targets: mostly all of them are, and one row has to be read
// instead of all. Where only some are, the rows are worth to be read now; where none is, by the next poll.
func (t *Tracker) tally(ctx context.Context, job *followed) (*record.Outcome, error) {
	page, err := t.api.PurgeTasks(ctx, edgeone.TaskQuery{
		Zone: job.Zone, JobID: job.ID, Statuses: []string{edgeone.StatusSuccess}, Limit: 1,
	})
	if err != nil {
		return nil, err
	}
	job.seen(page.Tasks)
	job.looked = true
	if page.Total < job.Rows {
		job.short = page.Total == 0
		return nil, nil
	}
	now := time.Now()
	t.learn(job, page.Tasks, now)
	return &record.Outcome{Finished: now}, nil
}

// rows reads a job's rows: the first page, and the others where they may decide. count is how many there
// are: a list of several pages tells those of one target once. Beside an error it gives those that were
// read.
func (t *Tracker) rows(ctx context.Context, job *followed, expired bool) (tasks []edgeone.Task, count int, err error) {
	query := edgeone.TaskQuery{Zone: job.Zone, JobID: job.ID, Limit: pageRows}
	page, err := t.api.PurgeTasks(ctx, query)
	if err != nil || !more(page) || !expired && !final(page.Tasks) {
		return page.Tasks, len(page.Tasks), err
	}
	tasks, err = t.all(ctx, query)
	if err != nil && len(tasks) < len(page.Tasks) {
		tasks = page.Tasks
	}
	return tasks, max(page.Total, len(tasks)), err
}

func more(p edgeone.TaskPage) bool { return p.Total > len(p.Tasks) }

func (t *Tracker) all(ctx context.Context, q edgeone.TaskQuery) ([]edgeone.Task, error) {
	var tasks []edgeone.Task
	for task, err := range t.api.AllTasks(ctx, q, t.pace.Wait) {
		if err != nil {
			return tasks, err
		}
		tasks = append(tasks, task)
	}
	return tasks, nil
}

func final(tasks []edgeone.Task) bool {
	for _, task := range tasks {
		if !edgeone.Final(task.Status) {
			return false
		}
	}
	return true
}

// complete tells whether so many final rows are all that the job will have.
func (t *Tracker) complete(job *followed, rows int) bool {
	if rows >= job.Rows {
		return true
	}
	if rows == 1 {
		job.alone++
	}
	return job.alone >= settled
}

// outcome is what final rows say. Where one row stands for all targets, or rows are spelled otherwise
// than targets, those that no row names have what the rows have in common: success only if every row is
// one.
func outcome(typ string, tasks []edgeone.Task) *record.Outcome {
	out := &record.Outcome{Finished: time.Now()}
	for _, task := range tasks {
		r := result(task)
		if r.Code == "" {
			continue
		}
		if out.Named == nil {
			out.Named = make(map[string]record.Result)
		}
		out.Named[echo(typ, task.Target)] = r
		if out.Rest.Code == "" {
			out.Rest = r
		}
	}
	if out.Named == nil {
		return out
	}
	for _, task := range tasks {
		if edgeone.Succeeded(task.Status) {
			out.Named[echo(typ, task.Target)] = record.Result{}
		}
	}
	return out
}

// giveUp is the outcome of a job past its deadline: a target has what its row says, if that is final;
// what is not known to have succeeded has failed.
func (t *Tracker) giveUp(job *followed, tasks []edgeone.Task) *record.Outcome {
	out := &record.Outcome{
		Finished: time.Now(),
		Named:    make(map[string]record.Result, len(tasks)),
		Rest:     record.Result{Code: purge.CodeDeadline, Reason: "not finished within " + t.cfg.Deadline.String(), Again: true},
	}
	for _, task := range tasks {
		if edgeone.Final(task.Status) {
			out.Named[echo(job.Type, task.Target)] = result(task)
		}
	}
	return out
}

func result(task edgeone.Task) record.Result {
	if edgeone.Succeeded(task.Status) {
		return record.Result{}
	}
	return record.Result{
		Code:   cmp.Or(task.FailType, task.Status),
		Reason: cmp.Or(task.FailMessage, "EdgeOne ended the task as "+task.Status),
		Again:  edgeone.Passing(task.Status, task.FailType),
		Spent:  task.FailType == edgeone.FailQuota,
	}
}

func echo(typ, target string) string { return record.Echo(targetType(typ), target) }

func targetType(typ string) purge.Type {
	switch typ {
	case edgeone.TypeURL:
		return purge.URL
	case edgeone.TypePrefix:
		return purge.Prefix
	case edgeone.TypeHost:
		return purge.Host
	case edgeone.TypeTag:
		return purge.Tag
	}
	return purge.All
}
