package purge_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/purge"
)

func TestRequest_ValidateNamesTheField(t *testing.T) {
	t.Parallel()
	one := []string{page}
	tests := map[string]struct {
		request purge.Request
		field   string
	}{
		"no target":           {purge.Request{}, "targets"},
		"id of ours":          {purge.Request{ID: "_a", Targets: one}, "id"},
		"zone":                {purge.Request{Zone: "example.com", Targets: one}, "zone"},
		"account":             {purge.Request{Account: "a b", Targets: one}, "account"},
		"type":                {purge.Request{Type: "page", Targets: one}, "type"},
		"method of a URL":     {purge.Request{Method: purge.Delete, Targets: one}, "method"},
		"unknown method":      {purge.Request{Type: purge.Host, Method: "drop", Targets: []string{"a.example"}}, "method"},
		"hosts of a URL":      {purge.Request{Targets: one, Hosts: []string{"a.example"}}, "hosts"},
		"host of a tag":       {purge.Request{Type: purge.Tag, Targets: []string{"t"}, Hosts: []string{"*"}}, "hosts[0]"},
		"host in Latin 1":     {purge.Request{Type: purge.Tag, Targets: []string{"t"}, Hosts: []string{"\xe9"}}, "hosts[0]"},
		"target in Latin 1":   {purge.Request{Targets: []string{page, "https://www.example.com/\xe9"}}, "targets[1]"},
		"targets of all":      {purge.Request{Type: purge.All, Targets: one}, "targets"},
		"time before year 1":  {purge.Request{Targets: one, Time: time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)}, "time"},
		"time after 9999":     {purge.Request{Targets: one, Expires: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, "expires"},
		"label in Latin 1":    {purge.Request{Targets: one, Labels: map[string]string{"k": "\xe9"}}, "labels.k"},
		"label of 257 bytes":  {purge.Request{Targets: one, Labels: map[string]string{"k": strings.Repeat("v", 257)}}, "labels.k"},
		"seventeen labels":    {purge.Request{Targets: one, Labels: manyLabels(17)}, "labels"},
		"fine":                {purge.Request{ID: "a", Zone: "zone-1", Targets: one, Labels: manyLabels(16)}, ""},
		"the API's name":      {purge.Request{Type: "purge_url", Targets: one}, "type"},
		"tags of a host":      {purge.Request{Type: purge.Tag, Targets: []string{"t"}, Hosts: []string{"a.example"}}, ""},
		"target without form": {purge.Request{Targets: []string{"/about/"}}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tt.request.Validate()
			reason, _ := errors.AsType[*purge.Reason](err)
			if tt.field == "" {
				if err != nil {
					t.Errorf("got %v, want no error", err)
				}
				return
			}
			if reason == nil || reason.Field != tt.field {
				t.Errorf("got %v, want a reason at %s", err, tt.field)
			}
		})
	}
}

func manyLabels(n int) map[string]string {
	all := make(map[string]string, n)
	for i := range n {
		all[strings.Repeat("k", i+1)] = "v"
	}
	return all
}

// What Validate lets pass Decode takes, as it was meant; what it refuses Decode refuses, but for what only messages have.
func TestRequest_ValidateAgreesWithDecode(t *testing.T) {
	t.Parallel()
	word := rapid.SampledFrom([]string{"", "", "a", "_a", "a b", "zone-1", "www.example.com", "*", page, strings.Repeat("a", 260), "é"})
	zone := time.FixedZone("", 5*3600+1800)
	moment := rapid.SampledFrom([]time.Time{
		{},
		changed, time.Date(0, 12, 31, 23, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 0, 0, 0, zone),
		time.Date(1, 1, 1, 2, 0, 0, 0, zone), time.Date(10000, 1, 1, 2, 0, 0, 0, zone),
	})
	rapid.Check(t, func(t *rapid.T) {
		r := purge.Request{
			ID: word.Draw(t, "id"), Zone: word.Draw(t, "zone"), Account: word.Draw(t, "account"),
			Type:    rapid.SampledFrom([]purge.Type{"", "url", "prefix", "host", "tag", "all", "page"}).Draw(t, "type"),
			Method:  rapid.SampledFrom([]purge.Method{"", "", "delete", "invalidate", "drop"}).Draw(t, "method"),
			Targets: rapid.SliceOfN(word, 0, 3).Draw(t, "targets"), Hosts: rapid.SliceOfN(word, 0, 2).Draw(t, "hosts"),
			Time: moment.Draw(t, "time"), Expires: moment.Draw(t, "expires"),
			Labels: rapid.MapOfN(word, word, 0, 2).Draw(t, "labels"),
		}
		if len(r.Targets) == 0 {
			r.Targets = nil
		}
		refusal := r.Validate()
		data, err := r.Encode()
		if err != nil {
			if refusal == nil {
				t.Fatalf("Validate says nothing, Encode %v", err)
			}
			return
		}
		got, err := purge.Decode(data, "")
		if (err == nil) != (refusal == nil) {
			t.Fatalf("%s: Validate says %v, Decode %v", data, refusal, err)
		}
		if err == nil && cmp.Diff(r.Targets, got.Targets) != "" {
			t.Fatalf("%s: got targets %q, want %q", data, got.Targets, r.Targets)
		}
	})
}
