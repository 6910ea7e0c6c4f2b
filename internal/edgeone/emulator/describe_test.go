package emulator_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

const describe = "DescribePurgeTasks"

func TestDescribe_JudgesParameters(t *testing.T) {
	day := func(d int) string { return time.Date(2026, 1, d, 0, 0, 0, 0, time.UTC).Format(time.RFC3339) }
	times := func(more object) object {
		all := object{"ZoneId": testZone, "StartTime": day(1), "EndTime": day(2)}
		maps.Copy(all, more)
		return all
	}
	filters := func(list ...object) object { return times(object{"Filters": list}) }
	filter := func(name string, values ...string) object { return object{"Name": name, "Values": values} }
	for name, tc := range map[string]struct {
		params any
		want   string
	}{
		"times":              {times(nil), ""},
		"offset of zone":     {times(object{"StartTime": "2026-01-01T08:00:00+08:00"}), ""},
		"seven days":         {times(object{"EndTime": day(8)}), ""},
		"job only":           {object{"ZoneId": testZone, "Filters": []object{filter("job-id", "j")}}, ""},
		"all filters":        {filters(filter("job-id", "j"), filter("target", "t"), filter("domains", many("d", 20)...), filter("statuses", "processing", "success", "failed", "timeout", "canceled"), filter("type", "purge_cache_tag")), ""},
		"fuzzy target":       {filters(object{"Name": "target", "Values": []string{"t"}, "Fuzzy": true}), ""},
		"largest limit":      {times(object{"Limit": 1000}), ""},
		"no zone":            {object{"StartTime": day(1), "EndTime": day(2)}, "MissingParameter"},
		"unknown zone":       {times(object{"ZoneId": "zone_1"}), "InvalidParameter.ZoneNotFound"},
		"neither":            {object{"ZoneId": testZone}, "InvalidParameter.ParameterError"},
		"filter is no job":   {object{"ZoneId": testZone, "Filters": []object{filter("type", "purge_url")}}, "InvalidParameter.ParameterError"},
		"start only":         {object{"ZoneId": testZone, "StartTime": day(1)}, "InvalidParameter.ParameterError"},
		"end only":           {object{"ZoneId": testZone, "EndTime": day(1)}, "InvalidParameter.ParameterError"},
		"over seven days":    {times(object{"EndTime": "2026-01-08T00:00:01Z"}), "InvalidParameter.ParameterError"},
		"end before start":   {times(object{"EndTime": "2025-12-31T23:59:59Z"}), "InvalidParameter.ParameterError"},
		"time without zone":  {times(object{"StartTime": "2026-01-01T00:00:00"}), "InvalidParameter.ParameterError"},
		"limit 0":            {times(object{"Limit": 0}), "InvalidParameter.ParameterError"},
		"limit 1001":         {times(object{"Limit": 1001}), "InvalidParameter.ParameterError"},
		"negative offset":    {times(object{"Offset": -1}), "InvalidParameter.ParameterError"},
		"limit is string":    {times(object{"Limit": "20"}), "InvalidParameter"},
		"limit is fraction":  {times(object{"Limit": 1.5}), "InvalidParameter"},
		"limit is huge":      {`{"ZoneId":"zone-emulator","Limit":99999999999999999999}`, "InvalidParameter"},
		"fuzzy is string":    {filters(object{"Name": "target", "Values": []string{"t"}, "Fuzzy": "true"}), "InvalidParameter"},
		"filters is object":  {times(object{"Filters": filter("type", "purge_url")}), "InvalidParameter"},
		"unknown parameter":  {times(object{"JobId": "j"}), "UnknownParameter"},
		"unknown in filter":  {filters(object{"Name": "job-id", "Value": "j"}), "UnknownParameter"},
		"unknown filter":     {filters(filter("status", "success")), "InvalidParameter.InvalidFilterName"},
		"no name":            {filters(object{"Values": []string{"j"}}), "MissingParameter"},
		"no values":          {filters(filter("domains")), "MissingParameter"},
		"filter twice":       {filters(filter("type", "purge_url"), filter("type", "purge_url")), "InvalidParameter.ParameterError"},
		"two jobs":           {filters(filter("job-id", "a", "b")), "InvalidParameter.ParameterError"},
		"two targets":        {filters(filter("target", "a", "b")), "InvalidParameter.ParameterError"},
		"two types":          {filters(filter("type", "purge_url", "purge_host")), "InvalidParameter.ParameterError"},
		"twenty-one domains": {filters(filter("domains", many("d", 21)...)), "InvalidParameter.ParameterError"},
		"status of prefetch": {filters(filter("statuses", "invalid")), "InvalidParameter.ParameterError"},
		"unknown type":       {filters(filter("type", "prefetch_url")), "InvalidParameter.ParameterError"},
		"fuzzy job":          {filters(object{"Name": "job-id", "Values": []string{"t"}, "Fuzzy": true}), "InvalidParameter.ParameterError"},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := newClient(t, emulator.Config{})
			if a := c.call(t, describe, tc.params); a.code() != tc.want {
				t.Errorf("got %q, want %q (%s)", a.code(), tc.want, a.raw)
			}
		})
	}
}

