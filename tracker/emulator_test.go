package tracker_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
	"github.com/edgepurge/edgepurge/tracker"
)

// handover passes the ends of jobs on to the test.
type handover chan end

func (h handover) End(ctx context.Context, job record.InFlight, out record.Outcome) error {
	select {
	case h <- end{job: job, out: out}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// site is the real client before the real emulator.
type site struct {
	*edgeone.Client

	emulator *emulator.Emulator
	pace     *pace
	ends     handover
	tracker  *tracker.Tracker
}

func newSite(t *testing.T, cfg emulator.Config, poll tracker.Config) *site {
	t.Helper()
	return newSiteOf(t, edgeone.DefaultVersion, cfg, poll)
}

// newSiteOf is newSite for a version of the API.
func newSiteOf(t *testing.T, version string, cfg emulator.Config, poll tracker.Config) *site {
	t.Helper()
	e, err := emulator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	client, err := edgeone.New(edgeone.Config{
		Credentials: common.NewCredential(emulator.DefaultSecretID, emulator.DefaultSecretKey),
		Endpoint:    server.URL, Timeout: 5 * time.Second, Version: version,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	s := &site{Client: client, emulator: e, pace: new(pace), ends: make(handover)}
	s.tracker = tracker.New(poll, client, s.ends, s.pace, zap.NewNop())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1) // room for the result, so that it never blocks
	go func() { done <- s.tracker.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v, want nil", err)
		}
	})
	return s
}

// submit makes a job of the targets and tracks it. Create goes on until the emulator's faults let it.
func (s *site) submit(t *testing.T, targets ...string) record.InFlight {
	t.Helper()
	for range 100 {
		sent := time.Now()
		created, err := s.CreatePurge(t.Context(), edgeone.Purge{Zone: emulator.DefaultZone, Type: purge.URL, Targets: targets})
		if err != nil {
			continue
		}
		job := record.InFlight{Head: record.Head{
			Zone: emulator.DefaultZone, ID: created.JobID, Type: purge.URL, Rows: len(targets), Submitted: sent,
		}}
		s.tracker.Track(job)
		return job
	}
	t.Fatal("no job was made")
	return record.InFlight{}
}

func (s *site) end(t *testing.T) end {
	t.Helper()
	select {
	case e := <-s.ends:
		return e
	case <-time.After(time.Minute):
		t.Fatalf("no job ended; %d are in flight, stats %+v", s.tracker.InFlight(), s.emulator.Stats())
	}
	return end{}
}

// truth reads what the emulator says of the job's targets, in their order.
func (s *site) truth(t *testing.T, job record.InFlight) []edgeone.Task {
	t.Helper()
	var tasks []edgeone.Task
	for task, err := range s.AllTasks(t.Context(), edgeone.TaskQuery{Zone: job.Zone, JobID: job.ID}, nil) {
		if err != nil {
			t.Fatal(err)
		}
		tasks = append(tasks, task)
	}
	return tasks
}

var quick = tracker.Config{PollMin: 10 * time.Millisecond, PollMax: 50 * time.Millisecond, Deadline: time.Minute}

func TestTracker_FollowsTheEmulator(t *testing.T) {
	rowFaults := map[string]float64{"task-failed": 0.2, "task-timeout": 0.1}
	tests := []struct {
		name    string
		cfg     emulator.Config
		targets int
	}{
		{"at once", emulator.Config{}, 10},
		{"in its time", emulator.Config{TaskTime: 100 * time.Millisecond, Faults: rowFaults}, 50},
		{"more than a page", emulator.Config{TaskTime: 50 * time.Millisecond, Faults: rowFaults}, 2300},
		{"not visible at first", emulator.Config{
			Faults: rowFaults, Unknown: map[string]string{"visible-after": "150ms"},
		}, 50},
		{"echoed in normal form", emulator.Config{
			Faults: rowFaults, Unknown: map[string]string{"echo": "canonical"},
		}, 50},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, tt.cfg, quick)
			var targets []string
			for i := range tt.targets {
				targets = append(targets, fmt.Sprintf("https://www.example.com/caf%%c3%%a9/%d", i))
			}
			job := s.submit(t, targets...)
			e := s.end(t)
			truth, all := s.truth(t, job), results(e, purge.URL, targets...)
			if len(truth) != tt.targets {
				t.Fatalf("the emulator tells %d rows, want %d", len(truth), tt.targets)
			}
			for i, target := range targets {
				ok := truth[i].Status == edgeone.StatusSuccess
				said := all.Of(target).Code == ""
				if said && !ok {
					t.Errorf("%s is told as purged, its row is %s", target, truth[i].Status)
				}
				if !said && ok {
					t.Errorf("%s is told as failed with %+v, its row is a success", target, all.Of(target))
				}
			}
		})
	}
}

