package purge_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/purge"
)

func TestRequest_EncodesCompactly(t *testing.T) {
	tests := map[string]struct {
		request purge.Request
		want    string
	}{
		"zero":             {purge.Request{}, `{}`},
		"marks as written": {purge.Request{Targets: []string{"http://h/?a=<1>&b"}}, `{"targets":["http://h/?a=<1>&b"]}`},
		"every field": {
			purge.Request{
				ID: "post-4711-r3", Zone: "zone-3fkff38fyw8s", Type: purge.URL, Method: purge.Invalidate,
				Targets: []string{page}, Hosts: []string{"www.example.com"}, Account: "main",
				Time: changed, Expires: expires, Prefetch: true, Labels: map[string]string{"post": "4711"},
			},
			`{"id":"post-4711-r3","zone":"zone-3fkff38fyw8s","type":"url","method":"invalidate",` +
				`"targets":["https://www.example.com/blog/hello/"],"hosts":["www.example.com"],"account":"main",` +
				`"time":"2026-11-22T10:00:00Z","expires":"2026-11-22T11:00:00Z","prefetch":true,"labels":{"post":"4711"}}`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := tt.request.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("JSON (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRequest_RefusesTimesThatHaveNoText(t *testing.T) {
	r := purge.Request{Time: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)}
	if data, err := r.Encode(); err == nil {
		t.Errorf("got %s, want an error", data)
	}
	event := purge.NewEvent("default", purge.Outcome{}, r.Time)
	if data, err := event.Encode(); err == nil {
		t.Errorf("got %s, want an error", data)
	}
}

func TestReason_IsOneLine(t *testing.T) {
	tests := []struct {
		reason purge.Reason
		want   string
	}{
		{purge.Reason{Code: "Poison"}, "Poison"},
		{purge.Reason{Code: "Policy", Message: "not for this source"}, "Policy: not for this source"},
		{
			purge.Reason{Code: "InvalidTarget", Message: "the host is missing", Field: "targets[2]"},
			"InvalidTarget: the host is missing (targets[2])",
		},
		{purge.Reason{Code: "Malformed", Message: "id must be a string", Field: "id"}, "Malformed: id must be a string"},
	}
	for _, tt := range tests {
		if got := tt.reason.Error(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
