package edgeone_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
)

func TestZones_ReadsAllPages(t *testing.T) {
	var rows []string
	var want []edgeone.Zone
	for i := range 250 {
		rows = append(rows, fmt.Sprintf(
			`{"ZoneId":"zone-%d","ZoneName":"e.com","AliasZoneName":"a","Type":"full","Status":"active","ActiveStatus":"paused","LockStatus":"enable","Paused":true}`, i,
		))
		want = append(want, edgeone.Zone{
			ID: fmt.Sprint("zone-", i), Name: "e.com", Alias: "a", Type: "full", Status: "active",
			ActiveStatus: "paused", LockStatus: "enable", Paused: true,
		})
	}
	calls := 0
	got, err := over(t, table(t, rows, 100)).Zones(t.Context(), func(context.Context) error { calls++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || calls != 3 {
		t.Errorf("got %d calls, want 3, (-want +got):\n%s", calls, diff)
	}
}

func TestDomains_ReadsAllPages(t *testing.T) {
	var rows []string
	var want []edgeone.Domain
	for i := range 401 {
		rows = append(rows, fmt.Sprintf(`{"ZoneId":"z","DomainName":"h%d.e.com","DomainStatus":"online"}`, i))
		want = append(want, edgeone.Domain{Name: fmt.Sprintf("h%d.e.com", i), Status: "online"})
	}
	calls := 0
	got, err := over(t, table(t, rows, 200)).Domains(t.Context(), "z", func(context.Context) error { calls++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || calls != 3 {
		t.Errorf("got %d calls, want 3, (-want +got):\n%s", calls, diff)
	}
}

func TestZonesAndDomains_GiveNothingBesideAnError(t *testing.T) {
	first := `{"TotalCount":2,"Zones":[{"ZoneId":"a"}],"AccelerationDomains":[{"DomainName":"a"}]}`
	refusal := `{"Error":{"Code":"UnauthorizedOperation.CamUnauthorized","Message":"no"}}`
	zones, err := over(t, script(first, refusal)).Zones(t.Context(), nil)
	if len(zones) != 0 || edgeone.Classify(err) != edgeone.Permission {
		t.Errorf("Zones: got %v, %v, want an error of class permission", zones, err)
	}
	domains, err := over(t, script(first, refusal)).Domains(t.Context(), "z", nil)
	if len(domains) != 0 || edgeone.Classify(err) != edgeone.Permission {
		t.Errorf("Domains: got %v, %v, want an error of class permission", domains, err)
	}
	if e, ok := errors.AsType[*edgeone.Error](err); !ok || e.Action != "DescribeAccelerationDomains" {
		t.Errorf("got %#v, want an Error of DescribeAccelerationDomains", err)
	}
}

func TestQuotas_LeavesOutWhatItDoesNotKnow(t *testing.T) {
	tests := []struct {
		name, response string
		want           map[purge.Type]edgeone.Quota
	}{
		{"null", `{"PurgeQuota":null,"PrefetchQuota":null}`, map[purge.Type]edgeone.Quota{}},
		{"nothing", `{}`, map[purge.Type]edgeone.Quota{}},
		{
			"rows of both lists, a null, one without type, one without numbers",
			`{"PurgeQuota":[
				{"Type":"purge_url","Batch":2000,"Daily":10000,"DailyAvailable":0}, null,
				{"Batch":1,"Daily":1,"DailyAvailable":1}, {"Type":"purge_host","Batch":5}
			],"PrefetchQuota":[{"Type":"prefetch_url","Batch":1,"Daily":2,"DailyAvailable":3}]}`,
			map[purge.Type]edgeone.Quota{purge.URL: {2000, 10000, 0}, "prefetch_url": {1, 2, 3}},
		},
	}
	for _, tt := range tests {
		got, err := over(t, answering(200, `{"Response":`+tt.response+`}`)).Quotas(t.Context(), "z")
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestClient_AnEmptyAnswerIsAmbiguousForEveryAction(t *testing.T) {
	c := over(t, answering(200, `{}`))
	_, create := c.CreatePurge(t.Context(), urlPurge)
	_, tasks := c.PurgeTasks(t.Context(), edgeone.TaskQuery{})
	_, quotas := c.Quotas(t.Context(), "z")
	_, zones := c.Zones(t.Context(), nil)
	_, domains := c.Domains(t.Context(), "z", nil)
	for i, err := range []error{create, tasks, quotas, zones, domains} {
		if got := edgeone.Classify(err); got != edgeone.Ambiguous {
			t.Errorf("action %d: got %v, want ambiguous: %v", i, got, err)
		}
	}
}
