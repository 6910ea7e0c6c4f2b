package edgeone_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
)

func TestPurgeTasks_ReadsAPage(t *testing.T) {
	c := over(t, answering(200, `{"Response":{"TotalCount":8,"Tasks":[
		{"JobId":"j","Target":"https://e.com/","Type":"purge_prefix","Method":"delete","Status":"failed","FailType":"taskFailed",
		 "FailMessage":"why","CreateTime":"2022-02-09T10:28:43+08:00","UpdateTime":"2022-02-09T02:28:52Z","New":[1]},
		null,
		{"JobId":"j","CreateTime":"2022-02-09T02:28:43","UpdateTime":"soon"},
		{}
	],"RequestId":"r"}}`))
	got, err := c.PurgeTasks(t.Context(), edgeone.TaskQuery{Zone: "z", JobID: "j"})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2022, 2, 9, 2, 28, 43, 0, time.UTC)
	want := edgeone.TaskPage{Total: 8, Tasks: []edgeone.Task{
		{
			JobID: "j", Target: "https://e.com/", Type: purge.Prefix, Method: "delete", Status: "failed",
			FailType: "taskFailed", FailMessage: "why", Created: at, Updated: at.Add(9 * time.Second),
		},
		{JobID: "j", Created: at},
		{},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPurgeTasks_CountsNoLessThanItSees(t *testing.T) {
	tests := []struct {
		name, response string
		want           int
	}{
		{"empty", `{"TotalCount":0,"Tasks":[]}`, 0},
		{"null", `{"TotalCount":null,"Tasks":null}`, 0},
		{"no count", `{"Tasks":[{},{}]}`, 12},
		{"a count too low", `{"TotalCount":1,"Tasks":[{}]}`, 11},
		{"a count beyond int", `{"TotalCount":18446744073709551615,"Tasks":[]}`, 1<<63 - 1},
	}
	for _, tt := range tests {
		q := edgeone.TaskQuery{Zone: "z", JobID: "j"}
		if tt.want > 2 {
			q.Offset = 10
		}
		got, err := over(t, answering(200, `{"Response":`+tt.response+`}`)).PurgeTasks(t.Context(), q)
		if err != nil || got.Total != tt.want {
			t.Errorf("%s: got %d, %v, want %d", tt.name, got.Total, err, tt.want)
		}
	}
}

// table serves rows by the Offset and Limit of a request, no more than most a page.
func table(t *testing.T, rows []string, most int) wire {
	return func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read request: %v", err)
		}
		var q struct{ Offset, Limit int }
		if err := json.Unmarshal(body, &q); err != nil {
			t.Errorf("request %s: %v", body, err)
		}
		from := min(q.Offset, len(rows))
		to := min(from+min(q.Limit, most), len(rows))
		list := strings.Join(rows[from:to], ",")
		return answering(200, fmt.Sprintf(
			`{"Response":{"TotalCount":%d,"Tasks":[%s],"Zones":[%[2]s],"AccelerationDomains":[%[2]s]}}`, len(rows), list,
		))(r)
	}
}

func taskRows(n int) (rows []string, targets []string) {
	for i := range n {
		rows = append(rows, fmt.Sprintf(`{"JobId":"j","Target":"t%d"}`, i))
		targets = append(targets, fmt.Sprint("t", i))
	}
	return rows, targets
}

func TestAllTasks_ReadsEveryPage(t *testing.T) {
	tests := []struct{ rows, limit, most, calls int }{
		{0, 0, 1000, 1},
		{1, 0, 1000, 1},
		{1000, 0, 1000, 1},
		{1001, 0, 1000, 2},
		{2500, 0, 1000, 3},
		{5, 2, 1000, 3},
		{50, 0, 20, 3}, // the server gives less than was asked for
	}
	for _, tt := range tests {
		rows, want := taskRows(tt.rows)
		var got []string
		calls := 0
		before := func(context.Context) error { calls++; return nil }
		q := edgeone.TaskQuery{Zone: "z", JobID: "j", Limit: tt.limit, Offset: 3}
		for task, err := range over(t, table(t, rows, tt.most)).AllTasks(t.Context(), q, before) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, task.Target)
		}
		if diff := cmp.Diff(want, got); diff != "" || calls != tt.calls {
			t.Errorf("%+v: got %d calls, (-want +got):\n%s", tt, calls, diff)
		}
	}
}