func TestDescribe_FollowsJobThroughItsLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := newClient(t, emulator.Config{
			TaskTime: 2 * time.Second, Unknown: map[string]string{"visible-after": "1s"},
		})
		time.Sleep(600 * time.Millisecond)
		job := c.create(t, "https://www.example.com/")
		created := time.Now().UTC().Truncate(time.Second).Format(time.RFC3339)
		want := []task{{
			JobID: job, Target: "https://www.example.com/", Type: "purge_url", Status: "processing",
			CreateTime: created, UpdateTime: created,
		}}
		steps := []struct {
			wait time.Duration
			want []task
		}{{0, nil}, {time.Second - 1, nil}, {1, want}, {time.Second - 1, want}}
		for _, step := range steps {
			time.Sleep(step.wait)
			for _, filters := range [][][]string{nil, {{"job-id", job}}, {{"statuses", "processing"}}} {
				a := c.describe(t, filters...)
				if diff := cmp.Diff(step.want, a.Tasks, cmpopts.EquateEmpty()); diff != "" || a.TotalCount != len(step.want) {
					t.Errorf("after %v, %v: total %d (-want +got):\n%s", step.wait, filters, a.TotalCount, diff)
				}
			}
		}
		time.Sleep(time.Nanosecond)
		want[0].Status = "success"
		want[0].UpdateTime = time.Now().UTC().Truncate(time.Second).Format(time.RFC3339)
		if diff := cmp.Diff(want, c.describe(t).Tasks); diff != "" {
			t.Errorf("at the end (-want +got):\n%s", diff)
		}
	})
}

func TestDescribe_PagesByTotalCount(t *testing.T) {
	c, _ := newClient(t, emulator.Config{})
	var want []string
	all := urls(95)
	for _, n := range []int{1, 40, 3, 50, 1} { // newest job first, its targets in order
		c.create(t, all[:n]...)
		want = append(slices.Clone(all[:n]), want...)
		all = all[n:]
	}
	for _, limit := range []int{1, 7, 20, 95, 1000} {
		var got []string
		for len(got) < 95 {
			p := lastHour(limit)
			p["Offset"] = len(got)
			a := c.must(t, describe, p)
			if a.TotalCount != 95 || len(a.Tasks) != min(limit, 95-len(got)) {
				t.Fatalf("limit %d, offset %d: got %d of %d rows", limit, len(got), len(a.Tasks), a.TotalCount)
			}
			for _, row := range a.Tasks {
				got = append(got, row.Target)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("limit %d (-want +got):\n%s", limit, diff)
		}
	}
	p := lastHour(20)
	delete(p, "Limit")
	if got := len(c.must(t, describe, p).Tasks); got != 20 {
		t.Errorf("without Limit: got %d rows, want 20", got)
	}
	p["Offset"] = 95
	if a := c.must(t, describe, p); a.TotalCount != 95 || len(a.Tasks) != 0 {
		t.Errorf("past the end: got %d of %d rows, want none of 95", len(a.Tasks), a.TotalCount)
	}
}

func TestDescribe_Filters(t *testing.T) {
	c, _ := newClient(t, emulator.Config{})
	submit := func(kind string, targets ...string) string {
		return c.must(t, "CreatePurgeTask", object{"ZoneId": testZone, "Type": kind, "Targets": targets}).JobID
	}
	first := submit("purge_url", "https://a.test/1", "https://b.test/2", "https://A.test/12")
	second := submit("purge_prefix", "https://a.test/1", "https://c.test/")
	submit("purge_host", "a.test")
	submit("purge_cache_tag", "tag1")
	submit("purge_all")
	for name, tc := range map[string]struct {
		filters [][]string
		want    int
	}{
		"none":            {nil, 8},
		"job":             {[][]string{{"job-id", first}}, 3},
		"job and type":    {[][]string{{"job-id", second}, {"type", "purge_url"}}, 0},
		"job and target":  {[][]string{{"job-id", second}, {"target", "https://c.test/"}}, 1},
		"unknown job":     {[][]string{{"job-id", "20ga521cpwch"}}, 0},
		"type":            {[][]string{{"type", "purge_prefix"}}, 2},
		"all":             {[][]string{{"type", "purge_all"}}, 1},
		"target":          {[][]string{{"target", "https://a.test/1"}}, 2},
		"tag":             {[][]string{{"target", "tag1"}}, 1},
		"part of target":  {[][]string{{"target", "https://a.test"}}, 0},
		"domain":          {[][]string{{"domains", "a.test"}}, 4},
		"domains":         {[][]string{{"domains", "B.test", "c.test"}}, 2},
		"domain and type": {[][]string{{"domains", "a.test"}, {"type", "purge_host"}}, 1},
		"status":          {[][]string{{"statuses", "success"}}, 8},
		"other statuses":  {[][]string{{"statuses", "processing", "failed", "timeout", "canceled"}}, 0},
		"status, domain":  {[][]string{{"statuses", "failed", "success"}, {"domains", "a.test"}}, 4},
	} {
		a := c.describe(t, tc.filters...)
		if a.TotalCount != tc.want || len(a.Tasks) != tc.want {
			t.Errorf("%s: got %d rows of %d, want %d", name, len(a.Tasks), a.TotalCount, tc.want)
		}
	}
	p := lastHour(2)
	p["Filters"] = []object{{"Name": "target", "Values": []string{"a.test/1"}, "Fuzzy": true}}
	p["Offset"] = 1
	if a := c.must(t, describe, p); a.TotalCount != 2 || len(a.Tasks) != 1 || a.Tasks[0].JobID != first {
		t.Errorf("fuzzy: got %s, want the second of two rows", a.raw)
	}
}

func TestDescribe_BoundsOfTimeAreInclusiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := newClient(t, emulator.Config{})
		zero := time.Now()
		time.Sleep(300 * time.Millisecond)
		for range 5 { // at 0.3, 1.3, ... s: CreateTime tells 0, 1, ...
			c.create(t, "https://www.example.com/")
			time.Sleep(time.Second)
		}
		at := func(s float64) string {
			return zero.Add(time.Duration(s * float64(time.Second))).Format(time.RFC3339Nano)
		}
		for _, tc := range []struct {
			from, to float64
			want     int
		}{{0, 4, 5}, {1, 3, 3}, {2, 2, 1}, {-5, 0, 1}, {4, 9, 1}, {5, 9, 0}, {-5, -1, 0}, {0.3, 1.2, 1}, {1.1, 1.9, 0}} {
			p := object{"ZoneId": testZone, "StartTime": at(tc.from), "EndTime": at(tc.to), "Limit": 1}
			if got := c.must(t, describe, p).TotalCount; got != tc.want {
				t.Errorf("from %v to %v: got %d, want %d", tc.from, tc.to, got, tc.want)
			}
		}
	})
}

