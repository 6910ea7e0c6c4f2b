package v20220901_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"

	teo "github.com/edgepurge/edgepurge/internal/edgeone/v20220901"
)

// wire answers every request with response and keeps what it was sent.
type wire struct {
	response     string
	action, body string
	version      string
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	w.action, w.version, w.body = r.Header.Get("X-TC-Action"), r.Header.Get("X-TC-Version"), string(body)
	return &http.Response{
		StatusCode: http.StatusOK,
		Header:     http.Header{},
		Body:       io.NopCloser(strings.NewReader(`{"Response":` + w.response + `}`)),
	}, nil
}

func clientOver(t *testing.T, w *wire) *teo.Client {
	t.Helper()
	c, err := teo.NewClient(common.NewCredential("id", "key"), "", profile.NewClientProfile())
	if err != nil {
		t.Fatal(err)
	}
	c.WithHttpTransport(w)
	return c
}

func filters() []*teo.AdvancedFilter {
	return []*teo.AdvancedFilter{{Name: new("n"), Values: common.StringPtrs([]string{"v"}), Fuzzy: new(false)}}
}

const filtersJSON = `"Filters":[{"Name":"n","Values":["v"],"Fuzzy":false}]`

func TestRequests_HaveTheAPIsFields(t *testing.T) {
	tests := []struct {
		action, body string
		call         func(context.Context, *teo.Client) error
	}{
		{
			"CreatePurgeTask",
			`{"ZoneId":"z","Type":"t","Method":"m","Targets":["a"],"CacheTag":{"Domains":["d"]}}`,
			func(ctx context.Context, c *teo.Client) error {
				req := teo.NewCreatePurgeTaskRequest()
				req.ZoneId, req.Type, req.Method = new("z"), new("t"), new("m")
				req.Targets = common.StringPtrs([]string{"a"})
				req.CacheTag = &teo.CacheTag{Domains: common.StringPtrs([]string{"d"})}
				_, err := c.CreatePurgeTaskWithContext(ctx, req)
				return err
			},
		},
		{
			"DescribePurgeTasks",
			`{"ZoneId":"z","StartTime":"s","EndTime":"e","Offset":0,"Limit":1,` + filtersJSON + `}`,
			func(ctx context.Context, c *teo.Client) error {
				req := teo.NewDescribePurgeTasksRequest()
				req.ZoneId, req.StartTime, req.EndTime = new("z"), new("s"), new("e")
				req.Offset, req.Limit, req.Filters = new(int64(0)), new(int64(1)), filters()
				_, err := c.DescribePurgeTasksWithContext(ctx, req)
				return err
			},
		},
		{
			"DescribeContentQuota",
			`{"ZoneId":"z"}`,
			func(ctx context.Context, c *teo.Client) error {
				req := teo.NewDescribeContentQuotaRequest()
				req.ZoneId = new("z")
				_, err := c.DescribeContentQuotaWithContext(ctx, req)
				return err
			},
		},
		{
			"DescribeZones",
			`{"Offset":0,"Limit":1,` + filtersJSON + `}`,
			func(ctx context.Context, c *teo.Client) error {
				req := teo.NewDescribeZonesRequest()
				req.Offset, req.Limit, req.Filters = new(int64(0)), new(int64(1)), filters()
				_, err := c.DescribeZonesWithContext(ctx, req)
				return err
			},
		},
		{
			"DescribeAccelerationDomains",
			`{"ZoneId":"z","Offset":0,"Limit":1,` + filtersJSON + `}`,
			func(ctx context.Context, c *teo.Client) error {
				req := teo.NewDescribeAccelerationDomainsRequest()
				req.ZoneId, req.Offset, req.Limit, req.Filters = new("z"), new(int64(0)), new(int64(1)), filters()
				_, err := c.DescribeAccelerationDomainsWithContext(ctx, req)
				return err
			},
		},
	}
	for _, tt := range tests {
		w := &wire{response: "{}"}
		if err := tt.call(t.Context(), clientOver(t, w)); err != nil {
			t.Errorf("%s: %v", tt.action, err)
		}
		if w.action != tt.action || w.version != "2022-09-01" || w.body != tt.body {
			t.Errorf("got %s %s %s, want %s 2022-09-01 %s", w.action, w.version, w.body, tt.action, tt.body)
		}
	}
}

