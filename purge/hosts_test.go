package purge_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/edgepurge/edgepurge/purge"
)

func TestDecode_BoundsHosts(t *testing.T) {
	label := strings.Repeat("a", 62)
	longest := strings.Join([]string{label, label, label, label, "e"}, ".")
	tests := []struct {
		name        string
		hosts       []string
		code, field string
	}{
		{"none", nil, "", ""},
		{"as many as may be", slices.Repeat([]string{"www.example.com"}, purge.MaxHosts), "", ""},
		{"one too many", slices.Repeat([]string{"www.example.com"}, purge.MaxHosts+1), purge.CodeTooLarge, "hosts"},
		{"970 KB of them", slices.Repeat([]string{"www.example.com"}, 54_000), purge.CodeTooLarge, "hosts"},
		{"as long as may be", []string{longest}, "", ""},
		{"one too long", []string{"www.example.com", "ü" + longest}, purge.CodeMalformed, "hosts[1]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body, err := json.Marshal(purge.Request{ID: "a", Type: purge.Tag, Targets: []string{"blog"}, Hosts: tt.hosts})
			if err != nil {
				t.Fatal(err)
			}
			r, err := purge.Decode(body, "")
			if tt.code == "" {
				if err != nil || len(r.Hosts) != len(tt.hosts) {
					t.Errorf("got %d hosts, %v, want all %d", len(r.Hosts), err, len(tt.hosts))
				}
				return
			}
			reason, ok := errors.AsType[*purge.Reason](err)
			if !ok || reason.Code != tt.code || reason.Field != tt.field {
				t.Errorf("got %v, want %s for %s", err, tt.code, tt.field)
			}
			if r.ID != "a" || len(r.Hosts) != 0 {
				t.Errorf("got request %q with %d hosts, want its id and none", r.ID, len(r.Hosts))
			}
		})
	}
}
