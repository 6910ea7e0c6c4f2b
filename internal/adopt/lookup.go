package adopt

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// maxCandidates is how many jobs with a target of the call are compared at most. There are more
// only where the same target is purged all the time.
const maxCandidates = 8

// lookup reads the jobs made since the call that have one of its targets, the oldest first, and
// claims the one whose rows equal the call. It returns the zero Task if there is none.
func (f *Finder) lookup(ctx context.Context, c *Call) (edgeone.Task, error) {
	from, to, ok := f.log.createdRange(c, time.Now())
	if !ok {
		return edgeone.Task{}, nil
	}
	p := c.purge
	candidates, err := f.candidates(ctx, edgeone.TaskQuery{
		Zone: p.Zone, Type: p.Type, Target: plainest(p.Targets),
		From: from.Add(-edgeone.Precision), To: to.Add(edgeone.Precision),
	})
	if err != nil {
		return edgeone.Task{}, err
	}
	for _, job := range candidates {
		equal, err := f.equals(ctx, p, job.JobID, from)
		if err != nil {
			return edgeone.Task{}, err
		}
		if equal && f.log.claim(job.JobID, c, time.Now()) {
			return job, nil
		}
	}
	return edgeone.Task{}, nil
}

// candidates returns a row of each job that no known call made, the oldest first. It returns none
// if there are very many, because to read them all would take calls that the tracker needs.
func (f *Finder) candidates(ctx context.Context, q edgeone.TaskQuery) ([]edgeone.Task, error) {
	var found []edgeone.Task
	for task, err := range f.cfg.API.AllTasks(ctx, q, f.cfg.Pace.Wait) {
		if err != nil {
			return nil, err
		}
		seen := slices.ContainsFunc(found, func(t edgeone.Task) bool { return t.JobID == task.JobID })
		if seen || task.JobID == "" || !f.log.isUnknown(task.JobID) {
			continue
		}
		if found = append(found, task); len(found) > maxCandidates {
			return nil, nil
		}
	}
	slices.SortStableFunc(found, func(a, b edgeone.Task) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.JobID, b.JobID))
	})
	return found, nil
}

// equals reports whether the rows of a job together are what p asked for, and none was made before
// from. Where the API keeps one row for a whole job, only calls of one target can equal a job. What
// rows do not have is not compared: the hosts that a tag is limited to, and the one target of type
// all.
func (f *Finder) equals(ctx context.Context, p edgeone.Purge, job string, from time.Time) (bool, error) {
	missing := make(map[string]struct{}, len(p.Targets))
	for _, target := range p.Targets {
		missing[record.Echo(p.Type, target)] = struct{}{}
	}
	wanted, rows := len(missing), 0
	for task, err := range f.cfg.API.AllTasks(ctx, edgeone.TaskQuery{Zone: p.Zone, JobID: job}, f.cfg.Pace.Wait) {
		if err != nil {
			return false, err
		}
		rows++
		latest := task.Created.Add(edgeone.Precision) // CreateTime is cut to the second
		if task.JobID != job || task.Type != p.Type || !methodFits(p, task.Method) || !latest.After(from) {
			return false, nil
		}
		if p.Type == purge.All {
			continue
		}
		if delete(missing, record.Echo(p.Type, task.Target)); rows != wanted-len(missing) {
			return false, nil // a target that p does not have, or has once only
		}
	}
	return rows > 0 && len(missing) == 0, nil
}

// methodFits reports whether a row has the method that p asked for, as far as both have one.
func methodFits(p edgeone.Purge, method string) bool {
	if method == "" || p.Type == purge.URL || p.Type == purge.Tag {
		return true
	}
	return method == cmp.Or(p.Method, string(purge.Invalidate)) // the API's default (API docs, CreatePurgeTask)
}

// plainest returns the target to look for, if possible one without escapes: the API may spell those
// differently.
func plainest(targets []string) string {
	if i := slices.IndexFunc(targets, func(s string) bool { return !strings.Contains(s, "%") }); i >= 0 {
		return targets[i]
	}
	if len(targets) > 0 {
		return targets[0]
	}
	return ""
}