// actions sends a request that the caller did not make to each action.
func actions(ctx context.Context, c *teo.Client) map[string]error {
	_, create := c.CreatePurgeTaskWithContext(ctx, nil)
	_, tasks := c.DescribePurgeTasksWithContext(ctx, &teo.DescribePurgeTasksRequest{})
	_, quota := c.DescribeContentQuotaWithContext(ctx, nil)
	_, zones := c.DescribeZonesWithContext(ctx, &teo.DescribeZonesRequest{})
	_, domains := c.DescribeAccelerationDomainsWithContext(ctx, nil)
	return map[string]error{"create": create, "tasks": tasks, "quota": quota, "zones": zones, "domains": domains}
}

func TestClient_MakesARequestThatIsMissing(t *testing.T) {
	w := &wire{response: "{}"}
	for action, err := range actions(t.Context(), clientOver(t, w)) {
		if err != nil {
			t.Errorf("%s: %v", action, err)
		}
	}
	if w.action != "DescribeAccelerationDomains" || w.body != "{}" {
		t.Errorf("got %s %s last, want DescribeAccelerationDomains {}", w.action, w.body)
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

	tasks, err := clientOver(t, &wire{response: `{"TotalCount":8,"Tasks":[{"JobId":"j","Target":"a","Type":"t","Method":"m","Status":"s",
		"CreateTime":"c","UpdateTime":"u","FailType":"f","FailMessage":"g"}],"RequestId":"i"}`}).DescribePurgeTasksWithContext(ctx, nil)
	check(t, err, &teo.DescribePurgeTasksResponseParams{
		TotalCount: new(uint64(8)),
		Tasks: []*teo.Task{{
			JobId: new("j"), Target: new("a"), Type: new("t"), Method: new("m"), Status: new("s"),
			CreateTime: new("c"), UpdateTime: new("u"), FailType: new("f"), FailMessage: new("g"),
		}},
		RequestId: new("i"),
	}, tasks.Response)

	quota, err := clientOver(t, &wire{response: `{"PurgeQuota":[{"Type":"t","Batch":1,"Daily":2,"DailyAvailable":3}],"PrefetchQuota":null}`}).DescribeContentQuotaWithContext(ctx, nil)
	check(t, err, &teo.DescribeContentQuotaResponseParams{
		PurgeQuota: []*teo.Quota{{Type: new("t"), Batch: new(int64(1)), Daily: new(int64(2)), DailyAvailable: new(int64(3))}},
	}, quota.Response)

	zones, err := clientOver(t, &wire{response: `{"TotalCount":1,"Zones":[{"ZoneId":"z","ZoneName":"n","AliasZoneName":"a","Type":"t","Area":"e",
		"Status":"s","ActiveStatus":"b","Paused":true,"LockStatus":"l","CnameStatus":"c"}]}`}).DescribeZonesWithContext(ctx, nil)
	check(t, err, &teo.DescribeZonesResponseParams{
		TotalCount: new(int64(1)),
		Zones: []*teo.Zone{{
			ZoneId: new("z"), ZoneName: new("n"), AliasZoneName: new("a"), Type: new("t"), Area: new("e"), Status: new("s"),
			ActiveStatus: new("b"), Paused: new(true), LockStatus: new("l"), CnameStatus: new("c"),
		}},
	}, zones.Response)

	domains, err := clientOver(t, &wire{response: `{"TotalCount":1,"AccelerationDomains":[{"ZoneId":"z","DomainName":"d","DomainStatus":"s"}]}`}).DescribeAccelerationDomainsWithContext(ctx, nil)
	check(t, err, &teo.DescribeAccelerationDomainsResponseParams{
		TotalCount:          new(int64(1)),
		AccelerationDomains: []*teo.AccelerationDomain{{ZoneId: new("z"), DomainName: new("d"), DomainStatus: new("s")}},
	}, domains.Response)
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
