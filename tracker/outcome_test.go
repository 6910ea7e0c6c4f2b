package tracker_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
	"github.com/edgepurge/edgepurge/tracker"
)

// of is the code that the outcome has for a target, as a requester wrote it. all are the job's targets; none: url(0) and
// those that follow it.
func of(e end, typ purge.Type, target string, all ...string) string {
	return results(e, typ, all...).Of(sentAs(typ, target)).Code
}

func sentAs(typ purge.Type, target string) string {
	if c, err := purge.Canonical(typ, target); err == nil {
		return c
	}
	return target
}

func results(e end, typ purge.Type, all ...string) *record.Results {
	if len(e.out.Rows) == 0 {
		return e.out.Uniform()
	}
	for i := len(all); i < e.job.Rows; i++ {
		all = append(all, url(i))
	}
	sent := make([]string, len(all))
	for i, target := range all {
		sent[i] = sentAs(typ, target)
	}
	return e.out.Results(typ, &e.job.Head, sent)
}

func TestTracker_OnlySuccessIsSuccess(t *testing.T) {
	tests := []struct {
		status string
		final  bool
		code   string
	}{
		{"success", true, ""},
		{"failed", true, "failed"},
		{"timeout", true, "timeout"},
		{"canceled", true, "canceled"},
		{"invalid", true, "invalid"},
		{"processing", false, purge.CodeDeadline},
		{"", false, purge.CodeDeadline},
		{"Success", false, purge.CodeDeadline},
		{"successful", false, purge.CodeDeadline},
		{"done", false, purge.CodeDeadline},
		{"partial", false, purge.CodeDeadline},
	}
	for _, tt := range tests {
		t.Run("status "+tt.status, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, tracker.Config{Deadline: time.Hour}, always(rows("success", tt.status)...))
				b.follow(t, 2, 2*time.Hour)
				e := b.oneEnd(t)
				if early := e.at < time.Hour; early != tt.final {
					t.Errorf("ended after %v, want final %v", e.at, tt.final)
				}
				if got := of(e, purge.URL, url(0)); got != "" {
					t.Errorf("the row that succeeded has code %q, want none", got)
				}
				if got := of(e, purge.URL, url(1)); got != tt.code {
					t.Errorf("code is %q, want %q", got, tt.code)
				}
			})
		})
	}
}

func TestTracker_TellsWhyARowFailed(t *testing.T) {
	tests := []struct {
		name string
		task edgeone.Task
		want record.Result
	}{
		{
			"in EdgeOne's words",
			edgeone.Task{Status: "failed", FailType: "quotaExceeded", FailMessage: "no quota left"},
			record.Result{Code: "quotaExceeded", Reason: "no quota left", Retryable: true, QuotaExhausted: true},
		},
		{
			"a type alone",
			edgeone.Task{Status: "failed", FailType: "taskFailed"},
			record.Result{Code: "taskFailed", Reason: "EdgeOne ended the task as failed", Retryable: true},
		},
		{
			"nothing but the status",
			edgeone.Task{Status: "timeout"},
			record.Result{Code: "timeout", Reason: "EdgeOne ended the task as timeout", Retryable: true},
		},
		{
			"another attempt would end the same",
			edgeone.Task{Status: "failed", FailType: "accessDenied"},
			record.Result{Code: "accessDenied", Reason: "EdgeOne ended the task as failed"},
		},
		{
			"canceled by somebody",
			edgeone.Task{Status: "canceled"},
			record.Result{Code: "canceled", Reason: "EdgeOne ended the task as canceled"},
		},
		{
			"a success is not a failure, whatever it says",
			edgeone.Task{Status: "success", FailType: "odd", FailMessage: "odd"},
			record.Result{},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.task.JobID, tt.task.Target = testJob, url(0)
				b := newBench(t, tracker.Config{}, always(tt.task))
				b.follow(t, 1, time.Minute)
				e := b.oneEnd(t)
				if diff := cmp.Diff(tt.want, results(e, purge.URL).Of(url(0))); diff != "" {
					t.Errorf("result (-want +got):\n%s", diff)
				}
				if got := e.out.Finished.Sub(b.start); got != 2*time.Second {
					t.Errorf("finished after %v, want at the poll after 2s", got)
				}
				if diff := cmp.Diff(jobOf(testJob, 1, b.start), e.job); diff != "" {
					t.Errorf("the job that ended (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestTracker_WaitsForEveryRow(t *testing.T) {
	empty := answer{}
	one, two, three := answer{tasks: many(1, "success")}, answer{tasks: many(2, "success")}, answer{tasks: many(3, "success")}
	open := answer{tasks: rows("processing")}
	tests := []struct {
		name    string
		answers []answer
		polls   int // the last of which is the end; 0: no end
	}{
		{"nothing to see yet", []answer{empty}, 0},
		{"nothing right after create", []answer{empty, empty, three}, 3},
		{"all at once", []answer{three}, 1},
		{"more than expected", []answer{{tasks: many(5, "success")}}, 1},
		{"one row alone is believed the third time", []answer{one}, 3},
		{"two of three never are", []answer{two}, 0},
		{"rows that come piecemeal", []answer{two, two, two, two, two, three}, 6},
		{"another row came", []answer{one, one, two, two, two, two, three}, 7},
		{"one row alone of an API that showed two", []answer{one, one, two, one}, 0},
		{"gone in between counts anew", []answer{one, one, empty, one}, 6},
		{"open in between counts anew", []answer{one, one, open, one}, 6},
		{"one open", []answer{{tasks: rows("success", "processing", "success")}}, 0},
		{"one open among fewer", []answer{{tasks: rows("success", "processing")}}, 0},
		{"one open alone", []answer{open}, 0},
		{"a lost poll changes nothing", []answer{one, one, {err: errAway}, one}, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, tracker.Config{}, inTurn(tt.answers...))
				b.follow(t, 3, 10*time.Minute)
				if tt.polls == 0 {
					b.noEnd(t)
					return
				}
				e := b.oneEnd(t)
				if got := len(b.polls(testJob)); got != tt.polls {
					t.Errorf("ended at poll %d, want %d", got, tt.polls)
				}
				for i := range 3 {
					if code := of(e, purge.URL, url(i)); code != "" || anyFailed(e.out.Rows) {
						t.Errorf("target %d has code %q in %+v, want success of all", i, code, e.out)
					}
				}
			})
		})
	}
}

