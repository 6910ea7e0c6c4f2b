package quota

import (
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
)

// answer ends a call that Reserve counted.
func answer(g *Gate, k Kind, class edgeone.Class, sent, now time.Time) bool {
	var err error
	if class != edgeone.Done {
		err = &edgeone.Error{Code: "InternalError", Sent: true}
	}
	return g.Answered(k, Answer{Class: class, Err: err, Sent: sent}, now)
}

func TestStall_IsProbedByOneCallUntilItIsAccepted(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	g := newGate()
	for i := range stallRounds {
		if h := g.Until(urls, now); h != (Hold{}) {
			t.Fatalf("after %d refusals: got %+v, want no hold", i, h)
		}
		g.Reserve(urls, 1, now)
		answer(g, urls, edgeone.Transient, now, now)
		now = now.Add(time.Millisecond)
	}
	for pause := stallFirst; pause < 2*stallMax; pause *= 2 {
		h := g.Until(urls, now)
		if got := h.Until.Sub(now) + time.Millisecond; h.Why != Stalled || !h.Closed() || got != min(pause, stallMax) {
			t.Fatalf("got %+v for %v, want a pause of %v", h, got, min(pause, stallMax))
		}
		now = h.Until
		if h := g.Until(urls, now); !h.Waits || h.Closed() {
			t.Fatalf("got %+v after the pause, want a probe to be due", h)
		}
		g.Reserve(urls, 1, now)
		if h := g.Until(urls, now.Add(stallAge/2)); h.Why != Stalled {
			t.Fatalf("got %+v while the probe is under way, want nothing beside it", h)
		}
		answer(g, urls, edgeone.Transient, now, now)
		now = now.Add(time.Millisecond)
	}
	g.Accepted(urls)
	if h := g.Until(urls, now); h != (Hold{}) {
		t.Errorf("got %+v once a call is accepted, want no hold", h)
	}
}

func TestStall_SlowsAllOnlyInDoubt(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	g := newGate()
	other := Kind{"zone-b", edgeone.TypeURL}
	for i := range stallThrottled + 3 {
		g.Reserve(urls, 1, now)
		if slow := answer(g, urls, edgeone.Throttled, now, now); slow != (i < stallThrottled) {
			t.Errorf("refusal %d: slows all calls: %t", i, slow)
		}
		now = now.Add(time.Minute / 2)
		if i >= stallThrottled-1 {
			g.Accepted(other)
		}
	}
}

func TestCalls_OfOneKindAreBounded(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	g := newGate()
	for range MaxCalls {
		if h := g.Until(urls, now); h != (Hold{}) {
			t.Fatalf("got %+v, want no hold", h)
		}
		g.Reserve(urls, 1, now)
	}
	if h := g.Until(urls, now); h.Why != InFlight || h.Waits || h.Until.IsZero() {
		t.Errorf("got %+v with %d calls in flight, want a hold", h, MaxCalls)
	}
	if h := g.Until(Kind{"zone-b", edgeone.TypeURL}, now); h != (Hold{}) {
		t.Errorf("another zone: got %+v, want no hold (I7)", h)
	}
	answer(g, urls, edgeone.Done, now, now)
	if h := g.Until(urls, now); h != (Hold{}) {
		t.Errorf("got %+v when one was answered, want no hold", h)
	}
}
