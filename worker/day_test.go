package worker

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

// errSpent is EdgeOne's refusal for a spent day.
var errSpent = &edgeone.Error{Action: "CreatePurgeTask", Code: "LimitExceeded.DailyQuota", Message: "spent", Sent: true}

func rows(available int) map[string]edgeone.Quota {
	return map[string]edgeone.Quota{edgeone.TypeURL: {Batch: 500, Daily: 1000, DailyAvailable: available}}
}

func TestQuotas_CountOutWhatIsLeft(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	q := newQuotas()
	q.set("zone-a", rows(30), now)
	if n, dry := q.ration("zone-a", edgeone.TypeURL, 500, now); n != 500 || dry {
		t.Errorf("got %d, %t, want all of it: no call was refused yet", n, dry)
	}
	if until := q.refused("zone-a", edgeone.TypeURL, now, now, 500); !until.After(now) {
		t.Errorf("got a hold until %v, want one until the quota is read", until)
	}
	if held := q.set("zone-a", rows(30), now)[edgeone.TypeURL]; !held.IsZero() {
		t.Errorf("got a hold until %v, want none: there is room", held)
	}
	for _, want := range []struct {
		ask, granted int
		dry          bool
	}{{20, 20, false}, {20, 10, true}, {20, 0, true}} {
		if n, dry := q.ration("zone-a", edgeone.TypeURL, want.ask, now); n != want.granted || dry != want.dry {
			t.Errorf("of %d: got %d, %t, want %d, %t", want.ask, n, dry, want.granted, want.dry)
		}
	}
	if n, _ := q.ration("zone-a", edgeone.TypeTag, 20, now); n != 20 {
		t.Errorf("another type: got %d, want all 20", n)
	}
	if held := q.set("zone-a", rows(0), now)[edgeone.TypeURL]; !held.After(now) {
		t.Errorf("got a hold until %v, want one while nothing is left", held)
	}
	if _, next := q.dueAt(now); next.Sub(now) != spentAge {
		t.Errorf("reads again after %v, want %v", next.Sub(now), spentAge)
	}
	if held := q.set("zone-a", rows(1000), now)[edgeone.TypeURL]; !held.IsZero() || q.left("zone-a", edgeone.TypeURL) != 1000 {
		t.Errorf("got a hold until %v, want none on the next day", held)
	}
}

func TestQuotas_WaitLongerWhereTheReadingIsWrong(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	q := newQuotas()
	last := time.Duration(-1)
	for i := range 10 {
		q.refused("zone-a", edgeone.TypeURL, now, now, 500)
		q.refused("zone-a", edgeone.TypeURL, now.Add(-time.Second), now, 500) // was in flight with it
		q.set("zone-a", rows(700), now)
		_, due := q.dueAt(now)
		wait := q.day("zone-a", edgeone.TypeURL).until.Sub(now)
		if wait <= last && wait < spentMax || i > 0 && due.Sub(now) != wait {
			t.Errorf("refusal %d: waits for %v and reads after %v, want longer than %v", i, wait, due.Sub(now), last)
		}
		if got := q.day("zone-a", edgeone.TypeURL).refusals; got != i+1 {
			t.Errorf("refusal %d counts as %d: those that were in flight with it are the same", i, got)
		}
		last = wait
		now = now.Add(wait + time.Second)
	}
	if last != spentMax {
		t.Errorf("waits for %v in the end, want %v", last, spentMax)
	}
	q.set("zone-a", rows(701), now)
	if q.refused("zone-a", edgeone.TypeURL, now, now, 500); q.day("zone-a", edgeone.TypeURL).until.After(now) {
		t.Error("a reading that rose counts for nothing, want a new day")
	}
}

func TestWorker_AsksASpentDayOnlyNowAndThen(t *testing.T) {
	unread := func() (map[string]edgeone.Quota, error) { return nil, errAway }
	wrong := func() (map[string]edgeone.Quota, error) { return rows(700), nil }
	spent := func() (map[string]edgeone.Quota, error) { return rows(0), nil }
	for name, tt := range map[string]struct {
		quota func() (map[string]edgeone.Quota, error)
		calls int // within an hour, at most
	}{"not read": {unread, 25}, "wrongly read": {wrong, 20}, "read": {spent, 1}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.quota = tt.quota
				w.create = func(p edgeone.Purge) (edgeone.Created, error) {
					if p.Zone == "zone-b" {
						return accept(p)
					}
					return edgeone.Created{}, errSpent
				}
				stop := w.run(t, w.worker())
				w.give(t, purge.Bulk, 1, purge.Request{ID: "a", Zone: "zone-a", Targets: pages(600)})
				wait.Sleep(t.Context(), time.Hour)
				w.give(t, purge.Bulk, 2, purge.Request{ID: "b", Zone: "zone-b", Targets: pages(1)})
				wait.Sleep(t.Context(), 5*time.Second)
				if err := stop(); err != nil {
					t.Error(err)
				}
				if got := len(w.calls) - w.jobs; got > 2*tt.calls || got == 0 {
					t.Errorf("%d refused calls in an hour, want at most %d", got, 2*tt.calls)
				}
				if w.jobs != 1 || len(w.naked) != 1 {
					t.Errorf("%d jobs, %d given back, want the other zone's done and the first kept (I7)", w.jobs, len(w.naked))
				}
			})
		})
	}
}

func TestDaySpent_KnowsTheReasons(t *testing.T) {
	for reason, want := range map[string]bool{
		"Reached the daily upper limit of resource number.": true,
		"LimitExceeded.DailyQuota":                          true,
		"quotaExceeded":                                     true,
		"超过每日配额":                                            true,
		"The domain name does not exist or is not belong to this account.": false,
		"": false,
	} {
		if got := daySpent(reason); got != want {
			t.Errorf("%q: got %t, want %t", reason, got, want)
		}
	}
	if errors.Is(errSpent, errAway) || edgeone.Classify(errSpent) != edgeone.DailyQuota {
		t.Error("the refusal of these tests is not that of a spent day")
	}
}

// Where EdgeOne does not tell what is left, a batch may be larger than a day.
func TestQuotas_HalveWhatIsNeverTold(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	q := newQuotas()
	most := 1000
	for i, want := range []int{0, 500, 250, 125} {
		q.refused("zone-a", edgeone.TypeURL, now, now, most)
		if got := q.most("zone-a", edgeone.TypeURL); got != want {
			t.Errorf("refusal %d: got a bound of %d, want %d", i, got, want)
		}
		if want > 0 {
			most = want
		}
		now = now.Add(time.Hour)
	}
	q.accepted("zone-a", edgeone.TypeURL, now)
	if got := q.most("zone-a", edgeone.TypeURL); got != 250 {
		t.Errorf("got %d after an accepted call, want twice as many", got)
	}
	q.set("zone-a", rows(700), now)
	if got := q.most("zone-a", edgeone.TypeURL); got != 0 {
		t.Errorf("got %d though what is left is told, want no bound", got)
	}
}
