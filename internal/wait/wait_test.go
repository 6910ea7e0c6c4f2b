package wait_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgepurge/edgepurge/internal/wait"
)

func TestSleep_PassesItsTimeUnlessTheContextEnds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		d     time.Duration
		ends  time.Duration // of the context; negative: before
		slept bool
		took  time.Duration
	}{
		{"its time", time.Second, time.Hour, true, time.Second},
		{"the context ends", time.Hour, time.Second, false, time.Second},
		{"no time", 0, time.Hour, true, 0},
		{"less than no time", -time.Hour, time.Hour, true, 0},
		{"the context has ended", time.Hour, -1, false, 0},
		{"no time, and the context has ended", 0, -1, false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), max(tt.ends, 0))
				defer cancel()
				begun := time.Now()
				if slept := wait.Sleep(ctx, tt.d); slept != tt.slept {
					t.Errorf("got %v, want %v", slept, tt.slept)
				}
				if took := time.Since(begun); took != tt.took {
					t.Errorf("it took %v, want %v", took, tt.took)
				}
			})
		})
	}
}

func TestSignal_WakesOnceAndNeverBlocks(t *testing.T) {
	t.Parallel()
	c := make(chan struct{}, 1)
	wait.Signal(c)
	wait.Signal(c)
	<-c
	select {
	case <-c:
		t.Error("two signals woke twice")
	default:
	}
}
