package emulator_test

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

func twoZones() emulator.Config {
	return emulator.Config{Zones: map[string][]string{
		"zone-a": {"www.example.com", "*.example.org"},
		"zone-b": {"img.example.com"},
	}}
}

func TestCreate_JudgesParameters(t *testing.T) {
	const url = "https://www.example.com/a"
	for name, tc := range map[string]struct {
		params any
		want   string
	}{
		"url":                    {object{"ZoneId": "zone-a", "Type": "purge_url", "Targets": []string{url}}, ""},
		"url of wildcard":        {object{"ZoneId": "zone-a", "Type": "purge_url", "Targets": []string{"http://x.y.example.org:8080?q"}}, ""},
		"prefix":                 {object{"ZoneId": "zone-a", "Type": "purge_prefix", "Targets": []string{url + "/"}, "Method": "delete"}, ""},
		"host":                   {object{"ZoneId": "zone-a", "Type": "purge_host", "Targets": []string{"www.example.com"}, "Method": "invalidate"}, ""},
		"all":                    {object{"ZoneId": "zone-a", "Type": "purge_all", "Method": "delete"}, ""},
		"all, empty targets":     {object{"ZoneId": "zone-a", "Type": "purge_all", "Targets": []string{}}, ""},
		"tag":                    {object{"ZoneId": "zone-a", "Type": "purge_cache_tag", "Targets": []string{"tag 1"}}, ""},
		"tag of hosts":           {tagged(object{"Domains": []string{"www.example.com"}}), ""},
		"null is absent":         {`{"ZoneId":"zone-a","Type":"purge_url","Targets":["` + url + `"],"Method":null,"CacheTag":null}`, ""},
		"white space":            {" {\n\"ZoneId\" :\t\"zone-a\" , \"Type\":\"purge_url\",\"Targets\":[ \"" + url + "\" ] }\r\n", ""},
		"non-ASCII, encode":      {object{"ZoneId": "zone-a", "Type": "purge_url", "Targets": []string{url + "é"}, "EncodeUrl": true}, ""},
		"no zone":                {object{"Type": "purge_url", "Targets": []string{url}}, "MissingParameter"},
		"no type":                {object{"ZoneId": "zone-a", "Targets": []string{url}}, "MissingParameter"},
		"no targets":             {object{"ZoneId": "zone-a", "Type": "purge_url"}, "MissingParameter"},
		"empty targets":          {object{"ZoneId": "zone-a", "Type": "purge_url", "Targets": []string{}}, "MissingParameter"},
		"tag without domains":    {tagged(object{}), "MissingParameter"},
		"unknown zone":           {object{"ZoneId": "zone-c", "Type": "purge_all"}, "InvalidParameter.ZoneNotFound"},
		"every zone":             {object{"ZoneId": "*", "Type": "purge_url", "Targets": []string{url}}, "InvalidParameter.ZoneNotFound"},
		"short type":             {object{"ZoneId": "zone-a", "Type": "url", "Targets": []string{url}}, "InvalidParameter.ParameterError"},
		"prefetch as type":       {object{"ZoneId": "zone-a", "Type": "prefetch_url", "Targets": []string{url}}, "InvalidParameter.ParameterError"},
		"unknown method":         {object{"ZoneId": "zone-a", "Type": "purge_all", "Method": "remove"}, "InvalidParameter.ParameterError"},
		"method with url":        {object{"ZoneId": "zone-a", "Type": "purge_url", "Targets": []string{url}, "Method": "delete"}, "InvalidParameter.ParameterError"},
		"method with tag":        {object{"ZoneId": "zone-a", "Type": "purge_cache_tag", "Targets": []string{"t"}, "Method": "delete"}, "InvalidParameter.ParameterError"},
		"all with targets":       {object{"ZoneId": "zone-a", "Type": "purge_all", "Targets": []string{url}}, "InvalidParameter.ParameterError"},
		"cache tag with url":     {object{"ZoneId": "zone-a", "Type": "purge_url", "Targets": []string{url}, "CacheTag": object{"Domains": []string{"www.example.com"}}}, "InvalidParameter.ParameterError"},
		"foreign host":           {object{"ZoneId": "zone-b", "Type": "purge_url", "Targets": []string{url}}, "InvalidParameter.DomainNotFound"},
		"apex of wildcard":       {object{"ZoneId": "zone-a", "Type": "purge_host", "Targets": []string{"example.org"}}, "InvalidParameter.DomainNotFound"},
		"foreign tag host":       {tagged(object{"Domains": []string{"img.example.com"}}), "InvalidParameter.DomainNotFound"},
		"unknown parameter":      {object{"ZoneId": "zone-a", "Type": "purge_all", "ClientToken": "t"}, "UnknownParameter"},
		"unknown, null":          {`{"ZoneId":"zone-a","Type":"purge_all","Region":null}`, "UnknownParameter"},
		"name in lower case":     {object{"zoneid": "zone-a", "Type": "purge_all"}, "UnknownParameter"},
		"unknown inner":          {tagged(object{"Domains": []string{"www.example.com"}, "Tags": []string{"t"}}), "UnknownParameter"},
		"name twice":             {`{"ZoneId":"zone-a","ZoneId":"zone-a","Type":"purge_all"}`, "InvalidParameter"},
		"zone is number":         {object{"ZoneId": 1, "Type": "purge_all"}, "InvalidParameter"},
		"targets is string":      {object{"ZoneId": "zone-a", "Type": "purge_url", "Targets": url}, "InvalidParameter"},
		"target is number":       {object{"ZoneId": "zone-a", "Type": "purge_url", "Targets": []any{url, 1}}, "InvalidParameter"},
		"target is null":         {`{"ZoneId":"zone-a","Type":"purge_url","Targets":[null]}`, "InvalidParameter"},
		"encode is string":       {object{"ZoneId": "zone-a", "Type": "purge_all", "EncodeUrl": "true"}, "InvalidParameter"},
		"cache tag is array":     {tagged([]string{"t"}), "InvalidParameter"},
		"array":                  {`[{"ZoneId":"zone-a"}]`, "InvalidParameter"},
		"empty body":             {``, "InvalidParameter"},
		"null":                   {`null`, "InvalidParameter"},
		"cut":                    {`{"ZoneId":"zone-a"`, "InvalidParameter"},
		"comma at end":           {`{"ZoneId":"zone-a",}`, "InvalidParameter"},
		"more behind":            {`{"ZoneId":"zone-a","Type":"purge_all"} {}`, "InvalidParameter"},
		"bad escape":             {`{"ZoneId":"zone-\x"}`, "InvalidParameter"},
		"control character":      {"{\"ZoneId\":\"zone-\x01\"}", "InvalidParameter"},
		"not UTF-8":              {[]byte("{\"ZoneId\":\"zone-\xff\"}"), "InvalidParameter"},
		"urls at ceiling":        {object{"ZoneId": "zone-a", "Type": "purge_url", "Targets": urls(5000)}, ""},
		"urls over ceiling":      {object{"ZoneId": "zone-a", "Type": "purge_url", "Targets": urls(5001)}, "LimitExceeded.BatchQuota"},
		"prefixes over ceiling":  {object{"ZoneId": "zone-a", "Type": "purge_prefix", "Targets": urls(1001)}, "LimitExceeded.BatchQuota"},
		"hosts over ceiling":     {object{"ZoneId": "zone-a", "Type": "purge_host", "Targets": many("www.example.com", 1001)}, "LimitExceeded.BatchQuota"},
		"tags over ceiling":      {object{"ZoneId": "zone-a", "Type": "purge_cache_tag", "Targets": many("t", 101)}, "LimitExceeded.BatchQuota"},
		"count goes before form": {object{"ZoneId": "zone-a", "Type": "purge_url", "Targets": many("?", 5001)}, "LimitExceeded.BatchQuota"},
		"form goes before host":  {object{"ZoneId": "zone-b", "Type": "purge_url", "Targets": []string{url, "?"}}, "InvalidParameter.Target"},
	} {
		t.Run(name, func(t *testing.T) {
			c, e := newClient(t, twoZones())
			a := c.call(t, "CreatePurgeTask", tc.params)
			if got := a.code(); got != tc.want {
				t.Fatalf("got %q, want %q (%.300s)", got, tc.want, a.raw)
			}
			jobs := int64(0)
			if tc.want == "" {
				jobs = 1
			}
			if got := e.Stats().Jobs; got != jobs || (a.JobID != "") != (jobs == 1) {
				t.Errorf("got %d jobs and id %q, want %d", got, a.JobID, jobs)
			}
		})
	}
}