func TestTracker_FollowsTheOlderVersion(t *testing.T) {
	for _, offset := range []string{"rows", "pages"} {
		t.Run("offset of "+offset, func(t *testing.T) {
			s := newSiteOf(t, "2022-01-06", emulator.Config{
				Faults: map[string]float64{"task-failed": 0.2}, Unknown: map[string]string{"offset": offset},
			}, quick)
			var targets []string
			for i := range 2300 {
				targets = append(targets, url(i))
			}
			job := s.submit(t, targets...)
			e := s.end(t)
			all := results(e, purge.URL)
			for i, task := range s.truth(t, job) {
				want := map[string]string{"success": "", "failed": "failed"}[task.Status]
				if got := all.Of(targets[i]).Code; task.Target != targets[i] || got != want {
					t.Fatalf("%s has code %q, want %q of %+v", targets[i], got, want, task)
				}
			}
		})
	}
}

func TestTracker_FollowsAnEmulatorWithOneRowForAJob(t *testing.T) {
	for _, want := range []string{"", "taskFailed"} {
		t.Run("code "+want, func(t *testing.T) {
			cfg := emulator.Config{Unknown: map[string]string{"rows": "per-job"}}
			if want != "" {
				cfg.Faults = map[string]float64{"task-failed": 1}
			}
			s := newSite(t, cfg, quick)
			targets := []string{url(0), url(1), url(2)}
			s.submit(t, targets...)
			e := s.end(t)
			for _, target := range targets {
				if got := of(e, purge.URL, target); got != want {
					t.Errorf("%s has code %q, want %q", target, got, want)
				}
			}
		})
	}
}

func TestTracker_FollowsAnEmulatorThatFails(t *testing.T) {
	faults := map[string]float64{
		"error5xx": 0.2, "reset": 0.1, "html": 0.1, "empty": 0.1, "throttle": 0.1, "task-failed": 0.3,
	}
	s := newSite(t, emulator.Config{Faults: faults, TaskTime: 30 * time.Millisecond, Seed: 7}, quick)
	jobs := make(map[string][]string)
	for i := range 10 {
		targets := []string{url(3 * i), url(3*i + 1), url(3*i + 2)}
		jobs[s.submit(t, targets...).ID] = targets
	}
	var all, failed int
	for range len(jobs) {
		e := s.end(t)
		for _, target := range jobs[e.job.ID] {
			all++
			if of(e, purge.URL, target, jobs[e.job.ID]...) == "taskFailed" {
				failed++
			}
		}
		delete(jobs, e.job.ID)
	}
	if len(jobs) != 0 {
		t.Errorf("jobs %v did not end", jobs)
	}
	if all != 30 || failed == 0 || failed == 30 {
		t.Errorf("%d of %d targets failed, want some of 30", failed, all)
	}
}

func TestTracker_FollowsAnEmulatorThatThrottles(t *testing.T) {
	s := newSite(t, emulator.Config{Rate: 10, Window: emulator.WindowSliding}, quick)
	for i := range 10 {
		s.submit(t, url(i))
	}
	for range 10 {
		if e := s.end(t); of(e, purge.URL, url(0)) != "" {
			t.Errorf("job %s ended with %+v, want success", e.job.ID, e.out)
		}
	}
	for i := range 10 {
		s.tracker.Track(record.InFlight{Head: record.Head{
			Zone: emulator.DefaultZone, ID: fmt.Sprintf("none-%d", i), Rows: 1, Submitted: time.Now().Add(-time.Hour),
		}})
	}
	for range 10 {
		s.end(t)
	}
	s.pace.mu.Lock()
	defer s.pace.mu.Unlock()
	if s.pace.throttled == 0 || int64(s.pace.throttled) != s.emulator.Stats().Throttled {
		t.Errorf("the pace was told of %d refusals, the emulator made %d", s.pace.throttled, s.emulator.Stats().Throttled)
	}
}

func TestTracker_GivesUpWhatTheEmulatorHides(t *testing.T) {
	short := quick
	short.Deadline = 200 * time.Millisecond
	s := newSite(t, emulator.Config{Faults: map[string]float64{"unseen": 1}}, short)
	s.submit(t, url(0), url(1))
	e := s.end(t)
	got := []string{of(e, purge.URL, url(0)), of(e, purge.URL, url(1))}
	if want := []string{purge.CodeDeadline, purge.CodeDeadline}; !slices.Equal(got, want) {
		t.Errorf("codes %q, want %q", got, want)
	}
}
