package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

// twoZones is an account with two zones and a day of 1,000 targets.
func twoZones(c *emulator.Config) {
	c.Zones = map[string][]string{"zone-a": {"a.example"}, "zone-b": {"*.b.example"}}
	c.DailyQuota = 1000
}

func TestQuota_ShowsEveryZoneAndType(t *testing.T) {
	world(t, twoZones)
	lines := strings.Split(strings.TrimSpace(must(t, "quota")), "\n")
	if len(lines) != 1+2*6 {
		t.Fatalf("%d lines, want a title and 6 types of 2 zones:\n%s", len(lines), strings.Join(lines, "\n"))
	}
	if got := strings.Fields(lines[0]); !cmp.Equal(got, []string{"ZONE", "NAME", "TYPE", "BATCH", "DAILY", "AVAILABLE"}) {
		t.Errorf("title %q", got)
	}
	found := false
	for _, l := range lines[1:] {
		f := strings.Fields(l)
		found = found || f[0] == "zone-b" && cmp.Equal(f[2:], []string{"purge_url", "500", "1000", "1000"})
	}
	if !found {
		t.Errorf("no row of purge_url in zone-b:\n%s", strings.Join(lines, "\n"))
	}
	all := decoded(t, must(t, "quota", "zone-a", "zone-a", "-o", "json"))
	if len(all) != 1 || all[0]["zone"] != "zone-a" || all[0]["error"] != nil {
		t.Fatalf("got %v, want zone-a once", all)
	}
	quotas, _ := all[0]["quotas"].([]any)
	want := map[string]any{"type": "purge_cache_tag", "batch": 100.0, "daily": 1000.0, "daily_available": 1000.0}
	if len(quotas) != 6 || !cmp.Equal(quotas[2], any(want)) {
		t.Errorf("got %v, want %v among 6", quotas, want)
	}
}

func TestQuota_TellsARefusalOnItsRow(t *testing.T) {
	world(t, twoZones)
	code, out, errs := command(t, "", "quota", "zone-x", "zone-a")
	if code != exitSome || errs != "" || strings.Count(out, "\n") != 1+1+6 {
		t.Errorf("some: exit code %d, %q, %q", code, out, errs)
	}
	row := strings.Split(out, "\n")[1]
	if !strings.HasPrefix(row, "zone-x ") || !strings.Contains(row, "DescribeContentQuota") || !strings.Contains(row, "ZoneNotFound") {
		t.Errorf("got the row %q, want the refusal", row)
	}
	code, out, _ = command(t, "", "quota", "zone-x", "-o", "json")
	all := decoded(t, out)
	if code != exitNone || len(all) != 1 || !strings.Contains(all[0]["error"].(string), "ZoneNotFound") || all[0]["quotas"] == nil {
		t.Errorf("none: exit code %d, %s", code, out)
	}
}

func TestQuota_WithRefusedCredentials(t *testing.T) {
	world(t, twoZones)
	t.Setenv("TENCENTCLOUD_SECRET_KEY", "some-other-secret")
	code, out, errs := command(t, "", "quota")
	if code != exitNone || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, "AuthFailure") || !strings.Contains(errs, "name the zones") {
		t.Errorf("exit code %d, %q, %q", code, out, errs)
	}
	t.Setenv("EDGEPURGE_EDGEONE_ZONES", "a.example=zone-a,www.a.example=zone-a")
	code, out, errs = command(t, "", "quota")
	if code != exitNone || strings.Count(out, "\n") != 2 || !strings.Contains(out, "zone-a") || !strings.Contains(errs, "zones of the configuration") {
		t.Errorf("with zones in the configuration: exit code %d, %q, %q", code, out, errs)
	}
}

func TestQuota_WhenTheAPIIsAway(t *testing.T) {
	world(t, nil)
	t.Setenv("EDGEPURGE_EDGEONE_ENDPOINT", "http://127.0.0.1:1")
	code, out, errs := command(t, "", "quota")
	if code != exitNone || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, "127.0.0.1:1") {
		t.Errorf("exit code %d, %q, %q", code, out, errs)
	}
}
