package emulator

import "time"

// task is a row as the API tells it. Samples of the API leave out what a row doesn't have.
type task struct {
	JobID       string `json:"JobId"`
	Target      string
	Type        string
	Method      string `json:",omitempty"`
	Status      string
	CreateTime  string
	UpdateTime  string
	FailType    string `json:",omitempty"`
	FailMessage string `json:",omitempty"`
}

// tasksResponse answers every Describe action of tasks.
type tasksResponse struct {
	TotalCount int
	Tasks      []task
	meta
}

// What a version tells of a task: 2022-01-06 has no Method and no reason of a failure.
const (
	fullTask  = true
	shortTask = false
)

func (e *Emulator) tasks(s *store, hits []hit, full bool) []task {
	rows := make([]task, 0, len(hits))
	var of *job
	var t task // what the rows of one job share
	for _, h := range hits {
		if h.job != of {
			of = h.job
			t = task{JobID: s.ids.name(of.seq), Type: of.kind.rule().name, CreateTime: utc(of.created)}
			if full {
				t.Method = of.method
			}
		}
		rows = append(rows, e.row(t, h, full))
	}
	return rows
}

func (e *Emulator) row(t task, h hit, full bool) task {
	t.Target, t.Status = h.job.rows.at(h.row), h.status.String()
	t.UpdateTime = t.CreateTime
	if h.status != statusProcessing {
		t.UpdateTime = utc(h.job.created + int64(e.cfg.TaskTime))
	}
	if h.status == statusFailed && full {
		t.FailType, t.FailMessage = "taskFailed", "The task failed on some nodes."
	}
	return t
}

// utc tells Unix nanoseconds in UTC, cut to the second.
func utc(nanoseconds int64) string {
	return time.Unix(0, nanoseconds).UTC().Format(time.RFC3339)
}