func tagged(cacheTag any) object {
	return object{"ZoneId": "zone-a", "Type": "purge_cache_tag", "Targets": []string{"t"}, "CacheTag": cacheTag}
}

func many(s string, n int) []string { return slices.Repeat([]string{s}, n) }

func TestCreate_JudgesFormOfTargets(t *testing.T) {
	long := strings.Repeat("a", 63)
	for kind, targets := range map[string]map[string]bool{
		"purge_url": {
			"https://www.example.com/a":             true,
			"HTTPS://WWW.Example.com/a":             true,
			"http://www.example.com":                true,
			"https://www.example.com:8443/":         true,
			"https://www.example.com?q=[1]":         true,
			"https://1.2.3.4/":                      true,
			"https://xn--fsq.example.com/%zz":       true,
			"www.example.com/a":                     false,
			"//www.example.com/a":                   false,
			"ftp://www.example.com/a":               false,
			"https:///a":                            false,
			"https://":                              false,
			"https://*.example.com/a":               false,
			"https://u:p@www.example.com/a":         false,
			"https://www.example.com:/a":            false,
			"https://www.example.com:0/a":           false,
			"https://www.example.com:65536/a":       false,
			"https://[::1]/a":                       false,
			"https://www..example.com/a":            false,
			"https://.example.com/a":                false,
			"https://www.example.com./a":            false,
			"https://" + long + "a.example.com/":    false,
			"https://www.example.com/a#b":           false,
			"https://www.example.com/a b":           false,
			"https://www.example.com/\t":            false,
			"https://www.example.com/\u00e9":        false,
			"https://www.\u00e9.com/":               false,
			"https://www.example.com/<a>":           false,
			"https://www.example.com/a|b":           false,
			"https://www.example.com/a\\b":          false,
			"":                                      false,
			"https://" + long + ".example.com/path": true,
		},
		"purge_host": {
			"www.example.com":         true,
			"WWW.example.com":         true,
			"*.example.com":           false,
			"www.example.com:443":     false,
			"https://www.example.com": false,
			"www.example.com/":        false,
			"":                        false,
			strings.Repeat("a.", 127): false,
		},
		"purge_cache_tag": {
			"tag1":     true,
			"tag,1 é":  true,
			"":         false,
			" ":        false,
			"tag\n1":   false,
			"tag\x7f1": false,
		},
	} {
		for target, want := range targets {
			c, _ := newClient(t, emulator.Config{})
			code := c.call(t, "CreatePurgeTask", object{"ZoneId": testZone, "Type": kind, "Targets": []string{target}}).code()
			if got := code == ""; got != want || !want && code != "InvalidParameter.Target" {
				t.Errorf("%s %q: got %q, want accepted %v", kind, target, code, want)
			}
		}
	}
}

