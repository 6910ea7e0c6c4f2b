package e2e_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

const describeTasks = "DescribePurgeTasks"

// Each zone's jobs can't be asked for, for a reason of its own. They stay, are asked for less and less,
// and nothing is sent again; what comes meanwhile is sent.
func TestFailure_DescribeRefused(t *testing.T) {
	t.Parallel()
	codes := map[string]string{
		"zone-denied": "OperationDenied", "zone-forbidden": "UnauthorizedOperation.CamUnauthorized",
		"zone-window": "InvalidParameter.ParameterError", "zone-broken": "InternalError",
	}
	zones := make(map[string][]string)
	for zone := range codes {
		zones[zone] = []string{zone + ".example"}
	}
	w := newWorld(t, func(c *emulator.Config) { c.Zones = zones })
	w.cfg.Tracker.PollMin, w.cfg.Tracker.PollMax = 200*time.Millisecond, 2*time.Second
	f := w.front(func(rw http.ResponseWriter, c *seen) bool {
		if c.Action != describeTasks {
			return false
		}
		refuse(rw, codes[c.Zone])
		return true
	})
	w.provision()
	ask := func(id string) {
		for zone := range zones {
			w.request(purge.Bulk, purge.Request{ID: id + zone, Zone: zone, Targets: []string{on(zone, id)}})
		}
	}
	ask("first")
	w.start()
	polls := func(zone string) []*seen { return f.all(describeTasks, ofZone(zone)) }
	for zone := range zones {
		w.until("polls in "+zone, func() bool { return len(polls(zone)) >= 5 })
		// 200, 300, 450 and 675 ms; without more and more of it, 800 in all.
		five := polls(zone)[:5]
		if took := five[4].At.Sub(five[0].At); took < 1200*time.Millisecond {
			t.Errorf("%s: five polls within %v, want about 1.6s: each half as late again as the one before", zone, took)
		}
	}
	if jobs, events := w.count("PURGE_JOBS"), w.count("PURGE_EVENTS"); jobs != len(zones) || events != 0 {
		t.Errorf("%d jobs are kept, %d requests have an end, want %d and none", jobs, events, len(zones))
	}
	ask("second")
	w.until("their jobs", func() bool { return w.count("PURGE_JOBS") == 2*len(zones) })
	f.set(nil)
	w.completed(2 * len(zones))
	if n := len(f.all(createPurge, nil)); n != 2*len(zones) {
		t.Errorf("%d calls, want one for each of %d jobs", n, 2*len(zones))
	}
}

// A job of more than a week ago is asked for by its id, without a window, which the API would refuse.
func TestFailure_JobOlderThanAWeek(t *testing.T) {
	t.Parallel()
	for _, version := range []string{newAPI, oldAPI} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *emulator.Config) { c.TaskTime = time.Second })
			w.cfg.EdgeOne.Version = version
			w.cfg.Tracker.Deadline = 30 * 24 * time.Hour
			f := w.front(nil)
			w.provision()
			client, err := edgeone.New(edgeone.Config{
				Credentials: common.NewCredential(emulator.DefaultSecretID, emulator.DefaultSecretKey), Endpoint: w.url, Version: version,
			})
			if err != nil {
				t.Fatal(err)
			}
			created, err := client.CreatePurge(t.Context(), edgeone.Purge{Zone: "zone-a", Type: purge.URL, Targets: []string{url(1)}})
			if err != nil {
				t.Fatal(err)
			}
			w.store(record.Head{ID: created.JobID, Submitted: time.Now().Add(-8 * 24 * time.Hour)}, "old", url(1))
			w.start()
			if o := w.await(1)["old"]; o.Status != purge.Completed || !slices.Equal(o.Jobs, []string{created.JobID}) {
				t.Errorf("got %s in jobs %v (%v), want completed", o.Status, o.Jobs, o.Reason)
			}
			polls := f.all(describeTasks, nil)
			if len(polls) == 0 {
				t.Error("the job was not asked for")
			}
			for _, c := range polls {
				if c.JobID != created.JobID || c.Start != "" || c.End != "" {
					t.Errorf("asked for job %q from %q to %q, want by its id alone", c.JobID, c.Start, c.End)
				}
			}
			if n := len(f.all(createPurge, nil)); n != 0 {
				t.Errorf("%d calls, want none: it was sent long ago", n)
			}
		})
	}
}

