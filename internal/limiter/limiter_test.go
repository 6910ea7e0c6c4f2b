package limiter_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgepurge/edgepurge/internal/limiter"
)

const spacing = 50500 * time.Microsecond // 1/20 s and a twentieth of 10 ms

func send(t *testing.T, l *limiter.Limiter) time.Time {
	t.Helper()
	if err := l.Wait(t.Context()); err != nil {
		t.Fatalf("wait: %v", err)
	}
	l.Sent()
	return time.Now()
}

func TestLimiter_SpacesCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(20)
		start := send(t, l)
		for i := 1; i <= 100; i++ {
			if got, want := send(t, l).Sub(start), time.Duration(i)*spacing; got != want {
				t.Fatalf("call %d after %v, want %v", i, got, want)
			}
		}
	})
}

func TestLimiter_LetsAnIdleCallThroughAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(20)
		send(t, l)
		time.Sleep(time.Minute)
		before := time.Now()
		if got := send(t, l).Sub(before); got != 0 {
			t.Errorf("idle call waited %v, want 0", got)
		}
		if got := send(t, l).Sub(before); got != spacing {
			t.Errorf("the next came after %v, want %v: idleness must not save up calls", got, spacing)
		}
	})
}

func TestLimiter_CountsFromTheRealSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(20)
		if err := l.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(40 * time.Millisecond) // held up between grant and wire
		l.Sent()
		held := time.Now()
		if got := send(t, l).Sub(held); got != spacing {
			t.Errorf("next send %v after the held-up one, want %v", got, spacing)
		}
	})
}

func TestLimiter_NeverExceedsAWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(20)
		var sends []time.Time
		for i := range 400 {
			if i%70 == 0 {
				time.Sleep(time.Duration(i*13%170) * time.Millisecond)
			}
			if err := l.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(i*i%23) * time.Millisecond) // held up
			l.Sent()
			sends = append(sends, time.Now())
		}
		for i := 20; i < len(sends); i++ {
			if span := sends[i].Sub(sends[i-20]); span < time.Second+10*time.Millisecond {
				t.Fatalf("21 sends within %v", span)
			}
		}
	})
}

// A call that is let through and not made costs its place in one window, and no more.
func TestLimiter_ForgetsCallsThatWereNotMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(20)
		for range 5 {
			send(t, l)
			if err := l.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for range 20 {
			send(t, l)
		}
		start := send(t, l)
		for range 40 {
			send(t, l)
		}
		if got := time.Since(start); got != 40*spacing {
			t.Errorf("40 calls took %v, want %v", got, 40*spacing)
		}
	})
}

func TestLimiter_SlowsAfterARefusalAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(20)
		refused := send(t, l)
		l.Throttled(refused)
		if got := send(t, l).Sub(refused); got != spacing {
			t.Errorf("next call %v after a lone refusal, want it in the next slot, %v", got, spacing)
		}
		if got, want := l.Spacing(), spacing+250*time.Microsecond; got != want {
			t.Errorf("spacing %v after a refusal, want %v", got, want)
		}
		if limit, gap, margin := l.Pace(); limit != 20 || gap != 50750*time.Microsecond || margin != 750*time.Microsecond {
			t.Errorf("got %v calls a second, %v apart with a margin of %v; want 20, 50.75ms, 750us", limit, gap, margin)
		}
		for range 20 {
			time.Sleep(time.Second)
			l.Throttled(time.Now())
		}
		if got, want := l.Spacing(), 100*time.Millisecond; got != want {
			t.Errorf("spacing %v after many refusals, want at most %v", got, want)
		}
		for range 100 {
			time.Sleep(11 * time.Second)
			send(t, l)
		}
		if got := l.Spacing(); got != spacing {
			t.Errorf("spacing %v after a quiet while, want %v", got, spacing)
		}
	})
}

// Refusals in a row hold for longer each time, and double the margin; once for all that were on their way.
func TestLimiter_HoldsLongerWithEachRefusalOfARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(20)
		early := send(t, l)
		want := []time.Duration{0, 100 * time.Millisecond, 300 * time.Millisecond, time.Second, time.Second}
		for i, hold := range want {
			sent := send(t, l)
			time.Sleep(40 * time.Millisecond)
			l.Throttled(sent)
			refused, before := time.Now(), l.Spacing()
			l.Throttled(early)
			l.Throttled(sent)
			if l.Spacing() != before {
				t.Errorf("refusal %d: spacing %v after calls that were on their way, want still %v", i, l.Spacing(), before)
			}
			if hold == 0 {
				continue
			}
			early = send(t, l)
			if got := early.Sub(refused); got != hold {
				t.Errorf("call %v after refusal %d, want %v", got, i, hold)
			}
		}
		if got, want := l.Spacing(), 62*time.Millisecond; got != want { // 10 ms * 1.5 * 2^4 for 20 calls
			t.Errorf("spacing %v after a row of five, want %v", got, want)
		}
		time.Sleep(10 * time.Second)
		refused := send(t, l)
		l.Throttled(refused)
		if got := send(t, l).Sub(refused); got != time.Second {
			t.Errorf("call %v after a refusal while the margin is wide, want a window", got)
		}
	})
}

