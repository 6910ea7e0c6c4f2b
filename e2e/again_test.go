package e2e_test

import (
	"testing"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// failing has 200 requests of one URL, and one of 100, at an API that fails many tasks.
func failing(t *testing.T, share float64) *world {
	t.Helper()
	w := newWorld(t, func(c *emulator.Config) { c.Faults = map[string]float64{"task-failed": share} })
	w.provision()
	w.load(200)
	r := purge.Request{ID: "many"}
	for i := range 100 {
		r.Targets = append(r.Targets, url(1000+i))
	}
	w.request(purge.Bulk, r)
	return w
}

func TestFailedTasks_AreTriedAgain(t *testing.T) {
	t.Parallel()
	w := failing(t, 0.4)
	w.start()
	failed, again := 0, 0
	for id, o := range w.await(201) {
		if o.Targets.Succeeded+o.Targets.Failed != o.Targets.Total || len(o.Failures)+o.FailuresOmitted != o.Targets.Failed {
			t.Errorf("%s: %+v with %d failures", id, o.Targets, len(o.Failures))
		}
		if o.Attempts < 1 || o.Attempts > 3 || len(o.Jobs) < o.Attempts {
			t.Errorf("%s: %d attempts in jobs %v", id, o.Attempts, o.Jobs)
		}
		if o.Status == purge.Completed && o.Attempts > 1 {
			again++
		}
		if o.Targets.Failed > 0 && (o.Attempts != 3 || o.Reason == nil || o.Reason.Code != purge.CodeAttemptsExhausted ||
			o.Failures[0].Code != "taskFailed") {
			t.Errorf("%s: failed after %d attempts because %v, with %v", id, o.Attempts, o.Reason, o.Failures)
		}
		failed += o.Targets.Failed
	}
	// 0.4 cubed of 300 is 19.
	if failed < 3 || failed > 50 || again < 40 {
		t.Errorf("%d of 300 targets failed, %d requests completed late; want about 19 and 70", failed, again)
	}
}

func TestFailedTasks_SurviveATakeOver(t *testing.T) {
	t.Parallel()
	w := failing(t, 0.5)
	for i := range 3 {
		stop := w.start()
		w.until("calls", func() bool { return w.api.Stats().CreateCalls > int64(i) && w.count("PURGE_EVENTS") > 50 })
		stop()
	}
	w.start()
	completed := 0
	for id, o := range w.await(201) {
		if o.Targets.Succeeded+o.Targets.Failed != o.Targets.Total {
			t.Errorf("%s: %+v", id, o.Targets)
		}
		completed += o.Targets.Succeeded
	}
	if completed < 220 { // without further attempts 150 are
		t.Errorf("%d of 300 targets were purged, want about 262", completed)
	}
}
