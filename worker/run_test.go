package worker

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

func TestRun_DrainEndsWhileTheBrokerIsAway(t *testing.T) {
	tests := []struct {
		name  string
		after func(*world) // the broker goes away when this returns
	}{
		{"while a request is looked up", func(*world) {}},
		{"while its job is recorded", func(w *world) {
			w.until(func() bool { return len(w.calls) > 0 })
		}},
		{"while its ack is not answered", func(w *world) {
			w.set(func() { w.deaf = true })
			w.until(func() bool { return w.jobs > 0 })
		}},
		{"while it waits for a call", func(w *world) {
			w.until(func() bool { return len(w.calls) > 0 })
			w.set(func() { w.slow = true })
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				stop := w.run(t, w.worker())
				w.give(t, purge.Bulk, 1, purge.Request{ID: "a", Targets: []string{page(1)}})
				tt.after(w)
				w.set(func() { w.away = true })
				wait.Sleep(t.Context(), time.Second)
				start := time.Now()
				if err := stop(); err != nil {
					t.Errorf("got %v, want no error after a drain", err)
				}
				if took := time.Since(start); took > 6*time.Second {
					t.Errorf("took %v, want no more than the drain time of 5s", took)
				}
				if len(w.acked) > 0 || len(w.naked) != 1 {
					t.Errorf("got %v acked and %v given back, want the request to be given back", w.acked, w.naked)
				}
			})
		})
	}
}

func TestRun_EndsWhenTheStreamWasMadeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		stop := w.run(t, w.worker())
		w.set(func() { w.deaf = true })
		w.give(t, purge.Bulk, 1, purge.Request{ID: "a", Targets: []string{page(1)}})
		w.until(func() bool { return w.jobs == 1 })
		w.lanes[purge.Bulk].lose()
		wait.Sleep(t.Context(), 10*time.Second)
		start := time.Now()
		if err := stop(); !errors.Is(err, record.ErrGone) || time.Since(start) > 0 {
			t.Errorf("got %v after %v, want to have ended for %v", err, time.Since(start), record.ErrGone)
		}
		if len(w.naked) > 0 {
			t.Errorf("gave back %v, which are other messages by now", w.naked)
		}
	})
}

func TestRun_LooksAtTheStreamWhileTheWindowIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.slow = true // what is refused would not stay in the window
		stop := w.run(t, w.worker())
		for i := range 3 {
			w.give(t, purge.Bulk, uint64(i+1), purge.Request{ID: string(rune('a' + i)), Targets: pages(5000)})
		}
		wait.Sleep(t.Context(), time.Second)
		w.lanes[purge.Bulk].lose()
		wait.Sleep(t.Context(), 3*time.Second)
		start := time.Now()
		if err := stop(); !errors.Is(err, record.ErrGone) || time.Since(start) > 0 {
			t.Errorf("got %v after %v, want to have ended for %v", err, time.Since(start), record.ErrGone)
		}
	})
}
