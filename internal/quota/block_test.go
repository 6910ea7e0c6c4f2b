package quota

import (
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
)

// answer ends a call of one target that Reserve granted.
func answer(g *Gate, k Kind, class edgeone.Class, sent, now time.Time) bool {
	var err error
	if class != edgeone.Done {
		err = &edgeone.Error{Code: "InternalError", Sent: true}
	}
	return g.Answered(k, Answer{Targets: 1, Class: class, Err: err, Sent: sent}, now)
}

func TestBlock_IsProbedByOneCallUntilItIsAccepted(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	g := newGate()
	for i := range blockRounds {
		if h := g.Until(urls, now); h != (Hold{}) {
			t.Fatalf("after %d refusals: got %+v, want no hold", i, h)
		}
		g.Reserve(urls, 1, now)
		answer(g, urls, edgeone.Transient, now, now)
		now = now.Add(time.Millisecond)
	}
	for pause := blockFirst; pause < 2*blockMax; pause *= 2 {
		h := g.Until(urls, now)
		if got := h.Until.Sub(now) + time.Millisecond; h.Why != Blocked || !h.Closed() || got != min(pause, blockMax) {
			t.Fatalf("got %+v for %v, want a pause of %v", h, got, min(pause, blockMax))
		}
		now = h.Until
		if h := g.Until(urls, now); !h.Waits || h.Closed() {
			t.Fatalf("got %+v after the pause, want a probe to be due", h)
		}
		g.Reserve(urls, 1, now)
		if h := g.Until(urls, now.Add(blockAge/2)); h.Why != Blocked {
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

func TestBlock_SlowsAllOnlyInDoubt(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	g := newGate()
	other := Kind{"zone-b", purge.URL}
	for i := range blockThrottled + 3 {
		g.Reserve(urls, 1, now)
		if slow := answer(g, urls, edgeone.Throttled, now, now); slow != (i < blockThrottled) {
			t.Errorf("refusal %d: slows all calls: %t", i, slow)
		}
		now = now.Add(time.Minute / 2)
		if i >= blockThrottled-1 {
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
	if h := g.Until(Kind{"zone-b", purge.URL}, now); h != (Hold{}) {
		t.Errorf("another zone: got %+v, want no hold (I7)", h)
	}
	answer(g, urls, edgeone.Done, now, now)
	if h := g.Until(urls, now); h != (Hold{}) {
		t.Errorf("got %+v when one was answered, want no hold", h)
	}
}