func TestDescribe_ForgetsAfterRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := newClient(t, emulator.Config{Retention: time.Minute})
		job := c.create(t, "https://www.example.com/")
		time.Sleep(time.Minute)
		if got := c.describe(t, []string{"job-id", job}).TotalCount; got != 1 {
			t.Errorf("at a minute: got %d rows, want 1", got)
		}
		time.Sleep(time.Nanosecond)
		for _, filters := range [][][]string{nil, {{"job-id", job}}} {
			if got := c.describe(t, filters...).TotalCount; got != 0 {
				t.Errorf("after it, %v: got %d rows, want 0", filters, got)
			}
		}
	})
}

func TestDescribe_DropsOldestBeyondMaxRows(t *testing.T) {
	c, _ := newClient(t, emulator.Config{MaxRows: 100})
	var jobs []string
	for range 30 {
		jobs = append(jobs, c.create(t, urls(10)...))
	}
	if a := c.describe(t); a.TotalCount != 100 || a.Tasks[99].JobID != jobs[20] {
		t.Errorf("got %d rows, want the 100 of the last ten jobs", a.TotalCount)
	}
	for i, want := range map[int]int{19: 0, 20: 10, 29: 10} {
		if got := c.describe(t, []string{"job-id", jobs[i]}).TotalCount; got != want {
			t.Errorf("job %d: got %d rows, want %d", i, got, want)
		}
	}
}

func TestDescribe_IsOfOneZone(t *testing.T) {
	c, _ := newClient(t, emulator.Config{})
	jobs := map[string]string{}
	for i := range 3 {
		zone := fmt.Sprintf("zone-%d", i)
		jobs[zone] = c.must(t, "CreatePurgeTask", object{"ZoneId": zone, "Type": "purge_all"}).JobID
	}
	p := lastHour(10)
	p["ZoneId"] = "zone-1"
	if a := c.must(t, describe, p); a.TotalCount != 1 || a.Tasks[0].JobID != jobs["zone-1"] {
		t.Errorf("got %s, want the job of zone-1", a.raw)
	}
	p["Filters"] = []object{{"Name": "job-id", "Values": []string{jobs["zone-2"]}}}
	if a := c.must(t, describe, p); a.TotalCount != 0 {
		t.Errorf("got %s, want no job of another zone", a.raw)
	}
}
