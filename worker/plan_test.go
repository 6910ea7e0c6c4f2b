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
			if p.Zone == "zone-a" && p.Type == edgeone.TypePrefix {
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

func TestPlans_ForgetWhatIsAccepted(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	p := newPlans()
	p.refused("zone-a", edgeone.TypeTag, &edgeone.Error{Code: codePlan}, now)
	p.refused("zone-b", edgeone.TypeTag, &edgeone.Error{Code: codePlan}, now)
	p.accepted("zone-a", edgeone.TypeTag)
	if _, ok := p.lack("zone-a", edgeone.TypeTag, now); ok {
		t.Error("got a refusal of what was accepted since")
	}
	if r, ok := p.lack("zone-b", edgeone.TypeTag, now); !ok || r.code != codePlan {
		t.Errorf("got %+v, %t, want the refusal of the other zone", r, ok)
	}
}

func TestPlans_AreBounded(t *testing.T) {
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	p := newPlans()
	for i := range planMost + 2 {
		p.refused("zone-"+strconv.Itoa(i), edgeone.TypeTag, &edgeone.Error{Code: codePlan}, start.Add(time.Duration(i)))
	}
	p.refused("zone-2", edgeone.TypeTag, &edgeone.Error{Code: codePlan}, start.Add(time.Second))
	if len(p.none) != planMost {
		t.Errorf("got %d, want %d", len(p.none), planMost)
	}
	for zone, want := range map[string]bool{"zone-0": false, "zone-1": false, "zone-2": true, "zone-3": true} {
		if _, ok := p.lack(zone, edgeone.TypeTag, start.Add(time.Second)); ok != want {
			t.Errorf("%s: got %t, want %t", zone, ok, want)
		}
	}
}
