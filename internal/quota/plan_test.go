package quota

import (
	"strconv"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/purge"
)

const codePlan = "LimitExceeded.PackNotAllow"

func TestPlans_ForgetWhatIsAccepted(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	p := newGate()
	p.PlanRefused(Kind{"zone-a", purge.Tag}, codePlan, "", now)
	p.PlanRefused(Kind{"zone-b", purge.Tag}, codePlan, "", now)
	p.Accepted(Kind{"zone-a", purge.Tag})
	if _, _, ok := p.PlanLacks(Kind{"zone-a", purge.Tag}, now); ok {
		t.Error("got a refusal of what was accepted since")
	}
	if code, _, ok := p.PlanLacks(Kind{"zone-b", purge.Tag}, now); !ok || code != codePlan {
		t.Errorf("got %q, %t, want the refusal of the other zone", code, ok)
	}
}

func TestPlans_AreBounded(t *testing.T) {
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	p := newGate()
	for i := range planMax + 2 {
		p.PlanRefused(Kind{"zone-" + strconv.Itoa(i), purge.Tag}, codePlan, "", start.Add(time.Duration(i)))
	}
	p.PlanRefused(Kind{"zone-2", purge.Tag}, codePlan, "", start.Add(time.Second))
	if len(p.plans) != planMax {
		t.Errorf("got %d, want %d", len(p.plans), planMax)
	}
	for zone, want := range map[string]bool{"zone-0": false, "zone-1": false, "zone-2": true, "zone-3": true} {
		if _, _, ok := p.PlanLacks(Kind{zone, purge.Tag}, start.Add(time.Second)); ok != want {
			t.Errorf("%s: got %t, want %t", zone, ok, want)
		}
	}
}
