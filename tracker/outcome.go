package tracker

import (
	"cmp"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// notListed is the result of a target that none of a job's final rows names: the API's code for a target of which no task
// was made.
var notListed = record.Result{
	Code:      "InvalidParameter.TaskNotGenerated",
	Reason:    "EdgeOne lists the job's tasks, and none for this target",
	Retryable: true,
}

// outcome is what final rows say. The ledger, which knows the targets, finds out whose they are. One row alone stands
// for all targets.
func (t *Tracker) outcome(job *followed, list listing) *record.Outcome {
	out := &record.Outcome{Finished: time.Now(), Rest: notListed}
	if list.count == 1 && (job.Rows == 1 || job.Unnamed == 0) {
		out.Rest = result(list.own[0])
		return out
	}
	out.Rows = make([]record.Row, len(list.own))
	for i, task := range list.own {
		out.Rows[i] = record.Row{Target: task.Target, Result: result(task)}
	}
	return out
}

// giveUp is the outcome of a job past its deadline: a target has what its row says, if that is final;
// what is not known to have succeeded has failed.
func (t *Tracker) giveUp(tasks []edgeone.Task) *record.Outcome {
	out := &record.Outcome{
		Finished: time.Now(),
		Rows:     make([]record.Row, len(tasks)),
		Rest:     record.Result{Code: purge.CodeDeadline, Reason: "not finished within " + t.cfg.Deadline.String(), Retryable: true},
	}
	for i, task := range tasks {
		out.Rows[i] = record.Row{Target: task.Target, Result: out.Rest}
		if edgeone.Final(task.Status) {
			out.Rows[i].Result = result(task)
		}
	}
	return out
}

func result(task edgeone.Task) record.Result {
	if edgeone.Succeeded(task.Status) {
		return record.Result{}
	}
	return record.Result{
		Code:           cmp.Or(task.FailType, task.Status),
		Reason:         cmp.Or(task.FailMessage, "EdgeOne ended the task as "+task.Status),
		Retryable:      edgeone.Passing(task.Status, task.FailType),
		QuotaExhausted: task.FailType == edgeone.FailQuota,
	}
}
