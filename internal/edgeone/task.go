package edgeone

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/edgepurge/edgepurge/purge"
)

const (
	actionTasks = "DescribePurgeTasks"
	// tasksLimit is the most rows of a page (EdgeOne API docs); the API's own default of 20 would hide
	// the rest of a job.
	tasksLimit = 1000
)

// TaskQuery chooses tasks: by job, or by time of creation, at most 7 days wide. Everything that is
// set must hold; a zero field is not sent.
type TaskQuery struct {
	// Zone is required by the API.
	Zone string
	// JobID chooses the rows of one job.
	JobID string
	// From and To, both included, are sent in whole seconds, widened where they are not.
	From, To time.Time
	// Statuses chooses rows in one of them, at most 20. The words are the version's: 2022-01-06 has no
	// canceled, 2022-09-01 no invalid, and each refuses the other's.
	Statuses []string
	// Domains chooses rows whose target is on one of these hosts, at most 20 (2022-01-06: 100).
	Domains []string
	// Type chooses rows of one type.
	Type purge.Type
	// Target is one target, matched exactly.
	Target string
	// Offset is the first row. AllTasks does not use it. In 2022-01-06 it must be 0, for it is not clear
	// what the API counts by it.
	Offset int
	// Limit is the most rows of a page; 0 or more than 1000 is 1000.
	Limit int
}

func (q TaskQuery) limit() int {
	return min(max(cmp.Or(q.Limit, tasksLimit), 1), tasksLimit)
}

// Task is the state of one target of one job. A field that the answer does not have is zero.
type Task struct {
	JobID, Target, Method string
	// Type is EdgeOne's name if package purge does not have the type.
	Type purge.Type
	// Status is read by Final and Succeeded.
	Status string
	// FailType and FailMessage say why it did not succeed.
	FailType, FailMessage string
	// Created and Updated are zero if absent or not a time.
	Created, Updated time.Time
}

// TaskPage is some rows and the number of all. Total is never less than what was seen.
type TaskPage struct {
	Total int
	Tasks []Task
}

// PurgeTasks reads one page: one call. An empty page right after CreatePurge is normal. The error
// is an *Error.
func (c *Client) PurgeTasks(ctx context.Context, q TaskQuery) (TaskPage, error) {
	if q.Offset != 0 && c.api.traits().vagueOffset {
		err := fmt.Errorf("%w: what Offset counts in %s is not clear: read all pages", errLacking, version20220106)
		return TaskPage{}, c.newError(&exchange{action: actionTasks}, err)
	}
	p, err := c.tasks(ctx, q)
	if err != nil {
		return TaskPage{}, err
	}
	return TaskPage{Total: max(p.total, q.Offset+p.seen), Tasks: p.rows}, nil
}

// AllTasks reads all rows of q, page by page, each (job, target) once, though rows may move between
// pages while they are read. before, if not nil, is called ahead of each call, so that the caller
// keeps the pace; its error ends the list. The order is the API's.
//
// In 2022-01-06, where Offset may count rows or pages, q.Limit is not used, and a list of more than
// 1,000 rows costs one call more where it counts pages.
//
// An error, always an *Error, is the last item. A list of more than 100,000 rows ends in one of
// class TooLarge after as many: ask for a narrower window. One that ends short of its count ends in
// one of class Transient.
func (c *Client) AllTasks(ctx context.Context, q TaskQuery, before func(context.Context) error) iter.Seq2[Task, error] {
	vague := c.api.traits().vagueOffset
	if vague {
		q.Limit = tasksLimit // by the largest pages, rows and pages are told apart with the second call
	}
	l := listing[Task, taskKey]{
		action: actionTasks,
		limit:  q.limit(),
		vague:  vague,
		before: before,
		fetch: func(ctx context.Context, offset int) (page[Task], error) {
			at := q
			at.Offset = offset
			return c.tasks(ctx, at)
		},
		key: func(t Task) taskKey { return taskKey{t.JobID, t.Target} },
	}
	return l.all(ctx, c)
}

type taskKey struct{ job, target string }

func (c *Client) tasks(ctx context.Context, q TaskQuery) (page[Task], error) {
	q.Limit = q.limit()
	var p page[Task]
	_, err := c.call(ctx, actionTasks, func(ctx context.Context) (err error) {
		p, err = c.api.purgeTasks(ctx, q)
		return err
	})
	return p, err
}
