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

var errDay = &edgeone.Error{Action: "CreatePurgeTask", Code: "LimitExceeded.DailyQuota", Message: "exhausted", Sent: true}

func rows(available int) map[purge.Type]edgeone.Quota {
	return map[purge.Type]edgeone.Quota{purge.URL: {Batch: 500, Daily: 1000, DailyAvailable: available}}
}

func TestWorker_AsksAnExhaustedDayOnlyNowAndThen(t *testing.T) {
	unread := func() (map[purge.Type]edgeone.Quota, error) { return nil, errAway }
	wrong := func() (map[purge.Type]edgeone.Quota, error) { return rows(700), nil }
	exhausted := func() (map[purge.Type]edgeone.Quota, error) { return rows(0), nil }
	for name, tt := range map[string]struct {
		quota func() (map[purge.Type]edgeone.Quota, error)
		calls int // within an hour, at most
	}{"not read": {unread, 25}, "wrongly read": {wrong, 20}, "read": {exhausted, 1}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.quota = tt.quota
				w.create = func(p edgeone.Purge) (edgeone.Created, error) {
					if p.Zone == "zone-b" {
						return accept(p)
					}
					return edgeone.Created{}, errDay
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

func TestIsDayRefusal_KnowsTheReasons(t *testing.T) {
	for reason, want := range map[string]bool{
		"Reached the daily upper limit of resource number.": true,
		"LimitExceeded.DailyQuota":                          true,
		"quotaExceeded":                                     true,
		"超过每日配额":                                            true,
		"The domain name does not exist or is not belong to this account.": false,
		"": false,
	} {
		if got := isDayRefusal(reason); got != want {
			t.Errorf("%q: got %t, want %t", reason, got, want)
		}
	}
	if errors.Is(errDay, errAway) || edgeone.Classify(errDay) != edgeone.DailyQuota {
		t.Error("the refusal of these tests is not that of an exhausted day")
	}
}
