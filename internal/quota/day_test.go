package quota

import (
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
)

func rows(available int) map[purge.Type]edgeone.Quota {
	return map[purge.Type]edgeone.Quota{purge.URL: {Batch: 500, Daily: 1000, DailyAvailable: available}}
}

// urls is the kind that the tests are about.
var urls = Kind{"zone-a", purge.URL}

// errDay is EdgeOne's refusal for an exhausted day.
var errDay = &edgeone.Error{Code: "LimitExceeded.DailyQuota", Message: "exhausted", Sent: true}

// newGate makes a Gate whose readings the test makes itself.
func newGate() *Gate { return New(Config{Log: zap.NewNop()}) }

// read notes a reading, and returns until when the kind is held then.
func read(g *Gate, byType map[purge.Type]edgeone.Quota, now time.Time) time.Time {
	g.set(urls.Zone, byType, now)
	return g.Until(urls, now).Until
}

func TestQuotas_CountOutWhatIsLeft(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	q := newGate()
	q.set("zone-a", rows(30), now)
	if n := q.Reserve(urls, 500, now); n != 500 {
		t.Errorf("got %d, want all of it: no call was refused yet", n)
	}
	q.Answered(urls, Answer{Targets: 500, Class: edgeone.DailyQuota, Err: errDay, Sent: now}, now)
	q.DayRefused(urls, 500, now, now)
	if h := q.Until(urls, now); !h.Until.After(now) || h.Why != DailyQuota || !h.Waits {
		t.Errorf("got %+v, want a hold until the quota is read", h)
	}
	if held := read(q, rows(30), now); !held.IsZero() {
		t.Errorf("got a hold until %v, want none: there is room", held)
	}
	for _, want := range []struct {
		ask, granted int
		held         bool
	}{{20, 20, false}, {20, 10, true}, {20, 0, true}} {
		n := q.Reserve(urls, want.ask, now)
		if h := q.Until(urls, now); n != want.granted || h.Until.After(now) != want.held {
			t.Errorf("of %d: got %d, %+v, want %d, held: %t", want.ask, n, h, want.granted, want.held)
		}
	}
	if n := q.Reserve(Kind{"zone-a", purge.Tag}, 20, now); n != 20 {
		t.Errorf("another type: got %d, want all 20", n)
	}
	if held := read(q, rows(0), now); !held.After(now) {
		t.Errorf("got a hold until %v, want one while nothing is left", held)
	}
	if _, next := q.dueAt(now); next.Sub(now) != exhaustedAge {
		t.Errorf("reads again after %v, want %v", next.Sub(now), exhaustedAge)
	}
	if held := read(q, rows(1000), now); !held.IsZero() || q.Room(urls) != 970 {
		t.Errorf("got a hold until %v and room for %d, want the next day without what is in flight", held, q.Room(urls))
	}
	q.Answered(urls, Answer{Targets: 20, Class: edgeone.Throttled, Err: errDay, Sent: now}, now)
	q.Answered(urls, Answer{Targets: 10, Class: edgeone.Done, Sent: now}, now)
	if q.Room(urls) != 990 {
		t.Errorf("got room for %d, want 990: a call was refused, and one of 10 accepted", q.Room(urls))
	}
	if q.Used(urls, Use{Accepted: 10, Sent: now}, now); q.Room(urls) != 990 {
		t.Errorf("got room for %d, want 990: those 10 were counted before", q.Room(urls))
	}
	q.DayRefused(urls, 500, now.Add(time.Second), now.Add(time.Second))
	if h := q.Until(urls, now); h.Why != DailyQuota || q.Room(urls) != 0 {
		t.Errorf("got %+v and room for %d, want a hold: what is left is not known after a refusal", h, q.Room(urls))
	}
}

func TestQuotas_WaitLongerWhereTheReadingIsWrong(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	q := newGate()
	last := time.Duration(-1)
	for i := range 10 {
		q.DayRefused(urls, 500, now, now)
		q.DayRefused(urls, 500, now.Add(-time.Second), now) // was in flight with it
		q.set("zone-a", rows(700), now)
		_, due := q.dueAt(now)
		wait := q.day(urls).pause.Sub(now)
		if wait <= last && wait < pauseMax || i > 0 && due.Sub(now) != wait {
			t.Errorf("refusal %d: waits for %v and reads after %v, want longer than %v", i, wait, due.Sub(now), last)
		}
		if got := q.day(urls).refusals; got != i+1 {
			t.Errorf("refusal %d counts as %d: those that were in flight with it are the same", i, got)
		}
		last = wait
		now = now.Add(wait + time.Second)
	}
	if last != pauseMax {
		t.Errorf("waits for %v in the end, want %v", last, pauseMax)
	}
	q.set("zone-a", rows(701), now)
	if q.DayRefused(urls, 500, now, now); q.day(urls).pause.After(now) {
		t.Error("a reading that rose counts for nothing, want a new day")
	}
}

// Where EdgeOne does not return what is left, a batch may be larger than a day.
func TestQuotas_HalveWhatIsNeverTold(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	q := newGate()
	most := 1000
	for i, want := range []int{0, 500, 250, 125} {
		q.DayRefused(urls, most, now, now)
		if got := q.day(urls).max; got != want {
			t.Errorf("refusal %d: got a bound of %d, want %d", i, got, want)
		}
		if want > 0 {
			most = want
		}
		now = now.Add(time.Hour)
	}
	q.Used(urls, Use{Accepted: 1, Sent: now}, now)
	if got := q.day(urls).max; got != 250 {
		t.Errorf("got %d after an accepted call, want twice as many", got)
	}
	q.set("zone-a", rows(700), now)
	if got := q.day(urls).max; got != 0 {
		t.Errorf("got %d though what is left is told, want no bound", got)
	}
}
