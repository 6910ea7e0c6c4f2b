package trouble_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/edgepurge/edgepurge/internal/trouble"
)

// bench is a Log whose lines a test reads.
func bench() (*trouble.Log, func() []string) {
	core, logs := observer.New(zap.DebugLevel)
	return trouble.New(zap.New(core)), func() []string {
		var lines []string
		for _, e := range logs.TakeAll() {
			var line strings.Builder
			_, _ = line.WriteString(e.Message)
			fields := e.ContextMap()
			for _, key := range []string{"zone", "error", "times", "lasted"} {
				if v, ok := fields[key]; ok {
					_, _ = fmt.Fprintf(&line, " %s=%v", key, v)
				}
			}
			lines = append(lines, line.String())
		}
		return lines
	}
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

func TestTrouble_IsSaidAtAGrowingPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, lines := bench()
		tr := log.On("streams are not there", "", zap.String("zone", "z"))
		start := time.Now()
		var at []time.Duration
		for time.Since(start) < time.Hour {
			tr.Failed(errors.New("refused"))
			if got := lines(); len(got) > 0 {
				at = append(at, time.Since(start))
			}
			time.Sleep(time.Second)
		}
		m := time.Minute
		if want := []time.Duration{0, m, 3 * m, 7 * m, 15 * m, 25 * m, 35 * m, 45 * m, 55 * m}; !slices.Equal(at, want) {
			t.Errorf("got lines at %v, want at %v", at, want)
		}
		tr.Over()
		want(t, lines(), "streams are not there: over zone=z times=3600 lasted=1h0m0s")
		tr.Over()
		want(t, lines())
	})
}

func TestTrouble_IsSaidAgainWhenItChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, lines := bench()
		tr := log.On("w", "")
		for i, reason := range []string{"a", "a", "port 1234", "port 77", "a", "b"} {
			time.Sleep(time.Second)
			tr.Failed(errors.New(reason))
			_ = i
		}
		want(t, lines(), "w error=a", "w error=port 1234 times=3 lasted=2s", "w error=b times=6 lasted=5s")
		for i := range 1000 { // reasons without end are bounded
			tr.Failed(fmt.Errorf("reason %c%c", 'a'+rune(i%26), 'a'+rune(i/26)))
		}
		if got := len(lines()); got > 8 {
			t.Errorf("got %d lines for 1000 reasons at once, want 8 at most", got)
		}
	})
}

// What comes and goes each second costs no more than what lasts.
func TestTrouble_ThatComesAndGoesKeepsItsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, lines := bench()
		tr := log.On("w", "")
		n := 0
		for range 3600 {
			tr.Failed(errors.New("a"))
			tr.Over()
			n += len(lines())
			time.Sleep(time.Second)
		}
		if n < 10 || n > 20 {
			t.Errorf("got %d lines in an hour of coming and going, want two each for nine turns", n)
		}
		time.Sleep(11 * time.Minute)
		tr.Failed(errors.New("a"))
		want(t, lines(), "w error=a")
	})
}

func TestTrouble_OfSeveralIsOverWithTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, lines := bench()
		a, b, c := log.On("w", "k"), log.On("w", "k"), log.On("w", "k")
		a.Failed(errors.New("x"))
		b.Failed(errors.New("x"))
		c.Failed(errors.New("x"))
		time.Sleep(time.Second)
		a.Over()
		c.Leave() // gave up
		want(t, lines(), "w error=x")
		b.Over()
		want(t, lines(), "w: over times=3 lasted=1s")
	})
}

func TestTrouble_IsOverByItselfWhereNobodySaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, lines := bench()
		tr := log.On("w", "")
		for range 3 {
			tr.FailedUntil(time.Minute, errors.New("x"))
			time.Sleep(30 * time.Second)
		}
		want(t, lines(), "w error=x", "w error=x times=3 lasted=1m0s")
		time.Sleep(time.Minute)
		want(t, lines(), "w: over times=3 lasted=2m0s")
		time.Sleep(time.Hour)
		for range 3 {
			log.Shared("s", "zone").FailedUntil(time.Minute, errors.New("x"))
		}
		want(t, lines(), "s error=x")
		log.Close()
		time.Sleep(time.Hour)
		want(t, lines())
	})
}

func TestLog_TellsABoundedNumberOfTroublesApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, lines := bench()
		var all []*trouble.Trouble
		for i := range 5000 {
			tr := log.On("w", fmt.Sprint("zone-", i))
			tr.Failed(errors.New("x"))
			all = append(all, tr)
		}
		if got := len(lines()); got > 1100 {
			t.Errorf("got %d lines, want about one for each of 1000 zones", got)
		}
		for _, tr := range all {
			tr.Over()
		}
		if got := len(lines()); got > 1100 || got == 0 {
			t.Errorf("got %d lines, want about one for each that began", got)
		}
	})
}
