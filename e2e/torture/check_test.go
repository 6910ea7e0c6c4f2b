package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/purge"
)

// noon is when the runs of these tests begin.
func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func at(seconds float64) time.Time { return noon().Add(time.Duration(seconds * float64(time.Second))) }

const target = "https://www.a.example/"

// sound is a run in which all is well: two requests for one URL in one job, and garbage.
func sound() *record {
	send := func(n int, id string, sequence uint64) message {
		return message{
			N: n, Want: wantCompleted, Lane: "bulk", Source: "shop", ID: id, Zone: "zone-aaa", Type: "purge_url",
			Targets: []string{target}, Total: 1, First: at(1), Last: at(1.2), Sequence: sequence, Tries: 1,
		}
	}
	garbage := message{N: 3, Want: wantRejected, Lane: "bulk", Source: "shop", First: at(1), Last: at(1.2), Sequence: 35, Tries: 1}
	return &record{
		meta:     meta{Setting: setting{Seed: 7, Nodes: 1, Length: time.Minute}, Begin: noon(), End: at(70), Quiet: true, Rate: 20},
		messages: []message{send(1, "a", 33), send(2, "b", 34), garbage},
		calls:    []call{created("job1", 2)},
		events: []event{
			ended("a", purge.Completed, "job1"), ended("b", purge.Completed, "job1"), ended("_xyz-z", purge.Rejected),
		},
		letters: []letter{{Subject: "purge.dead.malformed.shop", Request: "shop/_xyz-z", Code: "Malformed"}},
		rows:    []row{{"job1", target, "success"}},
		lives:   []life{{Name: "worker-0", Peak: 30 << 20, Log: "worker-0.log"}},
	}
}

// created is a call that made a job.
func created(job string, second float64) call {
	return call{
		Worker: 0, Action: createAction, Arrived: at(second), Answered: at(second + 0.02), Done: at(second + 0.03),
		Zone: "zone-aaa", Type: "purge_url", Targets: []string{target}, Job: job,
	}
}

// ended is the event of a request that the broker took at the first second.
func ended(id string, s purge.Status, jobs ...string) event {
	o := purge.Outcome{
		Request: id, Source: "shop", Lane: purge.Bulk, Status: s, Jobs: jobs, Attempts: len(jobs),
		Times: purge.Times{Received: at(1.1), Finished: at(4)},
	}
	if s != purge.Rejected {
		o.Targets = purge.Counts{Total: 1, Succeeded: 1}
	}
	return event{
		told:  told{Subject: fmt.Sprintf("purge.events.shop.%s.%s", s, id), Stored: at(4.1)},
		Event: purge.NewEvent("default", o, at(4)),
	}
}

