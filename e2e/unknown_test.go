package e2e_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// settings are what the real API may be like: each switch of the emulator at each of its values, the
// first of which are those of the first row; where one shows only beside another, with that; and all of
// them together. quota gives the zones a day that does not suffice.
var settings = []struct {
	unknown  string
	quota    bool
	versions []string
}{
	{"foreign-host=error rows=per-target echo=exact prefix=directory daily=all refund=yes offset=rows", true, nil},
	{"foreign-host=failedlist", false, nil},
	{"rows=per-job", false, nil},
	{"echo=canonical", false, nil},
	{"prefix=string", false, nil},
	{"daily=part", true, nil},
	{"foreign-host=failedlist refund=no", true, nil},
	{"visible-after=700ms", false, nil},
	{"offset=pages", false, []string{oldAPI}},
	{"foreign-host=failedlist echo=canonical daily=part refund=no visible-after=300ms offset=pages", true, nil},
	{"foreign-host=failedlist rows=per-job echo=canonical daily=part visible-after=300ms offset=pages", true, nil},
}

// mixed is a load of 300 requests of all types, whose targets are all different.
func mixed(version string) []purge.Request {
	methods := []purge.Method{"", purge.Invalidate, purge.Delete}
	if version == oldAPI {
		methods = methods[:1]
	}
	large := purge.Request{ID: "large", Zone: "zone-a"} // more rows than a page of DescribePurgeTasks
	for i := range 1200 {
		large.Targets = append(large.Targets, fmt.Sprintf("https://www.example.com/large/%d", i))
	}
	all := []purge.Request{
		large, // and two spellings that may be told as one
		{ID: "twins", Targets: []string{"https://other.example/%7Etwin", "https://other.example/~twin"}},
		{ID: "all-a", Type: purge.All, Zone: "zone-a"},
		{ID: "all-b", Type: purge.All, Zone: "zone-b", Method: methods[len(methods)-1]},
	}
	for i := range 166 {
		all = append(all, purge.Request{ID: fmt.Sprintf("url%d", i), Targets: []string{
			[]string{"HTTPS://WWW.Example.com:443/%c3%a9/", "https://other.example/straße/"}[i%2] + strconv.Itoa(i),
		}})
	}
	for i := range 40 {
		all = append(all,
			purge.Request{
				ID: fmt.Sprintf("prefix%d", i), Type: purge.Prefix, Method: methods[i%len(methods)],
				Targets: []string{fmt.Sprintf("https://www.example.com/p%d/", i), fmt.Sprintf("http://other.example:8080/p%d", i)},
			},
			purge.Request{
				ID: fmt.Sprintf("host%d", i), Type: purge.Host, Zone: "zone-a", Method: methods[i/2%len(methods)],
				Targets: []string{fmt.Sprintf("H%d.example.com", i)},
			},
			purge.Request{
				ID: fmt.Sprintf("tag%d", i), Type: purge.Tag, Zone: "zone-b", Targets: []string{fmt.Sprintf("Tag %d", i)},
				Hosts: []string{"other.example", "www.other.example"}[:i%3],
			})
	}
	for i := range 10 {
		all = append(all, purge.Request{ID: fmt.Sprintf("foreign%d", i), Zone: "zone-a", Targets: []string{
			fmt.Sprintf("https://www.example.com/own/%d", i), fmt.Sprintf("https://foreign.example/%d", i),
		}[i%2:]})
	}
	return all
}

// rowOf names a row of DescribePurgeTasks by zone, type and target, however that is spelled.
func rowOf(zone string, typ purge.Type, target string) string {
	target = strings.NewReplacer("%c3%a9", "%C3%A9", "%7E", "~").Replace(target)
	if typ == purge.All {
		target = ""
	}
	return zone + " " + string(typ) + " " + target
}