func TestTracker_OneRowForTheWholeJob(t *testing.T) {
	for _, status := range []string{"success", "failed"} {
		t.Run(status, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, tracker.Config{}, inTurn(answer{tasks: rows("processing")}, answer{tasks: rows(status)}))
				b.follow(t, 500, time.Minute)
				e := b.oneEnd(t)
				want := map[string]string{"success": "", "failed": "failed"}[status]
				for i := range 500 {
					if got := of(e, purge.URL, url(i)); got != want {
						t.Fatalf("target %d has code %q, want %q", i, got, want)
					}
				}
			})
		})
	}
}

func TestTracker_TargetsWithoutARowFailAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, tracker.Config{Deadline: time.Hour}, always(rows("success", "timeout")...))
		b.follow(t, 3, 2*time.Hour)
		e := b.oneEnd(t)
		if e.at < time.Hour || e.at > time.Hour+30*time.Second {
			t.Errorf("ended after %v, want at the first poll past the deadline", e.at)
		}
		got := []string{of(e, purge.URL, url(0)), of(e, purge.URL, url(1)), of(e, purge.URL, url(2))}
		if want := []string{"", "timeout", purge.CodeDeadline}; !slices.Equal(got, want) {
			t.Errorf("codes %q, want %q", got, want)
		}
	})
}

// A row that becomes final, alone, just before the deadline counts for all targets if it stays so.
func TestTracker_BelievesOneRowAcrossTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, tracker.Config{Deadline: 40 * time.Second}, nil)
		b.api.reply = func(string, int) answer {
			if time.Since(b.start) < 20*time.Second {
				return answer{tasks: rows("processing")}
			}
			return answer{tasks: rows("success")}
		}
		b.follow(t, 500, 10*time.Minute)
		if e := b.oneEnd(t); e.at < 40*time.Second || of(e, purge.URL, url(499)) != "" {
			t.Errorf("ended after %v with %+v, want success of all past the deadline", e.at, e.out)
		}
	})
}