// judged gives the sorts of what a check finds wrong.
func judged(t *testing.T, r *record) (*verdict, []string) {
	t.Helper()
	r.dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(r.dir, "worker-0.log"), []byte("all is well\n"+strings.Join(r.meta.Secrets, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	v := check(r)
	var sorts []string
	for _, w := range v.wrong {
		sort, rest, _ := strings.Cut(w, ":")
		if sort == "I1" {
			word, _, _ := strings.Cut(rest, ":")
			sort += word
		}
		if !slices.Contains(sorts, sort) {
			sorts = append(sorts, sort)
		}
	}
	slices.Sort(sorts)
	return v, sorts
}

func TestCheck_PassesASoundRun(t *testing.T) {
	t.Parallel()
	v, wrong := judged(t, sound())
	if len(wrong) > 0 {
		t.Errorf("got %v, want nothing wrong", v.wrong)
	}
	if got, want := v.line(), "seed 7: 3 requests, 0 lost, 0 double, 0 of 1 targets twice, 0 kills"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCheck_FindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	again := func(r *record, c call) {
		r.calls = append(r.calls, c)
		r.rows = append(r.rows, row{c.Job, target, "success"})
	}
	tests := []struct {
		name   string
		change func(r *record)
		want   []string
	}{
		{"an event is missing", func(r *record) { r.events = r.events[:2] }, []string{"I1 lost"}},
		{"a second event", func(r *record) { r.events = append(r.events, ended("a", purge.Failed)) }, []string{"I1 double", "I7"}},
		{"an event of nobody", func(r *record) { r.events = append(r.events, ended("c", purge.Completed, "job1")) }, []string{"I1 stranger"}},
		{"garbage completes", func(r *record) {
			r.events[2] = ended("_xyz-z", purge.Completed, "job1")
		}, []string{"I7"}},
		{"a request fails beside garbage", func(r *record) { r.events[0] = ended("a", purge.Failed, "job1") }, []string{"I7"}},
		{"no dead letter", func(r *record) { r.letters = nil }, []string{"letter"}},
		{"a job of before the request", func(r *record) { r.calls[0] = created("job1", 1.05) }, []string{"I4"}},
		{"a job of another target", func(r *record) { r.calls[0].Targets = []string{target + "x"} }, []string{"I4", "twice"}},
		{"a task that did not succeed", func(r *record) { r.rows[0].Status = "failed" }, []string{"I4"}},
		{"a job that nobody made", func(r *record) {
			r.events[0] = ended("a", purge.Completed, "job1", "job9")
		}, []string{"job"}},
		{"an answer of another time", func(r *record) { r.messages[0].First = at(1.15) }, []string{"event"}},
		{"sent again though all went well", func(r *record) { again(r, created("job2", 3)) }, []string{"twice"}},
		{"sent again, and told so", func(r *record) {
			again(r, created("job2", 3))
			r.messages = slices.Delete(r.messages, 1, 2)
			r.events = slices.Delete(r.events, 1, 2)
			r.events[0] = ended("a", purge.Completed, "job1", "job2")
		}, []string{"twice"}},
		{"too many calls", func(r *record) {
			for range 30 {
				c := created("", 2.5)
				c.Action = "DescribePurgeTasks"
				r.calls = append(r.calls, c)
			}
		}, []string{"I3"}},
		{"two leaders", func(r *record) {
			for i := range 100 {
				c := created("", 10+float64(i)/10)
				c.Worker = i % 2
				r.calls = append(r.calls, c)
			}
		}, []string{"I3"}},
		{"two leaders for long, that send little", func(r *record) {
			r.hits = []hit{{Kind: killServer, Reach: reachBroker, Worker: -1, From: at(9), To: at(10)}}
			for i := range 5 {
				c := created("", 26+float64(i)*5)
				c.Worker = i % 2
				r.calls = append(r.calls, c)
			}
		}, []string{"I3"}},
		{"turns that faults explain", func(r *record) {
			for i := range 5 {
				second := 26 + float64(i)*5
				r.hits = append(r.hits, hit{Kind: drainOwner, Reach: reachWorker, From: at(second - 1), To: at(second - 1), Clean: true})
				c := created("", second)
				c.Worker = i % 2
				r.calls = append(r.calls, c)
			}
		}, nil},
		{"too much memory", func(r *record) { r.lives[0].Peak = 300 << 20 }, []string{"I5"}},
		{"a crash", func(r *record) { r.lives[0].Wont = "worker-0 ended by itself: exit status 2" }, []string{"ended"}},
		{"a secret in a log", func(r *record) { r.meta.Secrets = []string{"sesame"} }, []string{"I6"}},
		{"no rest", func(r *record) { r.meta.Quiet = false }, []string{"rest"}},
		{"a drain that hangs", func(r *record) { r.hits = []hit{{Kind: drainOwner, Wrong: "did not end"}} }, []string{"fault"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := sound()
			tt.change(r)
			if v, got := judged(t, r); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v: %v", got, tt.want, v.wrong)
			}
		})
	}
}

// A message that was published without an answer may have an event, and need not.
func TestCheck_UnansweredMessageMayHaveAnEvent(t *testing.T) {
	t.Parallel()
	for _, stored := range []bool{true, false} {
		r := sound()
		m := r.messages[0]
		m.N, m.ID, m.Sequence = 4, "", 0
		r.messages = append(r.messages, m)
		if stored {
			e := ended("_abc-9", purge.Completed, "job1")
			e.Data.Labels = map[string]string{"n": "4"}
			r.events = append(r.events, e)
		}
		if v, wrong := judged(t, r); len(wrong) > 0 || v.requests != 3 {
			t.Errorf("stored %t: %d requests, wrong is %v; want 3, nothing", stored, v.requests, v.wrong)
		}
	}
}

func TestReadRun_ReadsWhatWasNoted(t *testing.T) {
	t.Parallel()
	dir, r := t.TempDir(), sound()
	data, err := json.Marshal(r.events[0].Event)
	if err != nil {
		t.Fatal(err)
	}
	r.events[0].told.Event = data
	for name, lines := range map[string][]any{
		metaFile: {r.meta}, messagesFile: {r.messages[0], r.messages[1]}, callsFile: {r.calls[0]}, hitsFile: {},
		eventsFile: {r.events[0].told, told{Subject: "purge.events.x", Event: json.RawMessage(`{}`)}}, lettersFile: {r.letters[0]},
		rowsFile: {r.rows[0]}, livesFile: {r.lives[0]},
	} {
		n, err := newNotes(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			n.add(line)
		}
		if err := n.close(); err != nil {
			t.Fatal(err)
		}
	}
	got, err := readRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.messages) != 2 || got.messages[1].ID != "b" || got.calls[0].Job != "job1" || got.events[0].Data.Request != "a" {
		t.Errorf("got %+v, want what was noted", got)
	}
	if got.events[1].fault == "" {
		t.Error("an event that can't be read has no fault")
	}
}
