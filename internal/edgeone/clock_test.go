package edgeone_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/internal/edgeone"
)

// The bounds that are drawn from answers hold the server's clock, whatever the calls took.
func TestClock_BoundsHoldTheServersTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
		ahead := time.Duration(rapid.Int64Range(-3e11, 3e11).Draw(t, "ahead"))
		server := func(at time.Time) time.Time { return at.Add(ahead) }
		span := rapid.Int64Range(0, int64(3*time.Second))
		var c edgeone.Clock
		now := start
		for range rapid.IntRange(1, 20).Draw(t, "calls") {
			sent := now.Add(time.Duration(span.Draw(t, "wait")))
			told := sent.Add(time.Duration(span.Draw(t, "there")))
			now = told.Add(time.Duration(span.Draw(t, "back")))
			c.Read(server(told).Truncate(edgeone.Precision), sent, now)
		}
		at := now.Add(-time.Duration(span.Draw(t, "ago")))
		least, most := c.Bounds(at)
		if s := server(at); s.Before(least) || s.After(most) {
			t.Errorf("the server's clock was at %v, want it between %v and %v", s, least, most)
		}
	})
}

func TestClock_IsReadAnewWhenItWasSet(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	var c edgeone.Clock
	c.Read(now, now, now)
	c.Read(now.Add(time.Hour), now, now)
	if least, _ := c.Bounds(now); !least.Equal(now.Add(time.Hour)) {
		t.Errorf("got %v, want an hour later", least)
	}
	c.Read(time.Time{}, now, now)
	if least, _ := c.Bounds(now); !least.Equal(now.Add(time.Hour)) {
		t.Errorf("got %v from an answer without a date", least)
	}
}
