package emulator_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

func quotaOf(t *testing.T, c *client, zone string) map[string]quotaRow {
	t.Helper()
	a := c.must(t, "DescribeContentQuota", object{"ZoneId": zone})
	rows := map[string]quotaRow{}
	for _, row := range append(a.PurgeQuota, a.PrefetchQuota...) {
		rows[row.Type] = row
	}
	if len(a.PurgeQuota) != 5 || len(a.PrefetchQuota) != 1 {
		t.Fatalf("got %s, want five rows and one", a.raw)
	}
	return rows
}

func TestQuota_TellsEveryType(t *testing.T) {
	for name, tc := range map[string]struct {
		config emulator.Config
		want   map[string]quotaRow
	}{
		"none": {emulator.Config{}, map[string]quotaRow{
			"purge_url":       {5000, 1e9, 1e9, "purge_url"},
			"purge_prefix":    {1000, 1e9, 1e9, "purge_prefix"},
			"purge_host":      {1000, 1e9, 1e9, "purge_host"},
			"purge_all":       {1, 1e9, 1e9, "purge_all"},
			"purge_cache_tag": {100, 1e9, 1e9, "purge_cache_tag"},
			"prefetch_url":    {5000, 1e9, 1e9, "prefetch_url"},
		}},
		"some": {emulator.Config{BatchQuota: 500, DailyQuota: 700}, map[string]quotaRow{
			"purge_url":       {500, 700, 700, "purge_url"},
			"purge_prefix":    {500, 700, 700, "purge_prefix"},
			"purge_host":      {500, 700, 700, "purge_host"},
			"purge_all":       {1, 700, 700, "purge_all"},
			"purge_cache_tag": {100, 700, 700, "purge_cache_tag"},
			"prefetch_url":    {500, 700, 700, "prefetch_url"},
		}},
	} {
		c, _ := newClient(t, tc.config)
		if diff := cmp.Diff(tc.want, quotaOf(t, c, testZone)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestQuota_JudgesParameters(t *testing.T) {
	c, _ := newClient(t, twoZones())
	for params, want := range map[string]string{
		`{"ZoneId":"zone-a"}`:            "",
		`{}`:                             "MissingParameter",
		`{"ZoneId":"zone-c"}`:            "InvalidParameter.ZoneNotFound",
		`{"ZoneId":"zone-a","Type":"x"}`: "UnknownParameter",
		`{"ZoneId":["zone-a"]}`:          "InvalidParameter",
	} {
		if got := c.call(t, "DescribeContentQuota", params).code(); got != want {
			t.Errorf("%s: got %q, want %q", params, got, want)
		}
	}
}

func TestQuota_BatchCountsTargets(t *testing.T) {
	c, _ := newClient(t, emulator.Config{BatchQuota: 500})
	for n, want := range map[int]string{500: "", 501: "LimitExceeded.BatchQuota"} {
		p := object{"ZoneId": testZone, "Type": "purge_url", "Targets": urls(n)}
		if got := c.call(t, "CreatePurgeTask", p).code(); got != want {
			t.Errorf("%d targets: got %q, want %q", n, got, want)
		}
	}
}

func TestQuota_DayIsSpentAndComesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, e := newClient(t, emulator.Config{DailyQuota: 100, Day: time.Minute})
		submit := func(zone string, n int) string {
			return c.call(t, "CreatePurgeTask", object{"ZoneId": zone, "Type": "purge_url", "Targets": urls(n)}).code()
		}
		time.Sleep(10 * time.Second)
		for i, step := range []struct {
			zone string
			n    int
			want string
			left int
			then time.Duration
		}{
			{"zone-1", 60, "", 40, 0},
			{"zone-1", 41, "LimitExceeded.DailyQuota", 40, 0},
			{"zone-2", 41, "", 59, 0},
			{"zone-1", 40, "", 0, 50*time.Second - 1},
			{"zone-1", 1, "LimitExceeded.DailyQuota", 0, 1},
			{"zone-1", 100, "", 0, 0},
		} {
			if got := submit(step.zone, step.n); got != step.want {
				t.Errorf("step %d: got %q, want %q", i, got, step.want)
			}
			if got := quotaOf(t, c, step.zone)["purge_url"].DailyAvailable; got != step.left {
				t.Errorf("step %d: got %d left, want %d", i, got, step.left)
			}
			time.Sleep(step.then)
		}
		if got := quotaOf(t, c, "zone-1")["purge_prefix"].DailyAvailable; got != 100 {
			t.Errorf("another type: got %d left, want 100", got)
		}
		if got := e.Stats().Targets; got != 241 {
			t.Errorf("got %d targets, want 241", got)
		}
	})
}