func TestCreate_RowsTellTypeMethodAndTarget(t *testing.T) {
	c, _ := newClient(t, twoZones())
	url := "https://www.example.com/a/"
	for _, p := range []object{
		{"Type": "purge_url", "Targets": []string{url, url}},
		{"Type": "purge_prefix", "Targets": []string{url}},
		{"Type": "purge_host", "Targets": []string{"www.example.com"}, "Method": "delete"},
		{"Type": "purge_all"},
		{"Type": "purge_cache_tag", "Targets": []string{"t"}},
	} {
		p["ZoneId"] = "zone-b"
		if p["Type"] != "purge_cache_tag" && p["Type"] != "purge_all" {
			p["ZoneId"] = "zone-a"
		}
		job := c.must(t, "CreatePurgeTask", p).JobID
		a := c.must(t, "DescribePurgeTasks", object{
			"ZoneId": p["ZoneId"], "Filters": []object{{"Name": "job-id", "Values": []string{job}}},
		})
		for i := range a.Tasks {
			a.Tasks[i].JobID, a.Tasks[i].CreateTime, a.Tasks[i].UpdateTime = "", "", ""
		}
		want := map[any][]task{
			"purge_url":       {{Type: "purge_url", Target: url}, {Type: "purge_url", Target: url}},
			"purge_prefix":    {{Type: "purge_prefix", Target: url, Method: "invalidate"}},
			"purge_host":      {{Type: "purge_host", Target: "www.example.com", Method: "delete"}},
			"purge_all":       {{Type: "purge_all", Target: "example.com", Method: "invalidate"}},
			"purge_cache_tag": {{Type: "purge_cache_tag", Target: "t"}},
		}[p["Type"]]
		for i := range want {
			want[i].Status = "success"
		}
		if diff := cmp.Diff(want, a.Tasks); diff != "" {
			t.Errorf("%s (-want +got):\n%s", p["Type"], diff)
		}
	}
}

func TestCreate_RefusesBodyOverTenMegabytes(t *testing.T) {
	c, e := newClient(t, emulator.Config{})
	pad := func(n int) []byte {
		body := []byte(`{"ZoneId":"zone-emulator","Type":"purge_all"`)
		return append(append(body, bytes.Repeat([]byte(" "), n-len(body)-1)...), '}')
	}
	if got := c.call(t, "CreatePurgeTask", pad(10<<20)).code(); got != "" {
		t.Errorf("10 MB: got %q, want it accepted", got)
	}
	if got := c.call(t, "CreatePurgeTask", pad(10<<20+1)).code(); got != "RequestSizeLimitExceeded" {
		t.Errorf("a byte more: got %q, want RequestSizeLimitExceeded", got)
	}
	if got := e.Stats().CreateCalls; got != 2 {
		t.Errorf("got %d calls, want 2", got)
	}
}

func TestCreate_AnswersInEnvelope(t *testing.T) {
	c, _ := newClient(t, emulator.Config{})
	r := c.request(t, "CreatePurgeTask", object{"ZoneId": testZone, "Type": "purge_all"})
	w := newRecorder(c, r)
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("got content type %q", got)
	}
	if _, err := http.ParseTime(w.Header().Get("Date")); err != nil {
		t.Errorf("got date %q: %v", w.Header().Get("Date"), err)
	}
	if got := w.Body.String(); !strings.HasPrefix(got, `{"Response":{"JobId":"`) || !strings.Contains(got, `"FailedList":[],"RequestId":"`) {
		t.Errorf("got body %s", got)
	}
}
