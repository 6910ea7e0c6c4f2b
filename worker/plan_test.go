package worker

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

const codePlan = "LimitExceeded.PackNotAllow"

func TestPlan_RefusalIsRememberedForAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.create = func(p edgeone.Purge) (edgeone.Created, error) {
			if p.Zone == "zone-a" && p.Type == purge.Prefix {
				return edgeone.Created{}, &edgeone.Error{Code: codePlan, Message: "not in your plan", Sent: true}
			}
			return accept(p)
		}
		stop := w.run(t, w.worker())
		sequence := uint64(0)
		ask := func(id string, r purge.Request) {
			sequence++
			r.ID, r.Targets = id, pages(2)
			w.give(t, purge.Bulk, sequence, r)
			w.until(func() bool { return len(w.acked) == int(sequence) })
		}
		prefix := purge.Request{Zone: "zone-a", Type: purge.Prefix}
		for i, tt := range []struct {
			request purge.Request
			after   time.Duration
			calls   int
			status  purge.Status
		}{
			{prefix, 0, 1, purge.Failed},
			{prefix, 0, 1, purge.Failed},
			{prefix, 59 * time.Minute, 1, purge.Failed},
			{purge.Request{Zone: "zone-a"}, 0, 2, ""},
			{purge.Request{Zone: "zone-b", Type: purge.Prefix}, 0, 3, ""},
			{prefix, 2 * time.Minute, 4, purge.Failed},
			{prefix, time.Minute, 4, purge.Failed},
		} {
			wait.Sleep(t.Context(), tt.after)
			id := strconv.Itoa(i)
			ask(id, tt.request)
			o := w.events[id]
			if o.Status != tt.status || len(w.calls) != tt.calls {
				t.Errorf("request %d: got %q after %d calls, want %q after %d", i, o.Status, len(w.calls), tt.status, tt.calls)
			}
			if tt.status == purge.Failed && (o.Reason == nil || o.Reason.Code != codePlan || o.Targets.Failed != 2 || o.Failures[1].Reason != "not in your plan") {
				t.Errorf("request %d: got %+v because of %v, want %s for both targets", i, o.Failures, o.Reason, codePlan)
			}
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if len(w.letters) > 0 {
			t.Errorf("got dead letters %+v, want none: EdgeOne refuses them", w.letters)
		}
	})
}
