package edgeone_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
)

func TestClient_SendsWhatTheAPIWants(t *testing.T) {
	from := time.Date(2026, 11, 22, 10, 0, 0, 999, time.FixedZone("", 8*3600))
	to := time.Date(2026, 11, 22, 4, 0, 0, 1, time.UTC)
	tests := []struct {
		name         string
		call         func(*edgeone.Client) error
		action, body string
	}{
		{
			"url purge has no method and no hosts",
			purging(t.Context(), edgeone.Purge{Zone: "zone-1", Type: purge.URL, Method: "delete", Hosts: []string{"h"}, Targets: []string{"https://e.com/?a=1&b=<é>", "https://e.com/"}}),
			"CreatePurgeTask",
			`{"ZoneId":"zone-1","Type":"purge_url","Targets":["https://e.com/?a=1\u0026b=\u003cé\u003e","https://e.com/"]}`,
		},
		{
			"prefix purge has its method",
			purging(t.Context(), edgeone.Purge{Zone: "zone-1", Type: purge.Prefix, Method: "delete", Targets: []string{"https://e.com/a/"}}),
			"CreatePurgeTask",
			`{"ZoneId":"zone-1","Type":"purge_prefix","Method":"delete","Targets":["https://e.com/a/"]}`,
		},
		{
			"host purge leaves the method to the API",
			purging(t.Context(), edgeone.Purge{Zone: "zone-1", Type: purge.Host, Targets: []string{"e.com"}}),
			"CreatePurgeTask",
			`{"ZoneId":"zone-1","Type":"purge_host","Targets":["e.com"]}`,
		},
		{
			"tag purge has hosts and no method",
			purging(t.Context(), edgeone.Purge{Zone: "zone-1", Type: purge.Tag, Method: "invalidate", Targets: []string{"t1", "t2"}, Hosts: []string{"e.com"}}),
			"CreatePurgeTask",
			`{"ZoneId":"zone-1","Type":"purge_cache_tag","Targets":["t1","t2"],"CacheTag":{"Domains":["e.com"]}}`,
		},
		{
			"tag purge without hosts has no CacheTag",
			purging(t.Context(), edgeone.Purge{Zone: "zone-1", Type: purge.Tag, Targets: []string{"t1"}}),
			"CreatePurgeTask",
			`{"ZoneId":"zone-1","Type":"purge_cache_tag","Targets":["t1"]}`,
		},
		{
			"all has a method and no targets",
			purging(t.Context(), edgeone.Purge{Zone: "zone-1", Type: purge.All, Method: "invalidate", Targets: []string{"x"}}),
			"CreatePurgeTask",
			`{"ZoneId":"zone-1","Type":"purge_all","Method":"invalidate"}`,
		},
		{
			"tasks by job",
			asking(t.Context(), edgeone.TaskQuery{Zone: "zone-1", JobID: "job1"}),
			"DescribePurgeTasks",
			`{"ZoneId":"zone-1","Offset":0,"Limit":1000,"Filters":[{"Name":"job-id","Values":["job1"]}]}`,
		},
		{
			"tasks by time, in whole seconds of UTC that hold the window, and every filter",
			asking(t.Context(), edgeone.TaskQuery{
				Zone: "zone-1", From: from, To: to, Statuses: []string{"success", "failed"},
				Type: purge.URL, Target: "https://e.com/", Domains: []string{"e.com", "f.com"}, Offset: 7, Limit: 1,
			}),
			"DescribePurgeTasks",
			`{"ZoneId":"zone-1","StartTime":"2026-11-22T02:00:00Z","EndTime":"2026-11-22T04:00:01Z","Offset":7,"Limit":1,"Filters":[` +
				`{"Name":"target","Values":["https://e.com/"]},{"Name":"domains","Values":["e.com","f.com"]},{"Name":"statuses","Values":["success","failed"]},{"Name":"type","Values":["purge_url"]}]}`,
		},
		{
			"a limit over the API's is the API's",
			asking(t.Context(), edgeone.TaskQuery{Zone: "zone-1", JobID: "job1", Limit: 5000}),
			"DescribePurgeTasks",
			`{"ZoneId":"zone-1","Offset":0,"Limit":1000,"Filters":[{"Name":"job-id","Values":["job1"]}]}`,
		},
		{
			"quotas",
			func(c *edgeone.Client) error { _, err := c.Quotas(t.Context(), "zone-1"); return err },
			"DescribeContentQuota", `{"ZoneId":"zone-1"}`,
		},
		{
			"zones",
			func(c *edgeone.Client) error { _, err := c.Zones(t.Context(), nil); return err },
			"DescribeZones", `{"Offset":0,"Limit":100}`,
		},
		{
			"domains",
			func(c *edgeone.Client) error { _, err := c.Domains(t.Context(), "zone-1", nil); return err },
			"DescribeAccelerationDomains", `{"ZoneId":"zone-1","Offset":0,"Limit":200}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, replies(`{"Response":{"JobId":"j","TotalCount":0,"RequestId":"r"}}`))
			if err := tt.call(s.client(t)); err != nil {
				t.Fatal(err)
			}
			got := s.seen()
			if len(got) != 1 {
				t.Fatalf("got %d requests, want 1", len(got))
			}
			if diff := cmp.Diff(tt.body, string(got[0].body)); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			checkHeader(t, s, got[0], tt.action)
			if err := verifyTC3(got[0]); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff([]string{tt.action}, s.sentActions()); diff != "" {
				t.Errorf("Sent (-want +got):\n%s", diff)
			}
		})
	}
}

func purging(ctx context.Context, p edgeone.Purge) func(*edgeone.Client) error {
	return func(c *edgeone.Client) error {
		_, err := c.CreatePurge(ctx, p)
		return err
	}
}

func asking(ctx context.Context, q edgeone.TaskQuery) func(*edgeone.Client) error {
	return func(c *edgeone.Client) error {
		_, err := c.PurgeTasks(ctx, q)
		return err
	}
}

func checkHeader(t *testing.T, s *server, r received, action string) {
	t.Helper()
	want := map[string]string{
		"X-TC-Action":         action,
		"X-TC-Version":        "2022-09-01",
		"X-TC-Language":       "en-US",
		"X-TC-Token":          testToken,
		"Content-Type":        "application/json",
		"X-TC-Region":         "",
		"X-TC-Content-SHA256": "",
		"X-Idempotency-Key":   "",
	}
	for name, value := range want {
		if got := r.header.Get(name); got != value {
			t.Errorf("header %s: got %q, want %q", name, got, value)
		}
	}
	if r.method != "POST" || r.path != "/" || r.host != strings.TrimPrefix(s.URL, "http://") {
		t.Errorf("got %s %s at %s, want POST / at %s", r.method, r.path, r.host, s.URL)
	}
}

func TestClient_SendsRegionAndPathAsConfigured(t *testing.T) {
	s := serve(t, replies(`{"Response":{"JobId":"j"}}`))
	c := s.client(t, func(cfg *edgeone.Config) {
		cfg.Region = "ap-guangzhou"
		cfg.Endpoint = s.URL + "/gate/way/"
	})
	if _, err := c.CreatePurge(t.Context(), urlPurge); err != nil {
		t.Fatal(err)
	}
	got := s.seen()[0]
	if got.path != "/gate/way/" || got.header.Get("X-TC-Region") != "ap-guangzhou" {
		t.Errorf("got path %q, region %q", got.path, got.header.Get("X-TC-Region"))
	}
	if err := verifyTC3(got); err != nil {
		t.Error(err)
	}
}

// verifyTC3 checks the signature by the API's description alone.
func verifyTC3(r received) error {
	auth, ok := strings.CutPrefix(r.header.Get("Authorization"), "TC3-HMAC-SHA256 ")
	if !ok {
		return fmt.Errorf("authorization %q", r.header.Get("Authorization"))
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(auth, ", ") {
		name, value, _ := strings.Cut(part, "=")
		parts[name] = value
	}
	id, scope, _ := strings.Cut(parts["Credential"], "/")
	stamp := r.header.Get("X-TC-Timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return err
	}
	at := time.Unix(seconds, 0).UTC()
	date := at.Format(time.DateOnly)
	if id != testID || scope != date+"/teo/tc3_request" || time.Since(at).Abs() > 5*time.Minute {
		return fmt.Errorf("credential %q at %s", parts["Credential"], at)
	}
	canonical := []string{"POST", "/", ""}
	for name := range strings.SplitSeq(parts["SignedHeaders"], ";") {
		value := r.header.Get(name)
		if name == "host" {
			value = r.host
		}
		canonical = append(canonical, name+":"+strings.TrimSpace(strings.ToLower(value)))
	}
	canonical = append(canonical, "", parts["SignedHeaders"], digest(string(r.body)))
	toSign := strings.Join([]string{"TC3-HMAC-SHA256", stamp, scope, digest(strings.Join(canonical, "\n"))}, "\n")
	key := []byte("TC3" + testKey)
	for _, s := range []string{date, "teo", "tc3_request", toSign} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(s))
		key = mac.Sum(nil)
	}
	if want := hex.EncodeToString(key); parts["Signature"] != want {
		return fmt.Errorf("signature %q, want %q", parts["Signature"], want)
	}
	return nil
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
