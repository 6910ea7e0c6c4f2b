package quota

import (
	"strconv"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
)

func TestDenied_KindsTakeTurns(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	g := newGate()
	forbidden := &edgeone.Error{Code: "UnauthorizedOperation.CamUnauthorized", Sent: true}
	deny := func(k Kind) (pause time.Duration) {
		g.Reserve(k, 1, now)
		g.Answered(k, Answer{Targets: 1, Class: edgeone.Permission, Err: forbidden, Sent: now}, now)
		pause, _ = g.Denied(k, forbidden, now)
		return pause
	}
	for i := range 3 {
		k := Kind{"zone-" + strconv.Itoa(i), purge.URL}
		if pause := deny(k); pause != pauseFor {
			t.Errorf("%v: the account pauses for %v, want %v: no call is carried out", k, pause, pauseFor)
		}
		want := time.Duration(i+2) * pauseFor
		if h := g.Until(k, now); h.Why != Permission || !h.Closed() || h.Until.Sub(now) != want {
			t.Errorf("%v: got %+v, want a hold for %v", k, h, want)
		}
	}
	if g.Refusal() == "" {
		t.Error("the refusal of the credentials is not returned")
	}
	refused := &edgeone.Error{Code: "AuthFailure.SecretIdNotFound", Sent: true}
	if pause, wait := g.Denied(urls, refused, now); pause != pauseFor || wait != pauseFor {
		t.Errorf("refused credentials: a pause of %v and a wait of %v, want %v", pause, wait, pauseFor)
	}

	other := Kind{"zone-other", purge.URL}
	g.Reserve(other, 1, now)
	answer(g, other, edgeone.Done, now, now)
	if g.Refusal() != "" {
		t.Errorf("got %q though a call was carried out", g.Refusal())
	}
	if pause := deny(Kind{"zone-0", purge.URL}); pause != 0 {
		t.Errorf("the account pauses for %v though others are carried out, want not", pause)
	}

	// Once one of them is accepted the permissions were changed: all are tried at once.
	g.Accepted(Kind{"zone-1", purge.URL})
	if waiting := g.Waiting(now); len(waiting) > 0 {
		t.Errorf("%v still wait, want none", waiting)
	}
}