func TestTracker_KnowsTargetsByTheirCanonicalForm(t *testing.T) {
	type spelling struct{ written, echoed string }
	tests := []struct {
		typ            purge.Type
		failed, passed spelling
	}{
		{
			purge.URL,
			spelling{"https://www.example.com/ä?q=1", "HTTPS://WWW.example.com:443/%C3%A4?q=1#x"},
			spelling{"https://www.example.com", "https://www.EXAMPLE.com/"},
		},
		{
			purge.Prefix,
			spelling{"http://example.com", "http://EXAMPLE.com:80/"},
			spelling{"http://example.com/b c/", "http://example.com/b%20c/"},
		},
		{
			purge.Host,
			spelling{"Bücher.example", "xn--bcher-kva.example"},
			spelling{"www.example.com", "WWW.example.com"},
		},
		// Tags are compared as they are, even where they look like hosts or URLs.
		{purge.Tag, spelling{"Sport", "Sport"}, spelling{"sport", "sport"}},
		{purge.Tag, spelling{"http://a.b", "http://a.b"}, spelling{"http://a.b/", "http://a.b/"}},
		// What has no canonical form is known as it is.
		{purge.URL, spelling{"not a URL", "not a URL"}, spelling{"nor this", "nor this"}},
	}
	for _, tt := range tests {
		t.Run(string(tt.typ)+" "+tt.failed.written, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, tracker.Config{}, always(
					edgeone.Task{JobID: testJob, Target: "another", Status: "timeout"},
					edgeone.Task{JobID: testJob, Target: tt.failed.echoed, Status: "failed"},
					edgeone.Task{JobID: testJob, Target: tt.passed.echoed, Status: "success"}))
				stop := b.run(t)
				defer stop()
				job := jobOf(testJob, 3, b.start)
				job.Type = tt.typ
				b.Track(job)
				pass(time.Minute)
				e := b.oneEnd(t)
				all := []string{tt.failed.written, tt.passed.written, "another"}
				if got := of(e, tt.typ, tt.failed.written, all...); got != "failed" {
					t.Errorf("code of %q, echoed as %q, is %q, want failed", tt.failed.written, tt.failed.echoed, got)
				}
				if got := of(e, tt.typ, tt.passed.written, all...); got != "" {
					t.Errorf("code of %q, echoed as %q, is %q, want none", tt.passed.written, tt.passed.echoed, got)
				}
			})
		})
	}
}

func TestTracker_ReadsAllPagesWhereTheyDecide(t *testing.T) {
	withOne := func(at int, status string) []edgeone.Task {
		tasks := many(2500, "success")
		tasks[at].Status = status
		return tasks
	}
	tests := []struct {
		name    string
		answers []answer
		calls   int
		polls   int
		failed  int // -1: none
	}{
		{"all a success", []answer{{tasks: many(2500, "success")}}, 3, 1, -1},
		{"a failure on the last page", []answer{{tasks: withOne(2499, "failed")}}, 1 + 1 + 3, 2, 2499},
		{
			"all a success that were not yet when they were counted",
			[]answer{{tasks: withOne(0, "processing")}, {tasks: many(2500, "success")}},
			1 + 1 + 3, 2, -1,
		},
		{
			"an open one on the last page",
			[]answer{{}, {tasks: withOne(2499, "processing")}, {tasks: withOne(3, "timeout")}},
			1 + (1 + 3) + 1 + (1 + 3), 4, 3,
		},
		{
			"an open one on the first page",
			[]answer{{}, {tasks: withOne(0, "processing")}, {tasks: many(2500, "success")}},
			1 + 1 + 3, 3, -1,
		},
		{
			"a page that fails",
			[]answer{{}, {tasks: many(1500, "success"), total: 2500, later: errAway}, {tasks: withOne(7, "failed")}},
			1 + (1 + 2) + 1 + (1 + 3), 4, 7,
		},
		{
			"an error past the last row",
			[]answer{{}, {tasks: withOne(7, "failed"), later: errAway}},
			1 + (1 + 3), 2, 7,
		},
		{
			"a count without rows",
			[]answer{{}, {total: 2500, later: errAway}, {tasks: withOne(7, "failed")}},
			1 + 1 + 1 + (1 + 3), 4, 7,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, tracker.Config{}, inTurn(tt.answers...))
				b.follow(t, 2500, time.Minute)
				e := b.oneEnd(t)
				if got := len(b.polls(testJob)); got != tt.polls {
					t.Errorf("%d polls, want %d", got, tt.polls)
				}
				if got := b.pace.granted(); b.api.calls != tt.calls || got != tt.calls {
					t.Errorf("%d calls with %d places in the pace, want %d", b.api.calls, got, tt.calls)
				}
				all := results(e, purge.URL)
				for i := range 2500 {
					if got := all.Of(url(i)).Code; (got != "") != (i == tt.failed) {
						t.Fatalf("target %d has code %q, and target %d should have failed", i, got, tt.failed)
					}
				}
			})
		})
	}
}

func TestTracker_EndsJobsOfTheWholeZone(t *testing.T) {
	for _, status := range []string{"success", "failed"} {
		t.Run(status, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, tracker.Config{}, always(edgeone.Task{JobID: testJob, Target: "example.com", Status: status}))
				stop := b.run(t)
				defer stop()
				job := jobOf(testJob, 1, b.start)
				job.Type = purge.All
				b.Track(job)
				pass(time.Minute)
				e := b.oneEnd(t)
				want := map[string]string{"success": "", "failed": "failed"}[status]
				if got := of(e, purge.All, ""); got != want { // a request for all has one target, without a name
					t.Errorf("code is %q, want %q", got, want)
				}
			})
		})
	}
}

func anyFailed(rows []record.Row) bool {
	return slices.ContainsFunc(rows, func(r record.Row) bool { return r.Result.Code != "" })
}
