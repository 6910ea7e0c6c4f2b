package emulator_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

func column(rows []object, name string) (values []string) {
	for _, row := range rows {
		values = append(values, fmt.Sprint(row[name]))
	}
	return values
}

func TestZones_ListsTheOneThatOwnsEveryHost(t *testing.T) {
	c, _ := newClient(t, emulator.Config{})
	a := c.must(t, "DescribeZones", "{}")
	if got := column(a.Zones, "ZoneId"); a.TotalCount != 1 || !cmp.Equal(got, []string{"zone-emulator"}) {
		t.Errorf("got %s, want zone-emulator", a.raw)
	}
	for _, zone := range []string{"zone-emulator", "zone-3fkff38fyw8s", "zone-A1"} {
		a = c.must(t, "DescribeAccelerationDomains", object{"ZoneId": zone})
		if got := column(a.AccelerationDomains, "DomainName"); !cmp.Equal(got, []string{"*"}) {
			t.Errorf("%s: got %s, want the domain *", zone, a.raw)
		}
	}
	for _, zone := range []string{"", "zone-", "zone-a_b", "site-a", "*"} {
		p := object{"ZoneId": zone, "Type": "purge_all"}
		if got := c.call(t, "CreatePurgeTask", p).code(); got != "InvalidParameter.ZoneNotFound" && got != "MissingParameter" {
			t.Errorf("zone %q: got %q, want it refused", zone, got)
		}
	}
}

func TestZones_PagesAndFilters(t *testing.T) {
	zones := map[string][]string{}
	for i := range 250 {
		zones[fmt.Sprintf("zone-%03d", i)] = []string{fmt.Sprintf("www.site%d.example", i)}
	}
	c, _ := newClient(t, emulator.Config{Zones: zones})
	for name, tc := range map[string]struct {
		params     object
		total, len int
		first      string
	}{
		"default limit":  {object{}, 250, 20, "zone-000"},
		"largest limit":  {object{"Limit": 100, "Offset": 100}, 250, 100, "zone-100"},
		"last page":      {object{"Limit": 100, "Offset": 200}, 250, 50, "zone-200"},
		"id":             {object{"Filters": []object{{"Name": "zone-id", "Values": []string{"zone-007", "zone-9"}}}}, 1, 1, "zone-007"},
		"name":           {object{"Filters": []object{{"Name": "zone-name", "Values": []string{"site7.example"}}}}, 1, 1, "zone-007"},
		"part of a name": {object{"Filters": []object{{"Name": "zone-name", "Values": []string{"site24"}, "Fuzzy": true}}, "Limit": 5}, 11, 5, "zone-024"},
		"status":         {object{"Filters": []object{{"Name": "status", "Values": []string{"active"}}}, "Direction": "desc"}, 250, 20, "zone-000"},
		"tag":            {object{"Filters": []object{{"Name": "tag-key", "Values": []string{"team"}}}}, 0, 0, ""},
	} {
		a := c.must(t, "DescribeZones", tc.params)
		ids := append(column(a.Zones, "ZoneId"), "")
		if a.TotalCount != tc.total || len(a.Zones) != tc.len || ids[0] != tc.first {
			t.Errorf("%s: got %d of %d from %q, want %+v", name, len(a.Zones), a.TotalCount, ids[0], tc)
		}
	}
	for params, want := range map[string]string{
		`{"Limit":101}`:                                "InvalidParameter.ParameterError",
		`{"Offset":-1}`:                                "InvalidParameter.ParameterError",
		`{"Direction":"up"}`:                           "InvalidParameter.ParameterError",
		`{"ZoneId":"zone-000"}`:                        "UnknownParameter",
		`{"Limit":true}`:                               "InvalidParameter",
		`{"Filters":[{}]}`:                             "MissingParameter",
		`{"Filters":["zone-1"]}`:                       "InvalidParameter",
		`{"Filters":[{"Name":"name","Values":["a"]}]}`: "InvalidParameter.InvalidFilterName",
	} {
		if got := c.call(t, "DescribeZones", params).code(); got != want {
			t.Errorf("%s: got %q, want %q", params, got, want)
		}
	}
}

func TestZones_DomainsPageAndFilter(t *testing.T) {
	var hosts []string
	for i := range 450 {
		hosts = append(hosts, fmt.Sprintf("h%03d.example.com", i))
	}
	c, _ := newClient(t, emulator.Config{Zones: map[string][]string{"zone-a": hosts, "zone-b": {"*.example.org"}}})
	for name, tc := range map[string]struct {
		params     object
		total, len int
		first      string
	}{
		"default limit": {object{}, 450, 20, "h000.example.com"},
		"last page":     {object{"Limit": 200, "Offset": 400}, 450, 50, "h400.example.com"},
		"name":          {object{"Filters": []object{{"Name": "domain-name", "Values": []string{"h009.example.com"}}}}, 1, 1, "h009.example.com"},
		"any": {object{"Match": "any", "Filters": []object{
			{"Name": "domain-name", "Values": []string{"h009.example.com"}}, {"Name": "origin", "Values": []string{"o"}},
		}}, 1, 1, "h009.example.com"},
		"all": {object{"Match": "all", "Filters": []object{
			{"Name": "domain-name", "Values": []string{"h009.example.com"}}, {"Name": "origin", "Values": []string{"o"}},
		}}, 0, 0, ""},
	} {
		tc.params["ZoneId"] = "zone-a"
		a := c.must(t, "DescribeAccelerationDomains", tc.params)
		names := append(column(a.AccelerationDomains, "DomainName"), "")
		if a.TotalCount != tc.total || len(a.AccelerationDomains) != tc.len || names[0] != tc.first {
			t.Errorf("%s: got %d of %d from %q, want %+v", name, len(a.AccelerationDomains), a.TotalCount, names[0], tc)
		}
	}
	for params, want := range map[string]string{
		`{}`:                               "MissingParameter",
		`{"ZoneId":"zone-c"}`:              "InvalidParameter.ZoneNotFound",
		`{"ZoneId":"zone-a","Limit":201}`:  "InvalidParameter.ParameterError",
		`{"ZoneId":"zone-a","Match":"or"}`: "InvalidParameter.ParameterError",
	} {
		if got := c.call(t, "DescribeAccelerationDomains", params).code(); got != want {
			t.Errorf("%s: got %q, want %q", params, got, want)
		}
	}
	p := object{"ZoneId": "zone-a", "Filters": []object{{"Name": "domain-name", "Values": many("h", 21)}}}
	if got := c.call(t, "DescribeAccelerationDomains", p).code(); got != "InvalidParameter.TooManyFilterValues" {
		t.Errorf("21 values: got %q, want InvalidParameter.TooManyFilterValues", got)
	}
}

func TestZones_AreNamedAfterTheirHosts(t *testing.T) {
	c, _ := newClient(t, emulator.Config{Zones: map[string][]string{
		"zone-1": {"www.example.com"},
		"zone-2": {"a.example.org", "b.example.org", "example.org"},
		"zone-3": {"*.example.net"},
		"zone-4": {"one.test", "two.example"},
		"zone-5": {"*"},
		"zone-6": {"example.com"},
	}})
	want := []string{"example.com", "example.org", "example.net", "one.test", "*", "example.com"}
	if diff := cmp.Diff(want, column(c.must(t, "DescribeZones", "{}").Zones, "ZoneName")); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}
