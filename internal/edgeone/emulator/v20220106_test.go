package emulator_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

func newOldClient(t *testing.T, config emulator.Config) *client {
	t.Helper()
	c, _ := newClient(t, config)
	c.version, c.region = "2022-01-06", "ap-guangzhou"
	return c
}

func TestV20220106_JudgesParameters(t *testing.T) {
	const times = `"StartTime":"2026-01-01T00:00:00Z","EndTime":"2026-01-02T00:00:00"`
	for _, tc := range []struct{ action, params, want string }{
		{"CreatePurgeTask", `{"ZoneId":"zone-a","Type":"purge_all","EncodeUrl":false}`, ""},
		{"CreatePurgeTask", `{"ZoneId":"zone-a","Type":"purge_all","Method":"delete"}`, "UnknownParameter"},
		{"CreatePurgeTask", `{"ZoneId":"zone-a","Type":"purge_all","CacheTag":null}`, "UnknownParameter"},
		{"CreatePurgeTask", `{"ZoneId":"zone-a","Type":"purge_cache_tag","Targets":["t"]}`, "InvalidParameter.ParameterError"},
		{"CreatePurgeTask", `{"Type":"purge_all"}`, "MissingParameter"},
		{describe, `{"ZoneId":"zone-a",` + times + `}`, ""},
		{describe, `{"ZoneId":"zone-a",` + times + `,"Statuses":["processing","success","failed","timeout","invalid"],"Limit":1000}`, ""},
		{describe, `{"ZoneId":"zone-a","JobId":"j","Type":"purge_host","Target":"t","Domains":["d"]}`, ""},
		{describe, `{"ZoneId":"zone-a"}`, "InvalidParameter.ParameterError"},
		{describe, `{"JobId":"j"}`, "MissingParameter"},
		{describe, `{"ZoneId":"zone-a","JobId":"j","Statuses":["canceled"]}`, "InvalidParameter.ParameterError"},
		{describe, `{"ZoneId":"zone-a","JobId":"j","Type":"purge_cache_tag"}`, "InvalidParameter.ParameterError"},
		{describe, `{"ZoneId":"zone-a","JobId":"j","Limit":0}`, "InvalidParameter.ParameterError"},
		{describe, `{"ZoneId":"zone-a","StartTime":"2026-01-01T00:00:00+08:00","EndTime":"2026-01-02T00:00:00Z"}`, "InvalidParameter.ParameterError"},
		{describe, `{"ZoneId":"zone-a","JobId":"j","Filters":[]}`, "UnknownParameter"},
		{"DescribePrefetchTasks", `{"ZoneId":"zone-a","JobId":"j"}`, ""},
		{"DescribePrefetchTasks", `{"ZoneId":"zone-a","JobId":"j","Type":"purge_url"}`, "UnknownParameter"},
		{"CreatePrefetchTask", `{"ZoneId":"zone-a","Targets":["https://www.example.com/"]}`, ""},
		{"CreatePrefetchTask", `{"ZoneId":"zone-a","Targets":["https://www.example.com/"],"Mode":"default"}`, "UnknownParameter"},
		{"DescribeZones", `{"Limit":1000,"Filters":[{"Name":"name","Values":["example.com"]}]}`, ""},
		{"DescribeZones", `{"Order":"create-time"}`, "UnknownParameter"},
		{"DescribeZones", `{"Filters":[{"Name":"zone-name","Values":["a"]}]}`, "InvalidParameter.InvalidFilterName"},
		{"DescribeContentQuota", `{"ZoneId":"zone-a"}`, "InvalidAction"},
		{"DescribeAccelerationDomains", `{"ZoneId":"zone-a"}`, "InvalidAction"},
	} {
		c := newOldClient(t, emulator.Config{})
		if a := c.call(t, tc.action, tc.params); a.code() != tc.want {
			t.Errorf("%s %s: got %q, want %q", tc.action, tc.params, a.code(), tc.want)
		}
	}
	c := newOldClient(t, emulator.Config{})
	c.region = ""
	if got := c.call(t, "DescribeZones", "{}").code(); got != "MissingParameter" {
		t.Errorf("no region: got %q, want MissingParameter", got)
	}
	p := object{"ZoneId": "zone-a", "JobId": "j", "Domains": many("d", 101)}
	if got := newOldClient(t, emulator.Config{}).call(t, describe, p).code(); got != "InvalidParameter.ParameterError" {
		t.Errorf("101 domains: got %q, want InvalidParameter.ParameterError", got)
	}
}

