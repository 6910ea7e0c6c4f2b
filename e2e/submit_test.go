package e2e_test

import (
	"fmt"
	"testing"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/client"
	"github.com/edgepurge/edgepurge/internal/app"
	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/purge"
)

func (w *world) broker() *broker.Broker {
	w.t.Helper()
	b, err := broker.Connect(app.Dial(w.cfg), app.Settings(w.cfg), zap.NewNop())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(b.Conn.Close)
	return b
}

// Those that ended before are not published again, and their ends are reported all the same.
func TestPurgeManyAndWait_DoesOnlyWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.provision()
	c, err := w.broker().Conn.Client(client.Config{Source: "cli", Lane: purge.Bulk})
	if err != nil {
		t.Fatal(err)
	}
	requests := func(n int) func(func(purge.Request) bool) {
		return func(yield func(purge.Request) bool) {
			for i := range n {
				if !yield(purge.Request{ID: fmt.Sprintf("release-%d", i), Targets: []string{url(i)}}) {
					return
				}
			}
		}
	}
	for _, err := range c.PurgeMany(t.Context(), requests(20)) {
		if err != nil {
			t.Fatal(err)
		}
	}
	w.start()
	w.completed(20)
	ended, before := 0, 0
	for e, err := range c.PurgeManyAndWait(t.Context(), client.Many{Requests: requests(50)}) {
		if err != nil || e.Status != purge.Completed {
			t.Fatalf("got %+v, %v, want completed", e, err)
		}
		ended++
		if e.Before {
			before++
		}
	}
	if ended != 50 || before != 20 {
		t.Errorf("%d ends, %d of them before, want 50 and 20", ended, before)
	}
	w.completed(50)
	if s := w.api.Stats(); s.Targets != 50 {
		t.Errorf("%d targets submitted, want 50: none twice", s.Targets)
	}
}
