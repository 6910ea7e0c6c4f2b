package emulator_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

func TestPrefetch_JudgesParameters(t *testing.T) {
	const targets = `"ZoneId":"zone-a","Targets":["https://www.example.com/"]`
	for params, want := range map[string]string{
		`{` + targets + `}`:                                       "",
		`{` + targets + `,"Mode":"default"}`:                      "",
		`{` + targets + `,"PrefetchMediaSegments":"off"}`:         "",
		`{` + targets + `,"Headers":[{"Name":"a","Value":"b"}]}`:  "",
		`{` + targets + `,"Headers":[{"Value":"b"}]}`:             "MissingParameter",
		`{` + targets + `,"Headers":[{"Key":"b"}]}`:               "UnknownParameter",
		`{` + targets + `,"Mode":"edge"}`:                         "InvalidParameter.ParameterError",
		`{` + targets + `,"PrefetchMediaSegments":"on"}`:          "InvalidParameter.ParameterError",
		`{` + targets + `,"Type":"purge_url"}`:                    "UnknownParameter",
		`{"ZoneId":"zone-a"}`:                                     "MissingParameter",
		`{"Targets":["https://www.example.com/"]}`:                "MissingParameter",
		`{"ZoneId":"zone-a","Targets":["www.example.com"]}`:       "InvalidParameter.Target",
		`{"ZoneId":"zone-b","Targets":["https://a.example.com"]}`: "InvalidParameter.DomainNotFound",
	} {
		c, _ := newClient(t, twoZones())
		if got := c.call(t, "CreatePrefetchTask", params).code(); got != want {
			t.Errorf("%s: got %q, want %q", params, got, want)
		}
	}
}

func TestPrefetch_HasJobsOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, e := newClient(t, emulator.Config{TaskTime: time.Second, DailyQuota: 10})
		p := object{"ZoneId": testZone, "Targets": urls(3)}
		job := c.must(t, "CreatePrefetchTask", p).JobID
		statuses := []string{"statuses", "processing", "success", "failed", "timeout", "canceled", "invalid"}
		for _, want := range []string{"processing", "success"} {
			a := c.must(t, "DescribePrefetchTasks", lastHour(1000, []string{"job-id", job}, statuses))
			var got []string
			for _, row := range a.Tasks {
				got = append(got, row.Type+" "+row.Status+" "+row.Target)
			}
			rows := []string{}
			for _, target := range urls(3) {
				rows = append(rows, "prefetch_url "+want+" "+target)
			}
			if diff := cmp.Diff(rows, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			time.Sleep(time.Second)
		}
		if got := c.describe(t).TotalCount; got != 0 {
			t.Errorf("got %d rows among the purges, want none", got)
		}
		if got := quotaOf(t, c, testZone); got["prefetch_url"].DailyAvailable != 7 || got["purge_url"].DailyAvailable != 10 {
			t.Errorf("got %+v, want 3 of the prefetches spent", got)
		}
		if got := e.Stats(); got.Jobs != 0 || got.Targets != 0 || got.ByAction["CreatePrefetchTask"] != 1 {
			t.Errorf("got %+v, want a call and no purge", got)
		}
	})
}

func TestPrefetch_TakesNoFuzzyTargetAndNoType(t *testing.T) {
	c, _ := newClient(t, emulator.Config{})
	for filter, want := range map[string]string{
		`{"Name":"target","Values":["a"],"Fuzzy":true}`: "InvalidParameter.ParameterError",
		`{"Name":"type","Values":["purge_url"]}`:        "InvalidParameter.InvalidFilterName",
	} {
		params := `{"ZoneId":"zone-a","Filters":[{"Name":"job-id","Values":["j"]},` + filter + `]}`
		if got := c.call(t, "DescribePrefetchTasks", params).code(); got != want {
			t.Errorf("%s: got %q, want %q", filter, got, want)
		}
	}
}