func TestAllTasks_GivesARowThatMovedOnce(t *testing.T) {
	c := over(t, script(
		`{"TotalCount":4,"Tasks":[{"JobId":"j","Target":"a"},{"JobId":"j","Target":"b"}]}`,
		`{"TotalCount":5,"Tasks":[{"JobId":"j","Target":"b"},{"JobId":"k","Target":"b"}]}`,
		`{"TotalCount":5,"Tasks":[{"JobId":"j","Target":"c"}]}`,
	))
	var got []string
	for task, err := range c.AllTasks(t.Context(), edgeone.TaskQuery{Zone: "z", Limit: 2}, nil) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, task.JobID+task.Target)
	}
	if diff := cmp.Diff([]string{"ja", "jb", "kb", "jc"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// script is a network that answers with responses in order, and then breaks.
func script(responses ...string) wire {
	return func(r *http.Request) (*http.Response, error) {
		if len(responses) == 0 {
			return nil, io.ErrUnexpectedEOF
		}
		next := responses[0]
		responses = responses[1:]
		return answering(200, `{"Response":`+next+`}`)(r)
	}
}

func TestAllTasks_ReadsOnWithoutACountWhilePagesAreFull(t *testing.T) {
	c := over(t, script(`{"Tasks":[{"Target":"a"},{"Target":"b"}]}`, `{"Tasks":[{"Target":"c"}]}`))
	n := 0
	for _, err := range c.AllTasks(t.Context(), edgeone.TaskQuery{Zone: "z", Limit: 2}, nil) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 3 {
		t.Errorf("got %d rows, want 3", n)
	}
}

func TestAllTasks_EndsInAnErrorRatherThanShort(t *testing.T) {
	refused := errors.New("not the leader any more")
	many := make([]string, 1000)
	for i := range many {
		many[i] = "{}"
	}
	endless := wire(func(r *http.Request) (*http.Response, error) {
		return answering(200, `{"Response":{"TotalCount":9000000,"Tasks":[`+strings.Join(many, ",")+`]}}`)(r)
	})
	tests := []struct {
		name   string
		wire   wire
		before func(context.Context) error
		rows   int
		want   edgeone.Class
	}{
		{"a page lost", script(`{"TotalCount":3,"Tasks":[{"Target":"a"}]}`), nil, 1, edgeone.Ambiguous},
		{"rows announced but not there", script(`{"TotalCount":3,"Tasks":[{"Target":"a"}]}`, `{"TotalCount":3,"Tasks":[]}`), nil, 1, edgeone.Transient},
		{"no end", endless, nil, 1, edgeone.TooLarge},
		{"refused by before", endless, func(context.Context) error { return refused }, 0, edgeone.Transient},
	}
	for _, tt := range tests {
		var last error
		rows := 0
		for _, err := range over(t, tt.wire).AllTasks(t.Context(), edgeone.TaskQuery{Zone: "z"}, tt.before) {
			if last = err; err == nil {
				rows++
			}
		}
		if got := edgeone.Classify(last); got != tt.want || rows != tt.rows {
			t.Errorf("%s: got %d rows and %v, want %d and %v: %v", tt.name, rows, got, tt.rows, tt.want, last)
		}
		if _, ok := errors.AsType[*edgeone.Error](last); !ok {
			t.Errorf("%s: got %T, want *Error", tt.name, last)
		}
		if tt.before != nil && !errors.Is(last, refused) {
			t.Errorf("%s: got %v, want one that unwraps to before's", tt.name, last)
		}
	}
}

func TestAllTasks_StopsWhenItsReaderDoes(t *testing.T) {
	rows, _ := taskRows(50)
	calls := 0
	c := over(t, table(t, rows, 10))
	before := func(context.Context) error { calls++; return nil }
	for task, err := range c.AllTasks(t.Context(), edgeone.TaskQuery{Zone: "z"}, before) {
		if err != nil || task.Target != "t0" {
			t.Errorf("got %q, %v, want t0", task.Target, err)
		}
		break
	}
	if calls != 1 {
		t.Errorf("got %d calls, want 1", calls)
	}
}

func TestAllTasks_IsPacedByBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rows, _ := taskRows(2500)
		pace := func(ctx context.Context) error {
			select {
			case <-time.After(60 * time.Millisecond):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		start := time.Now()
		for _, err := range over(t, table(t, rows, 1000)).AllTasks(t.Context(), edgeone.TaskQuery{Zone: "z"}, pace) {
			if err != nil {
				t.Fatal(err)
			}
		}
		if got, want := time.Since(start), 180*time.Millisecond; got != want {
			t.Errorf("got %v for three pages, want %v", got, want)
		}
	})
}

func TestStatus_SuccessIsTheOnlySuccess(t *testing.T) {
	tests := []struct {
		status           string
		final, succeeded bool
	}{
		{"success", true, true},
		{"failed", true, false},
		{"timeout", true, false},
		{"canceled", true, false},
		{"invalid", true, false},
		{"processing", false, false},
		{"", false, false},
		{"Success", false, false},
		{"paused", false, false},
	}
	for _, tt := range tests {
		if got := edgeone.Final(tt.status); got != tt.final {
			t.Errorf("Final(%q): got %v, want %v", tt.status, got, tt.final)
		}
		if got := edgeone.Succeeded(tt.status); got != tt.succeeded {
			t.Errorf("Succeeded(%q): got %v, want %v", tt.status, got, tt.succeeded)
		}
	}
}