// The tables of the unknown behaviours of quotas and foreign hosts, on a day of 10 with 6 already spent.
func TestQuota_UnknownBehaviours(t *testing.T) {
	own, foreign := "https://www.example.com/", "https://img.example.com/"
	for name, tc := range map[string]struct {
		unknown      map[string]string
		own, foreign int
		want         string
		accepted     int
		refused      int
		left         int
	}{
		"fits":                       {nil, 4, 0, "", 4, 0, 0},
		"too many":                   {nil, 5, 0, "LimitExceeded.DailyQuota", 0, 0, 4},
		"part":                       {map[string]string{"daily": "part"}, 5, 0, "", 4, 1, 0},
		"part that fits":             {map[string]string{"daily": "part"}, 3, 0, "", 3, 0, 1},
		"one foreign sinks the call": {nil, 2, 1, "InvalidParameter.DomainNotFound", 0, 0, 4},
		"one foreign is listed":      {map[string]string{"foreign-host": "failedlist"}, 2, 1, "", 2, 1, 2},
		"listed and charged":         {map[string]string{"foreign-host": "failedlist", "refund": "no"}, 2, 1, "", 2, 1, 1},
		"charge is too much": {
			map[string]string{"foreign-host": "failedlist", "refund": "no"}, 2, 3, "LimitExceeded.DailyQuota", 0, 0, 4,
		},
		"part of charge": {
			map[string]string{"foreign-host": "failedlist", "refund": "no", "daily": "part"}, 3, 3, "", 3, 3, 0,
		},
		"part and foreign": {map[string]string{"foreign-host": "failedlist", "daily": "part"}, 6, 2, "", 4, 4, 0},
		"none left":        {map[string]string{"foreign-host": "failedlist"}, 0, 2, "", 0, 2, 4},
	} {
		t.Run(name, func(t *testing.T) {
			config := twoZones()
			config.DailyQuota, config.Unknown = 10, tc.unknown
			c, e := newClient(t, config)
			submit := func(targets []string) answer {
				return c.call(t, "CreatePurgeTask", object{"ZoneId": "zone-a", "Type": "purge_url", "Targets": targets})
			}
			submit(many(own, 6))
			a := submit(append(many(foreign, tc.foreign), many(own, tc.own)...))
			refused := 0
			for _, f := range a.FailedList {
				refused += len(f.Targets)
			}
			if a.code() != tc.want || refused != tc.refused || (a.JobID != "") != (tc.accepted > 0) {
				t.Errorf("got %s, want %q, %d refused, %d accepted", a.raw, tc.want, tc.refused, tc.accepted)
			}
			if got := e.Stats().Targets - 6; got != int64(tc.accepted) {
				t.Errorf("got %d accepted, want %d", got, tc.accepted)
			}
			if got := quotaOf(t, c, "zone-a")["purge_url"].DailyAvailable; got != tc.left {
				t.Errorf("got %d left, want %d", got, tc.left)
			}
		})
	}
}

func TestQuota_SpentDayIsRefusedInPartToo(t *testing.T) {
	c, _ := newClient(t, emulator.Config{DailyQuota: 1, Unknown: map[string]string{"daily": "part"}})
	c.create(t, "https://www.example.com/")
	p := object{"ZoneId": testZone, "Type": "purge_url", "Targets": urls(2)}
	if got := c.call(t, "CreatePurgeTask", p).code(); got != "LimitExceeded.DailyQuota" {
		t.Errorf("got %q, want LimitExceeded.DailyQuota", got)
	}
}

func TestNextDay_ForgetsWhatWasSpent(t *testing.T) {
	c, e := newClient(t, emulator.Config{DailyQuota: 10})
	c.create(t, urls(10)...)
	if got := quotaOf(t, c, testZone)["purge_url"].DailyAvailable; got != 0 {
		t.Errorf("got %d left of the day, want none", got)
	}
	e.NextDay()
	if got := quotaOf(t, c, testZone)["purge_url"].DailyAvailable; got != 10 {
		t.Errorf("got %d left of the next day, want 10", got)
	}
}
