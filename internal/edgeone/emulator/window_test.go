package emulator_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

// burst makes n calls of CreatePurgeTask now, and returns how many were not refused as too fast.
func burst(t *testing.T, c *client, n int) (passed int) {
	t.Helper()
	for range n {
		switch a := c.call(t, "CreatePurgeTask", object{"ZoneId": testZone, "Type": "purge_all"}); a.code() {
		case "":
			passed++
		case "RequestLimitExceeded":
		default:
			t.Fatalf("got %s", a.raw)
		}
	}
	return passed
}

func TestWindow_FixedCountsWallClockSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, e := newClient(t, emulator.Config{Rate: 20})
		// The bubble's clock begins at a whole second. The burst at 0.9 s and the one at 1.0 s are in two seconds.
		time.Sleep(900 * time.Millisecond)
		for i, step := range []struct {
			calls, want int
			then        time.Duration
		}{
			{25, 20, 99 * time.Millisecond},
			{1, 0, time.Millisecond},
			{20, 20, 999 * time.Millisecond},
			{1, 0, time.Millisecond},
			{30, 20, 0},
		} {
			if got := burst(t, c, step.calls); got != step.want {
				t.Errorf("step %d: %d calls passed, want %d", i, got, step.want)
			}
			time.Sleep(step.then)
		}
		if got := e.Stats(); got.Throttled != 17 || got.CreateCalls != 77 || got.Jobs != 60 {
			t.Errorf("got %+v, want 17 of 77 throttled, 60 jobs", got)
		}
	})
}

func TestWindow_SlidingLetsRateThroughInAnySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := newClient(t, emulator.Config{Rate: 20, Window: emulator.WindowSliding})
		time.Sleep(900 * time.Millisecond)
		for i, step := range []struct {
			calls, want int
			then        time.Duration
		}{
			{12, 12, 500 * time.Millisecond},  // 0.9
			{25, 8, 500*time.Millisecond - 1}, // 1.4
			{1, 0, 1},                         // just before 1.9
			{25, 12, 500*time.Millisecond - 1},
			{1, 0, 1},
			{25, 8, 0}, // 2.4
		} {
			if got := burst(t, c, step.calls); got != step.want {
				t.Errorf("step %d: %d calls passed, want %d", i, got, step.want)
			}
			time.Sleep(step.then)
		}
	})
}

func TestWindow_IsOfActionAndKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, e := newClient(t, emulator.Config{Rate: 3})
		stranger := *c
		stranger.id = "AKIDSTRANGER"
		for range 5 {
			stranger.call(t, "CreatePurgeTask", "{}")
		}
		if got := burst(t, c, 4); got != 3 {
			t.Errorf("got %d creates, want 3 whatever a stranger does", got)
		}
		if got := c.call(t, "DescribeZones", "{}").code(); got != "" {
			t.Errorf("another action: got %q, want its own window", got)
		}
		if got := stranger.call(t, "CreatePurgeTask", "{}").code(); got != "RequestLimitExceeded" {
			t.Errorf("stranger: got %q, want RequestLimitExceeded before the key is looked at", got)
		}
		if got := e.Stats().Throttled; got != 4 {
			t.Errorf("got %d throttled, want 4", got)
		}
		for range 5 {
			if got := c.call(t, "NoAction", "{}").code(); got != "InvalidAction" {
				t.Errorf("unknown action: got %q, want InvalidAction", got)
			}
		}
	})
}

func TestWindow_RefusalNamesCountAndLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, e := newClient(t, emulator.Config{Rate: 20})
		burst(t, c, 20)
		// The pace is judged before anything else of a call.
		a := c.call(t, "CreatePurgeTask", "no JSON")
		if a.code() != "RequestLimitExceeded" || !strings.Contains(a.Error.Message, "equals to `21` in a second") ||
			!strings.Contains(a.Error.Message, "limit `20`") {
			t.Errorf("got %s", a.raw)
		}
		if got := e.Stats(); got.Jobs != 20 || got.CreateCalls != 21 {
			t.Errorf("got %+v, want 20 jobs of 21 calls", got)
		}
	})
}

func TestWindow_ZeroRateIsNoLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := newClient(t, emulator.Config{})
		if got := burst(t, c, 200); got != 200 {
			t.Errorf("got %d of 200 calls", got)
		}
	})
}

func TestLatency_PassesBetweenCreationAndAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, e := newClient(t, emulator.Config{Latency: 40 * time.Millisecond})
		start := time.Now()
		done := make(chan time.Duration)
		go func() {
			c.create(t, "https://www.example.com/")
			done <- time.Since(start)
		}()
		synctest.Wait()
		if got := e.Stats().Jobs; got != 1 {
			t.Errorf("got %d jobs while the answer is on its way, want 1", got)
		}
		if got := <-done; got != 40*time.Millisecond {
			t.Errorf("answered after %v, want 40ms", got)
		}
	})
}
