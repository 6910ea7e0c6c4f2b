package edgeone_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	tcerr "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/errors"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
)

// These tests hold the client against three pages of the EdgeOne API docs, word by word: every
// parameter, response field, status and error code of a page is named here.

// apiPage is what one page says of its action.
type apiPage struct {
	action, version string
	// common holds the common parameters that the page lists, as they are sent.
	common map[string]string
	// sent has for each parameter how a call says it, and what has to be on the wire.
	sent []parameter
	// fields are the response's, and a response that has them all.
	fields   []string
	response string
	// codes are the page's error codes, by what they mean here.
	codes map[string]edgeone.Class
}

// parameter is one of a page's input parameters, with the value that it must have in the body.
type parameter struct {
	name string
	call func(*edgeone.Client) error
	want string // JSON
}

const seedFrom, seedTo = "2022-02-09T00:00:00Z", "2022-02-09T23:59:00Z"

func instant(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// createPage is CreatePurgeTask of 2022-09-01.
func createPage(t *testing.T) apiPage {
	create := func(typ purge.Type, method string, hosts ...string) func(*edgeone.Client) error {
		return purging(t.Context(), edgeone.Purge{
			Zone: "zone-ajj243dwrew", Type: typ, Method: method, Targets: []string{"http://www.example.com/a.txt"}, Hosts: hosts,
		})
	}
	return apiPage{
		action: "CreatePurgeTask", version: "2022-09-01",
		common: map[string]string{"Action": "CreatePurgeTask", "Version": "2022-09-01", "Region": ""},
		sent: []parameter{
			{"ZoneId", create(purge.URL, ""), `"zone-ajj243dwrew"`},
			{"Type", create(purge.URL, ""), `"purge_url"`},
			{"Type", create(purge.Prefix, ""), `"purge_prefix"`},
			{"Type", create(purge.Host, ""), `"purge_host"`},
			{"Type", create(purge.All, ""), `"purge_all"`},
			{"Type", create(purge.Tag, ""), `"purge_cache_tag"`},
			{"Method", create(purge.Prefix, "invalidate"), `"invalidate"`},
			{"Method", create(purge.Host, "delete"), `"delete"`},
			{"Method", create(purge.All, "delete"), `"delete"`},
			{"Method", create(purge.Prefix, ""), ``},
			{"Method", create(purge.URL, "delete"), ``}, // "valid for directory, hostname, and all cache refreshes"
			{"Targets", create(purge.URL, ""), `["http://www.example.com/a.txt"]`},
			{"Targets", create(purge.All, ""), ``},
			{"CacheTag", create(purge.Tag, "", "www.example.com"), `{"Domains":["www.example.com"]}`},
		},
		fields:   []string{"JobId", "FailedList", "RequestId"},
		response: `{"JobId":"20ga521cpwch","FailedList":[{"Reason":"why","Targets":["a"]}],"RequestId":"3c140219-cfe9-470e-b241-907877d6fb03"}`,
		codes: map[string]edgeone.Class{
			"InternalError.BackendError":            edgeone.Transient,
			"InternalError.DomainConfig":            edgeone.Transient,
			"InternalError.ProxyServer":             edgeone.Transient,
			"InternalError.QuotaSystem":             edgeone.Transient,
			"InvalidParameter.DomainNotFound":       edgeone.BadTarget,
			"InvalidParameter.ParameterError":       edgeone.BadTarget,
			"InvalidParameter.Target":               edgeone.BadTarget,
			"InvalidParameter.TaskNotGenerated":     edgeone.NoJob,
			"InvalidParameter.UploadUrl":            edgeone.BadTarget,
			"LimitExceeded.BatchQuota":              edgeone.BatchQuota,
			"LimitExceeded.DailyQuota":              edgeone.DailyQuota,
			"LimitExceeded.PackNotAllow":            edgeone.Plan,
			"UnauthorizedOperation.CamUnauthorized": edgeone.Permission,
			"UnauthorizedOperation.NoPermission":    edgeone.Permission,
			"UnauthorizedOperation.Unknown":         edgeone.Transient, // "an unknown error occurred in the backend server"
		},
	}
}

// taskFields are the response fields of both pages of DescribePurgeTasks, with those of a task.
var taskFields = []string{
	"TotalCount", "Tasks", "RequestId",
	"Tasks.JobId", "Tasks.Status", "Tasks.Target", "Tasks.Type", "Tasks.CreateTime", "Tasks.UpdateTime",
}

const taskResponse = `{"RequestId":"abc-afhhakf-24hkahf-2424","Tasks":[{"JobId":"20g9wz8m9mgx","Status":"success",` +
	`"Target":"http://www.qq.com/a.txt","Type":"purge_url","CreateTime":"2022-02-09T02:28:43Z","UpdateTime":"2022-02-09T02:28:52Z"}],"TotalCount":8}`

// describePage is DescribePurgeTasks of 2022-09-01.
func describePage(t *testing.T) apiPage {
	ask := func(q edgeone.TaskQuery) func(*edgeone.Client) error {
		q.Zone = "zone-wz8m9mgx"
		return asking(t.Context(), q)
	}
	window := edgeone.TaskQuery{From: instant(t, seedFrom), To: instant(t, seedTo), Limit: 1, Offset: 7}
	page := apiPage{
		action: "DescribePurgeTasks", version: "2022-09-01",
		common: map[string]string{"Action": "DescribePurgeTasks", "Version": "2022-09-01", "Region": ""},
		sent: []parameter{
			{"ZoneId", ask(window), `"zone-wz8m9mgx"`},
			{"StartTime", ask(window), `"` + seedFrom + `"`},
			{"EndTime", ask(window), `"` + seedTo + `"`},
			{"Offset", ask(window), `7`},
			{"Limit", ask(window), `1`},
			{"Limit", ask(edgeone.TaskQuery{JobID: "j"}), `1000`},
			{"Filters", ask(window), ``},
			{"Filters", ask(edgeone.TaskQuery{JobID: "1379afjk91u32h"}), `[{"Name":"job-id","Values":["1379afjk91u32h"]}]`},
			{"Filters", ask(edgeone.TaskQuery{Target: "tag1"}), `[{"Name":"target","Values":["tag1"]}]`},
			{"Filters", ask(edgeone.TaskQuery{Domains: []string{"www.qq.com"}}), `[{"Name":"domains","Values":["www.qq.com"]}]`},
		},
		fields: taskFields, response: taskResponse,
		codes: map[string]edgeone.Class{
			"InternalError":                   edgeone.Transient,
			"InvalidParameter.ParameterError": edgeone.BadTarget,
			"OperationDenied":                 edgeone.Misconfigured,
		},
	}
	for _, s := range []string{"processing", "success", "failed", "timeout"} {
		page.sent = append(page.sent, parameter{
			"Filters", ask(edgeone.TaskQuery{Statuses: []string{s}}), `[{"Name":"statuses","Values":["` + s + `"]}]`,
		})
	}
	for name, typ := range types {
		page.sent = append(page.sent, parameter{
			"Filters", ask(edgeone.TaskQuery{Type: typ}), `[{"Name":"type","Values":["` + name + `"]}]`,
		})
	}
	return page
}

// types are the types by the names that the pages give them.
var types = map[string]purge.Type{
	"purge_url": purge.URL, "purge_prefix": purge.Prefix, "purge_host": purge.Host, "purge_all": purge.All,
	"purge_cache_tag": purge.Tag,
}

// olderPage is DescribePurgeTasks of 2022-01-06.
func olderPage(t *testing.T) apiPage {
	ask := func(q edgeone.TaskQuery) func(*edgeone.Client) error {
		q.Zone = "zone-xxx"
		return asking(t.Context(), q)
	}
	window := edgeone.TaskQuery{From: instant(t, seedFrom), To: instant(t, seedTo), Limit: 100}
	page := apiPage{
		action: "DescribePurgeTasks", version: "2022-01-06",
		common: map[string]string{"Action": "DescribePurgeTasks", "Version": "2022-01-06", "Region": "ap-guangzhou"},
		sent: []parameter{
			{"JobId", ask(edgeone.TaskQuery{JobID: "20g9wz8m9mgx"}), `"20g9wz8m9mgx"`},
			{"StartTime", ask(window), `"` + seedFrom + `"`},
			{"EndTime", ask(window), `"` + seedTo + `"`},
			{"Offset", ask(window), `0`},
			{"Limit", ask(window), `100`},
			{"Limit", ask(edgeone.TaskQuery{JobID: "j"}), `1000`},
			{"Statuses", ask(window), ``},
			{"ZoneId", ask(window), `"zone-xxx"`},
			{"Domains", ask(edgeone.TaskQuery{Domains: []string{"www.qq.com", "aaa.qq.com"}}), `["www.qq.com","aaa.qq.com"]`},
			{"Target", ask(edgeone.TaskQuery{Target: "http://www.qq.com/a.txt"}), `"http://www.qq.com/a.txt"`},
		},
		fields: taskFields, response: taskResponse,
		codes: map[string]edgeone.Class{
			"InternalError":                   edgeone.Transient,
			"InvalidParameter.ParameterError": edgeone.BadTarget,
		},
	}
	for _, s := range []string{"processing", "success", "failed", "timeout", "invalid"} {
		page.sent = append(page.sent, parameter{"Statuses", ask(edgeone.TaskQuery{Statuses: []string{s}}), `["` + s + `"]`})
	}
	for name, typ := range types {
		if typ == purge.Tag {
			continue // the version has none
		}
		page.sent = append(page.sent, parameter{"Type", ask(edgeone.TaskQuery{Type: typ}), `"` + name + `"`})
	}
	return page
}

func apiPages(t *testing.T) []apiPage {
	return []apiPage{createPage(t), describePage(t), olderPage(t)}
}

func (p apiPage) name() string { return p.action + " " + p.version }

func TestSeed_ParametersAreSentAsThePagesSay(t *testing.T) {
	for _, page := range apiPages(t) {
		t.Run(page.name(), func(t *testing.T) {
			for _, param := range page.sent {
				s := serve(t, replies(`{"Response":`+page.response+`}`))
				if err := param.call(s.client(t, inVersion(page.version))); err != nil {
					t.Fatal(err)
				}
				got := s.seen()[0]
				var body map[string]json.RawMessage
				if err := json.Unmarshal(got.body, &body); err != nil {
					t.Fatal(err)
				}
				if string(body[param.name]) != param.want {
					t.Errorf("%s: got %s, want %s", param.name, body[param.name], param.want)
				}
				for name, want := range page.common {
					if h := got.header.Get("X-TC-" + name); h != want {
						t.Errorf("%s: got %q, want %q", name, h, want)
					}
				}
			}
		})
	}
}

// without returns a response that lacks one field, or has it as null.
func (p apiPage) without(t *testing.T, field string, null bool) string {
	t.Helper()
	var response map[string]any
	if err := json.Unmarshal([]byte(p.response), &response); err != nil {
		t.Fatal(err)
	}
	at := response
	name, ofRow := strings.CutPrefix(field, "Tasks.")
	if ofRow {
		at = response["Tasks"].([]any)[0].(map[string]any)
	}
	if _, ok := at[name]; !ok {
		t.Fatalf("the response has no %s", field)
	}
	delete(at, name)
	if null {
		at[name] = nil
	}
	text, err := json.Marshal(response)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestSeed_ResponsesAreRead also takes each field away: it must be missed where it belongs, and break
// nothing.
func TestSeed_ResponsesAreRead(t *testing.T) {
	at := instant(t, "2022-02-09T02:28:43Z")
	created := map[string]any{
		"JobId": "20ga521cpwch", "FailedList": []edgeone.Refusal{{Reason: "why", Targets: []string{"a"}}},
		"RequestId": "3c140219-cfe9-470e-b241-907877d6fb03",
	}
	tasks := map[string]any{
		"TotalCount": 8, "Tasks": 1, "Tasks.JobId": "20g9wz8m9mgx", "Tasks.Status": "success",
		"Tasks.Target": "http://www.qq.com/a.txt", "Tasks.Type": purge.URL, "Tasks.CreateTime": at, "Tasks.UpdateTime": at.Add(9 * time.Second),
	}
	for _, page := range apiPages(t) {
		t.Run(page.name(), func(t *testing.T) {
			want := tasks
			if page.action == "CreatePurgeTask" {
				want = created
			}
			if diff := cmp.Diff(want, page.read(t, page.response)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, field := range page.fields {
				for _, null := range []bool{true, false} {
					got := page.read(t, page.without(t, field, null))
					if want[field] != nil && cmp.Equal(want[field], got[field]) {
						t.Errorf("%s is not in the answer (null %v), but read as %v", field, null, got[field])
					}
				}
			}
		})
	}
}

// read returns what the client makes of a response, by the page's field names.
func (p apiPage) read(t *testing.T, response string) map[string]any {
	t.Helper()
	c := over(t, answering(200, `{"Response":`+response+`}`), inVersion(p.version))
	if p.action == "CreatePurgeTask" {
		got, err := c.CreatePurge(t.Context(), urlPurge)
		if class := edgeone.Classify(err); err != nil && class != edgeone.NoJob {
			t.Errorf("got %v of %s", err, response)
		}
		return map[string]any{"JobId": got.JobID, "FailedList": got.Refused, "RequestId": got.RequestID}
	}
	got, err := c.PurgeTasks(t.Context(), edgeone.TaskQuery{Zone: "z", JobID: "j"})
	if err != nil {
		t.Errorf("got %v of %s", err, response)
	}
	var row edgeone.Task
	if len(got.Tasks) > 0 {
		row = got.Tasks[0]
	}
	return map[string]any{
		"TotalCount": got.Total, "Tasks": len(got.Tasks), "Tasks.JobId": row.JobID, "Tasks.Status": row.Status,
		"Tasks.Target": row.Target, "Tasks.Type": row.Type, "Tasks.CreateTime": row.Created, "Tasks.UpdateTime": row.Updated,
	}
}

func TestSeed_StatusesMeanWhatThePagesSay(t *testing.T) {
	tests := map[string]struct{ final, succeeded bool }{
		"processing": {false, false}, "success": {true, true}, "failed": {true, false}, "timeout": {true, false},
		"invalid": {true, false}, // 2022-01-06
	}
	for status, want := range tests {
		for _, version := range []string{current, older} {
			body := fmt.Sprintf(`{"Response":{"TotalCount":1,"Tasks":[{"JobId":"j","Target":"t","Status":%q}]}}`, status)
			page, err := over(t, answering(200, body), inVersion(version)).PurgeTasks(t.Context(), edgeone.TaskQuery{})
			if err != nil {
				t.Fatal(err)
			}
			got := page.Tasks[0].Status
			if edgeone.Final(got) != want.final || edgeone.Succeeded(got) != want.succeeded {
				t.Errorf("%s: %s is final %v, a success %v, want %v", version, status, edgeone.Final(got), edgeone.Succeeded(got), want)
			}
		}
	}
}

func TestSeed_CodesAreClassified(t *testing.T) {
	for _, page := range apiPages(t) {
		t.Run(page.name(), func(t *testing.T) {
			for _, code := range slices.Sorted(maps.Keys(page.codes)) {
				body := `{"Response":{"Error":{"Code":"` + code + `","Message":"m"},"RequestId":"r"}}`
				c := over(t, answering(200, body), inVersion(page.version))
				call := asking(t.Context(), edgeone.TaskQuery{Zone: "z", JobID: "j"})
				if page.action == "CreatePurgeTask" {
					call = purging(t.Context(), urlPurge)
				}
				err := call(c)
				if got := edgeone.Classify(err); got != page.codes[code] || edgeone.Code(err) != code {
					t.Errorf("%s: got %v of code %q, want %v", code, got, edgeone.Code(err), page.codes[code])
				}
				if e, ok := errors.AsType[*edgeone.Error](err); !ok || e.RequestID != "r" {
					t.Errorf("%s: got %#v, want the RequestId in it", code, err)
				}
				if got := edgeone.Classify(tcerr.NewTencentCloudSDKError(code, "m", "r")); got != page.codes[code] {
					t.Errorf("%s, in the SDK's error: got %v, want %v", code, got, page.codes[code])
				}
			}
		})
	}
}