// purged asks the API for all that was purged.
func (w *world) purged() map[string]bool {
	w.t.Helper()
	client, err := edgeone.New(edgeone.Config{
		Credentials: common.NewCredential(emulator.DefaultSecretID, emulator.DefaultSecretKey), Endpoint: w.url,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	found := make(map[string]bool)
	for _, zone := range []string{"zone-a", "zone-b"} {
		q := edgeone.TaskQuery{Zone: zone, From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour)}
		for row, err := range client.AllTasks(w.t.Context(), q, nil) {
			if err != nil {
				w.t.Fatal(err)
			}
			if row.Status == "success" {
				found[rowOf(zone, row.Type, row.Target)] = true
			}
		}
	}
	return found
}

// judge compares an event with what was purged.
func judge(t *testing.T, r purge.Request, o purge.Outcome, purged func(row string) bool) {
	t.Helper()
	want := purge.Counts{Total: max(1, len(r.Targets))}
	for _, target := range append(r.Targets, "")[:want.Total] {
		zone := r.Zone
		if zone == "" {
			zone = map[bool]string{true: "zone-b", false: "zone-a"}[strings.Contains(target, "other.example")]
		}
		if canonical, err := purge.Canonical(r.Type, target); err == nil {
			target = canonical
		}
		if purged(rowOf(zone, r.Type, target)) {
			want.Succeeded++
		}
	}
	want.Failed = want.Total - want.Succeeded
	status := purge.Partial
	switch want.Total {
	case want.Succeeded:
		status = purge.Completed
	case want.Failed:
		status = purge.Failed
	}
	if o.Status != status || o.Targets != want || len(o.Failures)+o.FailuresOmitted != want.Failed {
		t.Errorf("%s: %s with %+v, %d failures (%v); want %s with %+v", r.ID, o.Status, o.Targets, len(o.Failures), o.Reason, status, want)
	}
}

// One test runs all its worlds at once: they mostly wait.
func TestUnknownsOfTheAPI_AreAllHandled(t *testing.T) {
	t.Parallel()
	checks := make(map[string]func(*testing.T))
	for _, s := range some(settings, 2, 5, 8, 9) {
		for _, version := range []string{newAPI, oldAPI} {
			if s.versions == nil || slices.Contains(s.versions, version) {
				checks[version+" "+s.unknown] = unknowing(t, version, s.unknown, s.quota)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(checks)) {
		t.Run(name, checks[name])
	}
}

// unknowing starts a world of those settings on its load, and gives the test of its end.
func unknowing(t *testing.T, version, name string, quota bool) func(*testing.T) {
	t.Helper()
	unknown, err := emulator.ParseUnknown(strings.Fields(name))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(c *emulator.Config) {
		c.Unknown = unknown
		c.Zones = map[string][]string{"zone-a": {"*.example.com"}, "zone-b": {"other.example", "*.other.example"}}
		c.BatchQuota = 0
		c.Faults = map[string]float64{"task-failed": 0.02} // else counts tell all, and no rows are read
		if quota {
			c.DailyQuota, c.Day = 1250, 5*time.Second
		}
		if unknown["rows"] == "per-job" || unknown["echo"] == "canonical" {
			c.Faults = nil // rows don't tell which targets
		}
	})
	if quota {
		w.cfg.Batch.MaxTargets = 600 // a batch that is larger than a day's quota never goes out where that is not told
	}
	w.cfg.EdgeOne.Version = version
	w.cfg.EdgeOne.Zones = map[string]string{"*.example.com": "zone-a", "other.example": "zone-b"}
	w.provision()
	load := mixed(version)
	w.requests(purge.Bulk, load)
	w.start()
	return func(t *testing.T) {
		w.t = t
		events := w.await(len(load))
		found := w.purged()
		purged := func(row string) bool { return found[row] }
		if unknown["rows"] == "per-job" {
			purged = func(row string) bool { return !strings.Contains(row, "foreign") }
		}
		for _, r := range load {
			o := events[r.ID]
			if r.Type == purge.Tag && version == oldAPI {
				if got := end(o); got != "Unsupported type" {
					t.Errorf("%s: %s, want it refused", r.ID, got)
				}
				continue
			}
			r.Type = o.Type
			judge(t, r, o, purged)
		}
	}
}