// store stores a job of zone-a with one request of one target, as a leader before would have.
func (w *world) store(head record.Head, id, target string) {
	w.t.Helper()
	head.Account, head.Zone, head.Type, head.Rows = w.cfg.EdgeOne.Account, "zone-a", purge.URL, 1
	j := record.Job{Head: head, Targets: []string{target}, Shares: []record.Share{{
		Request: record.Request{
			Source: "test", ID: id, Lane: purge.Bulk, Type: purge.URL, Total: 1, Received: head.Submitted,
			Digest: purge.Request{Zone: "zone-a", Type: purge.URL, Targets: []string{target}}.Digest(),
		},
		Attempts: 1, Runs: [][3]int{{0, 0, 1}},
	}}}
	b := w.broker()
	parts, err := j.Encode(b.Jobs.PartLimit())
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := b.Jobs.Put(w.t.Context(), j.Head, parts); err != nil {
		w.t.Fatal(err)
	}
}

// One job never shows, or never ends, and its target is sent again and purged; of another target no job
// ever does, and it is told so after its last attempt.
func TestFailure_JobNeverEnds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		hide func(response map[string]any)
	}{
		{"never visible", func(response map[string]any) { response["TotalCount"], response["Tasks"] = 0, []any{} }},
		{"never final", func(response map[string]any) { restate(response, "processing") }},
		{"in words that nobody knows", func(response map[string]any) { restate(response, "reviewing") }},
	}
	for _, tt := range some(tests, 0, 1) {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *emulator.Config) { c.Zones = twoZones })
			w.cfg.Tracker.PollMin, w.cfg.Tracker.Deadline = 100*time.Millisecond, time.Second
			f := w.front(nil)
			f.set(func(rw http.ResponseWriter, c *seen) bool {
				if c.Action != describeTasks {
					return false
				}
				if c.Zone == "zone-a" && c.JobID != f.all(describeTasks, ofZone("zone-a"))[0].JobID {
					return false
				}
				c.alter(t, rw, tt.hide)
				return true
			})
			w.provision()
			w.request(purge.Bulk, purge.Request{ID: "again", Zone: "zone-a", Targets: []string{url(1)}})
			w.request(purge.Bulk, purge.Request{ID: "never", Zone: "zone-b", Targets: []string{other(1)}})
			w.start()
			w.until("the second attempt's end", func() bool { return w.count("PURGE_EVENTS") > 0 })
			if o := w.events()["again"]; o.Status != purge.Completed || o.Attempts != 2 || len(o.Jobs) != 2 {
				t.Errorf("again: %s after %d attempts in jobs %v (%v), want completed by the second", o.Status, o.Attempts, o.Jobs, o.Reason)
			}
			o := w.await(2)["never"]
			if o.Status != purge.Failed || o.Attempts != 3 || o.Reason == nil || o.Reason.Code != purge.CodeAttemptsExhausted {
				t.Errorf("never: %s after %d attempts because %v, want failed after the third", o.Status, o.Attempts, o.Reason)
			}
			if len(o.Failures) != 1 || o.Failures[0].Code != purge.CodeDeadline {
				t.Errorf("never: failures %+v, want %s", o.Failures, purge.CodeDeadline)
			}
		})
	}
}

// restate gives all rows of an answer the same status.
func restate(response map[string]any, status string) {
	tasks, _ := response["Tasks"].([]any)
	for _, task := range tasks {
		if row, ok := task.(map[string]any); ok {
			row["Status"] = status
		}
	}
}
