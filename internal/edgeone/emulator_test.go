package edgeone_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

const (
	current = "2022-09-01"
	older   = "2022-01-06"
)

// inVersion makes a client of a version.
func inVersion(version string) func(*edgeone.Config) {
	return func(c *edgeone.Config) { c.Version = version }
}

// emulated returns a client of the version before the emulator, over HTTP.
func emulated(t *testing.T, version string, cfg emulator.Config) (*edgeone.Client, *emulator.Emulator) {
	t.Helper()
	e, err := emulator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	c, err := edgeone.New(edgeone.Config{
		Credentials: common.NewCredential(emulator.DefaultSecretID, emulator.DefaultSecretKey),
		Endpoint:    server.URL, Version: version, Timeout: 10 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c, e
}

func urls(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("https://www.example.com/%d", i)
	}
	return list
}

// purges is one purge of every type that the version has.
func purges(version string) []edgeone.Purge {
	list := []edgeone.Purge{
		{Type: purge.URL, Targets: urls(3)},
		{Type: purge.Prefix, Targets: []string{"https://www.example.com/a/"}},
		{Type: purge.Host, Targets: []string{"www.example.com"}},
		{Type: purge.All},
	}
	if version == current {
		list = append(list,
			edgeone.Purge{Type: purge.Prefix, Method: "delete", Targets: []string{"https://www.example.com/b/"}},
			edgeone.Purge{Type: purge.Tag, Targets: []string{"t1", "t2"}, Hosts: []string{"www.example.com"}})
	}
	for i := range list {
		list[i].Zone = emulator.DefaultZone
	}
	return list
}

func TestEmulator_TakesEveryTypeOfEachVersion(t *testing.T) {
	for _, version := range []string{current, older} {
		t.Run(version, func(t *testing.T) {
			c, _ := emulated(t, version, emulator.Config{})
			for _, p := range purges(version) {
				created, err := c.CreatePurge(t.Context(), p)
				if err != nil || created.JobID == "" || len(created.Refused) != 0 || created.RequestID == "" {
					t.Fatalf("%s: got %+v, %v, want a job", p.Type, created, err)
				}
				page, err := c.PurgeTasks(t.Context(), edgeone.TaskQuery{Zone: p.Zone, JobID: created.JobID})
				if want := max(1, len(p.Targets)); err != nil || page.Total != want || len(page.Tasks) != want {
					t.Fatalf("%s: got %d of %d rows, %v, want %d", p.Type, len(page.Tasks), page.Total, err, want)
				}
				for i, task := range page.Tasks {
					if task.JobID != created.JobID || task.Type != p.Type || task.Status != edgeone.StatusSuccess || task.Created.IsZero() {
						t.Errorf("%s: got %+v", p.Type, task)
					}
					if p.Type != purge.All && task.Target != p.Targets[i] {
						t.Errorf("%s: got target %q, want %q", p.Type, task.Target, p.Targets[i])
					}
				}
			}
		})
	}
}

func TestEmulator_ChoosesTasksByEveryCriterion(t *testing.T) {
	for _, version := range []string{current, older} {
		t.Run(version, func(t *testing.T) {
			c, _ := emulated(t, version, emulator.Config{
				Faults: map[string]float64{"task-failed": 0.5},
			})
			from := time.Now()
			for _, p := range purges(version)[:3] {
				if _, err := c.CreatePurge(t.Context(), p); err != nil {
					t.Fatal(err)
				}
			}
			window := edgeone.TaskQuery{Zone: emulator.DefaultZone, From: from, To: time.Now()}
			count := func(edit func(*edgeone.TaskQuery)) int {
				t.Helper()
				q := window
				edit(&q)
				page, err := c.PurgeTasks(t.Context(), q)
				if err != nil {
					t.Fatalf("%+v: %v", q, err)
				}
				return page.Total
			}
			in := func(statuses ...string) int {
				return count(func(q *edgeone.TaskQuery) { q.Statuses = statuses })
			}
			got := []int{
				count(func(*edgeone.TaskQuery) {}),
				count(func(q *edgeone.TaskQuery) { q.Limit = 1 }),
				count(func(q *edgeone.TaskQuery) { q.Type = purge.URL }),
				count(func(q *edgeone.TaskQuery) { q.Target = urls(3)[1] }),
				count(func(q *edgeone.TaskQuery) { q.Domains = []string{"www.example.com", "other.example.com"} }),
				count(func(q *edgeone.TaskQuery) { q.Domains = []string{"other.example.com"} }),
				count(func(q *edgeone.TaskQuery) { q.From, q.To = from.Add(-time.Hour), from.Add(-time.Minute) }),
				in("success") + in("failed"),
				in("success", "failed", "timeout"),
				in("processing"),
			}
			if diff := cmp.Diff([]int{5, 5, 3, 1, 5, 0, 0, 5, 5, 0}, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
}

// A list has to be whole and in order whatever Offset counts, and may cost one call more for it.
func TestEmulator_ListsAreWholeWhateverOffsetCounts(t *testing.T) {
	sizes := []int{0, 1000, 1001, 2000, 2500}
	tests := []struct {
		version, offset string
		calls           []int
	}{
		{current, "rows", []int{1, 1, 2, 2, 3}},
		{older, "rows", []int{1, 1, 2, 2, 3}},
		{older, "pages", []int{1, 1, 3, 3, 4}},
	}
	for _, tt := range tests {
		t.Run(tt.version+" "+tt.offset, func(t *testing.T) {
			c, _ := emulated(t, tt.version, emulator.Config{Unknown: map[string]string{"offset": tt.offset}})
			for i, size := range sizes {
				query := edgeone.TaskQuery{Zone: emulator.DefaultZone, JobID: "none"}
				want := urls(size)
				if size > 0 {
					created, err := c.CreatePurge(t.Context(), edgeone.Purge{Zone: query.Zone, Type: purge.URL, Targets: want})
					if err != nil {
						t.Fatal(err)
					}
					query.JobID = created.JobID
				}
				calls := 0
				got, err := targetsOf(t, c, query, func(context.Context) error { calls++; return nil })
				if err != nil || !slices.Equal(got, want) || calls != tt.calls[i] {
					t.Errorf("got %d of %d rows with %d calls, %v, want all in order with %d calls", len(got), size, calls, err, tt.calls[i])
				}
			}
		})
	}
}

// targetsOf reads a whole list.
func targetsOf(t *testing.T, c *edgeone.Client, q edgeone.TaskQuery, before func(context.Context) error) ([]string, error) {
	t.Helper()
	targets := []string{}
	for task, err := range c.AllTasks(t.Context(), q, before) {
		if err != nil {
			return targets, err
		}
		targets = append(targets, task.Target)
	}
	return targets, nil
}

func TestEmulator_ListsAWindowOfManyJobs(t *testing.T) {
	for _, offset := range []string{"rows", "pages"} {
		c, _ := emulated(t, older, emulator.Config{Unknown: map[string]string{"offset": offset}})
		start := time.Now()
		all := urls(2600)
		for chunk := range slices.Chunk(all, 400) {
			if _, err := c.CreatePurge(t.Context(), edgeone.Purge{Zone: emulator.DefaultZone, Type: purge.URL, Targets: chunk}); err != nil {
				t.Fatal(err)
			}
		}
		got, err := targetsOf(t, c, edgeone.TaskQuery{Zone: emulator.DefaultZone, From: start, To: time.Now(), Limit: 100}, nil)
		slices.Sort(got)
		slices.Sort(all)
		if err != nil || !slices.Equal(got, all) {
			t.Errorf("%s: got %d rows, %v, want each of 2600 once", offset, len(got), err)
		}
	}
}

func TestEmulator_TellsZonesInBothVersions(t *testing.T) {
	zones := map[string][]string{}
	for i := range 1200 { // more than a page in either version
		zones[fmt.Sprintf("zone-%04d", i)] = []string{fmt.Sprintf("www.site-%d.example", i)}
	}
	for _, version := range []string{current, older} {
		c, _ := emulated(t, version, emulator.Config{Zones: zones})
		got, err := c.Zones(t.Context(), nil)
		if err != nil || len(got) != len(zones) {
			t.Fatalf("%s: got %d zones, %v, want %d", version, len(got), err, len(zones))
		}
		if z := got[7]; z.ID != "zone-0007" || z.Name != "site-7.example" || z.Status != "active" || z.Type != "partial" {
			t.Errorf("%s: got %+v", version, z)
		}
	}
}

func TestOlderVersion_SaysWhatItLacks(t *testing.T) {
	c, e := emulated(t, older, emulator.Config{})
	create := func(typ purge.Type, method string, hosts ...string) error {
		_, err := c.CreatePurge(t.Context(), edgeone.Purge{
			Zone: emulator.DefaultZone, Type: typ, Method: method, Targets: []string{"www.example.com"}, Hosts: hosts,
		})
		return err
	}
	_, quotas := c.Quotas(t.Context(), emulator.DefaultZone)
	_, domains := c.Domains(t.Context(), emulator.DefaultZone, nil)
	_, second := c.PurgeTasks(t.Context(), edgeone.TaskQuery{Zone: emulator.DefaultZone, JobID: "j", Offset: 1000})
	tests := []struct {
		err  error
		want string
	}{
		{quotas, "2022-01-06 has no DescribeContentQuota"},
		{domains, "2022-01-06 has no DescribeAccelerationDomains"},
		{second, "what Offset counts in 2022-01-06 is not clear"},
		{create(purge.Host, "delete"), "has no method"},
		{create(purge.Host, "invalidate"), "has no method"},
		{create(purge.Tag, ""), "can't purge by tag"},
		{create(purge.Host, "", "www.example.com"), "can't limit a purge to hosts"},
	}
	for _, tt := range tests {
		if got := edgeone.Classify(tt.err); got != edgeone.Misconfigured {
			t.Errorf("got %v, want config: %v", got, tt.err)
		}
		if tt.err == nil || !strings.Contains(tt.err.Error(), tt.want) || !strings.Contains(tt.err.Error(), "2022-09-01") {
			t.Errorf("got %v, want %q in it, and the version that can", tt.err, tt.want)
		}
	}
	if s := e.Stats(); len(s.ByAction) != 0 {
		t.Errorf("got calls %v, want none", s.ByAction)
	}
}
