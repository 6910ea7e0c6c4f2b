package v20220106_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"

	teo "github.com/edgepurge/edgepurge/internal/edgeone/v20220106"
)

// wire answers every request with response and keeps what it was sent.
type wire struct {
	response, action, body, version, region string
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	w.action, w.version, w.body = r.Header.Get("X-TC-Action"), r.Header.Get("X-TC-Version"), string(body)
	w.region = r.Header.Get("X-TC-Region")
	return &http.Response{
		StatusCode: http.StatusOK,
		Header:     http.Header{},
		Body:       io.NopCloser(strings.NewReader(`{"Response":` + w.response + `}`)),
	}, nil
}

func clientOver(t *testing.T, w *wire) *teo.Client {
	t.Helper()
	c, err := teo.NewClient(common.NewCredential("id", "key"), "ap-guangzhou", profile.NewClientProfile())
	if err != nil {
		t.Fatal(err)
	}
	c.WithHttpTransport(w)
	return c
}

func TestRequests_HaveTheAPIsFields(t *testing.T) {
	tests := []struct {
		action, body string
		call         func(context.Context, *teo.Client) error
	}{
		{
			"CreatePurgeTask",
			`{"ZoneId":"z","Type":"t","Targets":["a"]}`,
			func(ctx context.Context, c *teo.Client) error {
				req := teo.NewCreatePurgeTaskRequest()
				req.ZoneId, req.Type = new("z"), new("t")
				req.Targets = common.StringPtrs([]string{"a"})
				_, err := c.CreatePurgeTaskWithContext(ctx, req)
				return err
			},
		},
		{
			"DescribePurgeTasks",
			`{"JobId":"j","Type":"t","StartTime":"s","EndTime":"e","Offset":0,"Limit":1,"Statuses":["x"],"ZoneId":"z","Domains":["d"],"Target":"a"}`,
			func(ctx context.Context, c *teo.Client) error {
				req := teo.NewDescribePurgeTasksRequest()
				req.ZoneId, req.StartTime, req.EndTime = new("z"), new("s"), new("e")
				req.JobId, req.Type, req.Target = new("j"), new("t"), new("a")
				req.Statuses, req.Domains = common.StringPtrs([]string{"x"}), common.StringPtrs([]string{"d"})
				req.Offset, req.Limit = new(int64(0)), new(int64(1))
				_, err := c.DescribePurgeTasksWithContext(ctx, req)
				return err
			},
		},
		{
			"DescribeZones",
			`{"Offset":0,"Limit":1,"Filters":[{"Name":"n","Values":["v"],"Fuzzy":false}]}`,
			func(ctx context.Context, c *teo.Client) error {
				req := teo.NewDescribeZonesRequest()
				req.Offset, req.Limit = new(int64(0)), new(int64(1))
				req.Filters = []*teo.ZoneFilter{{Name: new("n"), Values: common.StringPtrs([]string{"v"}), Fuzzy: new(false)}}
				_, err := c.DescribeZonesWithContext(ctx, req)
				return err
			},
		},
	}
	for _, tt := range tests {
		w := &wire{response: "{}"}
		if err := tt.call(t.Context(), clientOver(t, w)); err != nil {
			t.Errorf("%s: %v", tt.action, err)
		}
		if w.action != tt.action || w.version != "2022-01-06" || w.region != "ap-guangzhou" || w.body != tt.body {
			t.Errorf("got %s %s of %s %s, want %s 2022-01-06 of ap-guangzhou %s", w.action, w.version, w.region, w.body, tt.action, tt.body)
		}
	}
}

// actions sends a request that the caller did not make to each action.
func actions(ctx context.Context, c *teo.Client) map[string]error {
	_, create := c.CreatePurgeTaskWithContext(ctx, nil)
	_, tasks := c.DescribePurgeTasksWithContext(ctx, nil)
	_, zones := c.DescribeZonesWithContext(ctx, nil)
	_, again := c.DescribeZonesWithContext(ctx, &teo.DescribeZonesRequest{})
	return map[string]error{"create": create, "tasks": tasks, "zones": zones, "zones again": again}
}

func TestClient_MakesARequestThatIsMissing(t *testing.T) {
	w := &wire{response: "{}"}
	for action, err := range actions(t.Context(), clientOver(t, w)) {
		if err != nil {
			t.Errorf("%s: %v", action, err)
		}
	}
	if w.action != "DescribeZones" || w.body != "{}" {
		t.Errorf("got %s %s last, want DescribeZones {}", w.action, w.body)
	}
}

func TestClient_NeedsACredential(t *testing.T) {
	c, err := teo.NewClient(nil, "", profile.NewClientProfile())
	if err != nil {
		t.Fatal(err)
	}
	for action, err := range actions(t.Context(), c) {
		if err == nil || !strings.Contains(err.Error(), "credential") {
			t.Errorf("%s: got %v, want an error that names the credential", action, err)
		}
	}
}

func TestResponses_HaveTheAPIsFields(t *testing.T) {
	ctx := t.Context()
	created, err := clientOver(t, &wire{response: `{"JobId":"j","FailedList":[{"Reason":"r","Targets":["a"]}],"RequestId":"i"}`}).CreatePurgeTaskWithContext(ctx, nil)
	check(t, err, &teo.CreatePurgeTaskResponseParams{
		JobId:      new("j"),
		FailedList: []*teo.FailReason{{Reason: new("r"), Targets: []*string{new("a")}}},
		RequestId:  new("i"),
	}, created.Response)

	tasks, err := clientOver(t, &wire{response: `{"TotalCount":8,"Tasks":[{"JobId":"j","Target":"a","Type":"t","Status":"s",
		"CreateTime":"c","UpdateTime":"u"}],"RequestId":"i"}`}).DescribePurgeTasksWithContext(ctx, nil)
	check(t, err, &teo.DescribePurgeTasksResponseParams{
		TotalCount: new(uint64(8)),
		Tasks: []*teo.Task{{
			JobId: new("j"), Target: new("a"), Type: new("t"), Status: new("s"), CreateTime: new("c"), UpdateTime: new("u"),
		}},
		RequestId: new("i"),
	}, tasks.Response)

	zones, err := clientOver(t, &wire{response: `{"TotalCount":1,"Zones":[{"Id":"z","Name":"n","Type":"t","Area":"e",
		"Status":"s","Paused":true,"CnameStatus":"c"}]}`}).DescribeZonesWithContext(ctx, nil)
	check(t, err, &teo.DescribeZonesResponseParams{
		TotalCount: new(int64(1)),
		Zones: []*teo.Zone{{
			Id: new("z"), Name: new("n"), Type: new("t"), Area: new("e"), Status: new("s"), Paused: new(true), CnameStatus: new("c"),
		}},
	}, zones.Response)
}

func check[T any](t *testing.T, err error, want, got T) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