// A window without a refusal ends a row that is not complete.
func TestLimiter_AWindowEndsARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(20)
		for i := range 10 {
			time.Sleep(time.Second)
			refused := send(t, l)
			l.Throttled(refused)
			if got := send(t, l).Sub(refused); got > l.Spacing() {
				t.Errorf("call %v after refusal %d, want it in the next slot", got, i)
			}
		}
	})
}

func TestLimiter_HoldsAndResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(20)
		start := time.Now()
		l.Hold(time.Second)
		if got := send(t, l).Sub(start); got != time.Second {
			t.Errorf("first call after %v, want one second", got)
		}

		heir := limiter.New(20)
		time.Sleep(20 * time.Millisecond)
		heir.Resume(l.Sends())
		before := time.Now()
		if got, want := send(t, heir).Sub(before), spacing-20*time.Millisecond; got != want {
			t.Errorf("heir's first call after %v, want %v", got, want)
		}
		heir.Resume([]time.Time{time.Now().Add(time.Hour)})
		before = time.Now()
		if got := send(t, heir).Sub(before); got != spacing {
			t.Errorf("a send in the future held the heir for %v, want %v", got, spacing)
		}
	})
}

func TestLimiter_WaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(20)
		l.Hold(time.Hour)
		cause := errors.New("lease lost")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		if err := l.Wait(ctx); !errors.Is(err, cause) {
			t.Errorf("got %v, want %v", err, cause)
		}
	})
}

func TestLimiter_WithoutALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(0)
		start := time.Now()
		for range 1000 {
			send(t, l)
		}
		if got := time.Since(start); got != 0 {
			t.Errorf("1000 calls took %v, want 0", got)
		}
		l.Throttled(time.Now())
		if got := send(t, l).Sub(start); got != time.Second {
			t.Errorf("a refusal held for %v, want one window", got)
		}
	})
}

func TestLimiter_SetChangesThePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(20)
		start := send(t, l)
		l.Set(10)
		if got, want := send(t, l).Sub(start), 101*time.Millisecond; got != want {
			t.Errorf("call %v after the last at 10 a second, want %v", got, want)
		}
		start = time.Now()
		l.Set(20)
		if got := send(t, l).Sub(start); got != spacing {
			t.Errorf("call %v after the last at 20 a second, want %v", got, spacing)
		}
		start = time.Now()
		l.Set(0)
		for range 100 {
			send(t, l)
		}
		if got := time.Since(start); got != 0 {
			t.Errorf("100 calls without a limit took %v, want 0", got)
		}
		l.Set(20)
		if got := send(t, l).Sub(start); got != time.Second {
			t.Errorf("call %v after nobody counted, want one window", got)
		}
		if got := send(t, l).Sub(start); got != time.Second+spacing {
			t.Errorf("the one after it %v later, want %v", got, time.Second+spacing)
		}
	})
}

// Who waits by an old, slow limit need not wait it out; what a refusal holds back stays so.
func TestLimiter_SetReachesThoseThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := limiter.New(0.01)
		start := send(t, l)
		time.AfterFunc(2*time.Second, func() { l.Set(20) })
		if got := send(t, l).Sub(start); got > 3*time.Second {
			t.Errorf("call %v after the last, want it within a window of the change", got)
		}
		l.Throttled(time.Now())
		time.Sleep(time.Millisecond)
		l.Throttled(time.Now())
		start = time.Now()
		l.Set(40)
		if got := send(t, l).Sub(start); got != 100*time.Millisecond {
			t.Errorf("call %v after two refusals, want 100ms", got)
		}
		if _, _, margin := l.Pace(); margin != 750*time.Microsecond {
			t.Errorf("margin %v, want that of the refusals, 750us", margin)
		}
		l.Set(0.5)
		l.Set(20)
		if _, gap, _ := l.Pace(); gap < spacing || gap > 100*time.Millisecond {
			t.Errorf("calls are %v apart, want at least %v and at most twice the interval", gap, spacing)
		}
	})
}