func TestV20220106_TellsShortTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newOldClient(t, emulator.Config{Faults: map[string]float64{"task-failed": 1}})
		p := object{"ZoneId": testZone, "Type": "purge_prefix", "Targets": []string{"https://www.example.com/a"}}
		job := c.must(t, "CreatePurgeTask", p).JobID
		now := time.Now().UTC().Format(time.RFC3339)
		want := []task{{
			JobID: job, Target: "https://www.example.com/a", Type: "purge_prefix", Status: "failed",
			CreateTime: now, UpdateTime: now,
		}}
		for _, p := range []object{
			{"JobId": job},
			{"StartTime": now, "EndTime": now, "Domains": []string{"www.example.com"}, "Statuses": []string{"failed"}},
			{"StartTime": now, "EndTime": now, "Target": "https://www.example.com/a", "Type": "purge_prefix"},
		} {
			p["ZoneId"] = testZone
			if diff := cmp.Diff(want, c.must(t, describe, p).Tasks); diff != "" {
				t.Errorf("%v (-want +got):\n%s", p, diff)
			}
		}
	})
}

func TestV20220106_OffsetIsOfRowsOrPages(t *testing.T) {
	for name, firsts := range map[string]map[int]int{
		"rows":  {0: 0, 1: 1, 2: 2, 20: 20},
		"pages": {0: 0, 1: 0, 2: 10, 3: 20, 4: -1},
	} {
		c := newOldClient(t, emulator.Config{Unknown: map[string]string{"offset": name}})
		all := urls(25)
		job := c.must(t, "CreatePurgeTask", object{"ZoneId": testZone, "Type": "purge_url", "Targets": all}).JobID
		for offset, first := range firsts {
			a := c.must(t, describe, object{"ZoneId": testZone, "JobId": job, "Offset": offset, "Limit": 10})
			got := append(a.Tasks, task{})[0].Target
			if want := append(all, "")[(first+26)%26]; got != want || a.TotalCount != 25 {
				t.Errorf("%s, offset %d: got %q of %d, want %q of 25", name, offset, got, a.TotalCount, want)
			}
		}
	}
	c := newOldClient(t, emulator.Config{})
	job := c.must(t, "CreatePurgeTask", object{"ZoneId": testZone, "Type": "purge_url", "Targets": urls(120)}).JobID
	if got := len(c.must(t, describe, object{"ZoneId": testZone, "JobId": job}).Tasks); got != 100 {
		t.Errorf("without Limit: got %d rows, want 100", got)
	}
}

func TestV20220106_NamesZonesOtherwise(t *testing.T) {
	c := newOldClient(t, emulator.Config{Zones: map[string][]string{"zone-a": {"www.example.com"}}})
	zones := c.must(t, "DescribeZones", "{}").Zones
	if len(zones) != 1 || zones[0]["Id"] != "zone-a" || zones[0]["Name"] != "example.com" {
		t.Errorf("got %v, want Id and Name of zone-a", zones)
	}
}

// TestVersions_ShareJobsAndPace: the published limit is of the action, whatever the version.
func TestVersions_ShareJobsAndPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newOldClient(t, emulator.Config{Rate: 1})
		job := c.must(t, "CreatePurgeTask", object{"ZoneId": testZone, "Type": "purge_all"}).JobID
		c.version, c.region = "2022-09-01", ""
		if got := c.call(t, "CreatePurgeTask", "{}").code(); got != "RequestLimitExceeded" {
			t.Errorf("got %q, want RequestLimitExceeded", got)
		}
		if got := c.describe(t, []string{"job-id", job}).TotalCount; got != 1 {
			t.Errorf("got %d rows, want 1", got)
		}
	})
}
