package edgeone_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
)

func TestOlderVersion_SendsWhatTheAPIWants(t *testing.T) {
	from := time.Date(2026, 11, 22, 10, 0, 0, 999, time.FixedZone("", 8*3600))
	to := time.Date(2026, 11, 22, 4, 0, 0, 1, time.UTC)
	tests := []struct {
		name         string
		call         func(*edgeone.Client) error
		action, body string
	}{
		{
			"purge",
			purging(t.Context(), edgeone.Purge{Zone: "zone-1", Type: purge.Prefix, Targets: []string{"https://e.com/a/"}}),
			"CreatePurgeTask", `{"ZoneId":"zone-1","Type":"purge_prefix","Targets":["https://e.com/a/"]}`,
		},
		{
			"all has no targets",
			purging(t.Context(), edgeone.Purge{Zone: "zone-1", Type: purge.All, Targets: []string{"x"}}),
			"CreatePurgeTask", `{"ZoneId":"zone-1","Type":"purge_all"}`,
		},
		{
			"tasks by job",
			asking(t.Context(), edgeone.TaskQuery{Zone: "zone-1", JobID: "job1"}),
			"DescribePurgeTasks", `{"JobId":"job1","Offset":0,"Limit":1000,"ZoneId":"zone-1"}`,
		},
		{
			"tasks by everything else",
			asking(t.Context(), edgeone.TaskQuery{
				Zone: "zone-1", From: from, To: to, Statuses: []string{"success", "invalid"}, Domains: []string{"e.com"},
				Type: purge.URL, Target: "https://e.com/", Limit: 1,
			}),
			"DescribePurgeTasks",
			`{"Type":"purge_url","StartTime":"2026-11-22T02:00:00Z","EndTime":"2026-11-22T04:00:01Z","Offset":0,"Limit":1,` +
				`"Statuses":["success","invalid"],"ZoneId":"zone-1","Domains":["e.com"],"Target":"https://e.com/"}`,
		},
		{
			"zones",
			func(c *edgeone.Client) error { _, err := c.Zones(t.Context(), nil); return err },
			"DescribeZones", `{"Offset":0,"Limit":1000}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, replies(`{"Response":{"JobId":"j","TotalCount":0,"RequestId":"r"}}`))
			for _, region := range []string{"", "ap-singapore"} {
				c := s.client(t, inVersion(older), func(cfg *edgeone.Config) { cfg.Region = region })
				if err := tt.call(c); err != nil {
					t.Fatal(err)
				}
			}
			got := s.seen()
			for i, region := range []string{"ap-guangzhou", "ap-singapore"} {
				h := got[i].header
				if h.Get("X-TC-Version") != older || h.Get("X-TC-Region") != region || h.Get("X-TC-Action") != tt.action {
					t.Errorf("got %s of %s in %q, want %s of %s in %q",
						h.Get("X-TC-Action"), h.Get("X-TC-Version"), h.Get("X-TC-Region"), tt.action, older, region)
				}
				if diff := cmp.Diff(tt.body, string(got[i].body)); diff != "" {
					t.Errorf("body (-want +got):\n%s", diff)
				}
				if err := verifyTC3(got[i]); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestOlderVersion_ReadsTheAnswer(t *testing.T) {
	created, err := over(t, answering(200, `{"Response":{"JobId":"j","FailedList":[{"Reason":"x","Targets":["b",null]},null],"RequestId":"r"}}`),
		inVersion(older)).CreatePurge(t.Context(), urlPurge)
	want := edgeone.Created{JobID: "j", RequestID: "r", Refused: []edgeone.Refusal{{Reason: "x", Targets: []string{"b"}}}}
	if diff := cmp.Diff(want, created); diff != "" || err != nil {
		t.Errorf("CreatePurge: %v, (-want +got):\n%s", err, diff)
	}
	page, err := over(t, answering(200, `{"Response":{"TotalCount":8,"Tasks":[{"JobId":"j","Target":"t","Type":"purge_url","Status":"invalid",
		"CreateTime":"2022-02-09T02:28:43Z","UpdateTime":"2022-02-09T02:28:52","FailType":"not of this version"},null]}}`),
		inVersion(older)).PurgeTasks(t.Context(), edgeone.TaskQuery{})
	at := time.Date(2022, 2, 9, 2, 28, 43, 0, time.UTC)
	wantPage := edgeone.TaskPage{Total: 8, Tasks: []edgeone.Task{
		{JobID: "j", Target: "t", Type: purge.URL, Status: "invalid", Created: at, Updated: at.Add(9 * time.Second)},
	}}
	if diff := cmp.Diff(wantPage, page); diff != "" || err != nil {
		t.Errorf("PurgeTasks: %v, (-want +got):\n%s", err, diff)
	}
}

func TestOlderVersion_AnEmptyAnswerIsAmbiguous(t *testing.T) {
	c := over(t, answering(200, `{}`), inVersion(older))
	_, create := c.CreatePurge(t.Context(), urlPurge)
	_, tasks := c.PurgeTasks(t.Context(), edgeone.TaskQuery{})
	_, zones := c.Zones(t.Context(), nil)
	for i, err := range []error{create, tasks, zones} {
		if got := edgeone.Classify(err); got != edgeone.Ambiguous {
			t.Errorf("action %d: got %v, want ambiguous: %v", i, got, err)
		}
	}
}

func TestUnsupported_IsWhatAVersionCannotExpress(t *testing.T) {
	tests := []struct {
		version     string
		typ         purge.Type
		method      string
		hosts       bool
		field, says string
	}{
		{"", purge.Tag, "", true, "", ""},
		{current, purge.Host, "delete", false, "", ""},
		{older, purge.URL, "", false, "", ""},
		{older, purge.Prefix, "", false, "", ""},
		{older, purge.Host, "", false, "", ""},
		{older, purge.All, "", false, "", ""},
		{older, purge.Tag, "", true, "type", "can't purge by tag"},
		{older, purge.Prefix, "delete", false, "method", "has no method"},
		{older, purge.All, "invalidate", false, "method", "has no method"},
		{older, purge.URL, "", true, "hosts", "can't limit a purge to hosts"},
	}
	for _, tt := range tests {
		field, why := edgeone.Unsupported(tt.version, tt.typ, tt.method, tt.hosts)
		if field != tt.field || !strings.Contains(why, tt.says) || (why == "") != (field == "") {
			t.Errorf("%+v: got %q, %q", tt, field, why)
		}
		if why != "" && (!strings.Contains(why, "2022-01-06") || !strings.Contains(why, "use 2022-09-01")) {
			t.Errorf("got %q, want it to name the version that can't, and the one that can", why)
		}
	}
}

// offsets is a network that answers a list of tasks by the offset that is asked for, in order for each,
// the last answer again and again.
func offsets(t *testing.T, answers map[int][]string) wire {
	return func(r *http.Request) (*http.Response, error) {
		var q struct{ Offset, Limit int }
		if err := json.Unmarshal(bodyOf(r), &q); err != nil || q.Limit != 1000 {
			t.Errorf("got limit %d, %v, want 1000", q.Limit, err)
		}
		list := answers[q.Offset]
		if len(list) == 0 {
			t.Errorf("asked for offset %d", q.Offset)
			return answering(500, "")(r)
		}
		if len(list) > 1 {
			answers[q.Offset] = list[1:]
		}
		return answering(200, `{"Response":{`+list[0]+`}}`)(r)
	}
}

// rowsOf are the tasks from one to another, and a count unless it is negative.
func rowsOf(from, to, total int) string {
	rows, _ := taskRows(to)
	list := `"Tasks":[` + strings.Join(rows[min(from, to):], ",") + `]`
	if total >= 0 {
		list += fmt.Sprintf(`,"TotalCount":%d`, total)
	}
	return list
}

func TestOlderVersion_ListsEndInAnErrorRatherThanShort(t *testing.T) {
	tests := []struct {
		name    string
		answers map[int][]string
		rows    int
		want    edgeone.Class
	}{
		{"rows, without a count", map[int][]string{0: {rowsOf(0, 1000, -1)}, 1000: {rowsOf(1000, 1500, -1)}}, 1500, edgeone.Done},
		{
			"rows, without a count, and nothing behind the first page",
			map[int][]string{0: {rowsOf(0, 1000, -1)}, 1000: {rowsOf(0, 0, -1)}, 2: {rowsOf(2, 1000, -1)}},
			1000, edgeone.Done,
		},
		{
			"pages, without a count",
			map[int][]string{0: {rowsOf(0, 1000, -1)}, 1000: {rowsOf(0, 0, -1)}, 2: {rowsOf(1000, 1500, -1)}},
			1500, edgeone.Done,
		},
		{
			"rows, and a page that is empty for a moment",
			map[int][]string{0: {rowsOf(0, 1000, 2500)}, 1000: {rowsOf(0, 0, 2500)}, 2: {rowsOf(2, 1002, 2500)}},
			1000, edgeone.Transient,
		},
		{
			"rows, and a later page that is empty for a moment",
			map[int][]string{
				0: {rowsOf(0, 1000, 2500)}, 1000: {rowsOf(1000, 2000, 2500)}, 2000: {rowsOf(0, 0, 2500)},
				2: {rowsOf(2, 1002, 2500)},
			},
			2000, edgeone.Transient,
		},
		{
			"rows that are gone meanwhile",
			map[int][]string{0: {rowsOf(0, 1000, 2500)}, 1000: {rowsOf(0, 0, 900)}},
			1000, edgeone.Done,
		},
		{
			"pages, and rows announced but not there",
			map[int][]string{0: {rowsOf(0, 1000, 2500)}, 1000: {rowsOf(0, 0, 2500)}, 2: {rowsOf(1000, 2000, 2500)}, 3: {rowsOf(0, 0, 2500)}},
			2000, edgeone.Transient,
		},
		{
			"pages, and rows that moved to the next one",
			map[int][]string{0: {rowsOf(0, 1000, 1999)}, 1000: {rowsOf(0, 0, 1999)}, 2: {rowsOf(990, 1990, 2010)}, 3: {rowsOf(1990, 2000, 2010)}},
			2000, edgeone.Done,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := over(t, offsets(t, tt.answers), inVersion(older))
			got, err := targetsOf(t, c, edgeone.TaskQuery{Zone: "z", JobID: "j", Limit: 7}, nil)
			if class := edgeone.Classify(err); len(got) != tt.rows || class != tt.want {
				t.Errorf("got %d rows and %v, want %d and %v: %v", len(got), class, tt.rows, tt.want, err)
			}
		})
	}
}

func FuzzAnswer20220106(f *testing.F) {
	for _, body := range answers {
		f.Add(200, body)
		f.Add(502, body)
	}
	f.Add(200, `{"Response":{"TotalCount":3,"Zones":[{"Id":"z","Name":"n","Paused":true},{"Id":null}]}}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 999 {
			t.Skip("net/http lets no such answer through")
		}
		c := over(t, answering(status, body), inVersion(older))
		checkAnswer(t, c, body)
		checkZones(t, c)
	})
}
