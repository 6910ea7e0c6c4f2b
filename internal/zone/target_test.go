package zone_test

import (
	"errors"
	"testing"

	"github.com/edgepurge/edgepurge/internal/zone"
	"github.com/edgepurge/edgepurge/purge"
)

func TestOfTarget(t *testing.T) {
	t.Parallel()
	find := func(host string) (string, error) {
		switch host {
		case "www.example.com", "xn--mnchen-3ya.example.com":
			return "zone-a", nil
		case "b.example.com":
			return "zone-b", nil
		case "later.example.com":
			return "", zone.ErrPending
		}
		return "", zone.ErrUnknown
	}
	tests := map[string]struct {
		typ    purge.Type
		target string
		hosts  []string
		want   string
		err    error
	}{
		"URL":                       {purge.URL, "https://www.example.com:8080/a", nil, "zone-a", nil},
		"URL, whatever the hosts":   {purge.URL, "https://www.example.com/a", []string{"b.example.com"}, "zone-a", nil},
		"prefix":                    {purge.Prefix, "https://b.example.com/a/", nil, "zone-b", nil},
		"host":                      {purge.Host, "www.example.com", nil, "zone-a", nil},
		"tag by its hosts":          {purge.Tag, "x", []string{"WWW.example.com.", "münchen.example.com"}, "zone-a", nil},
		"tag, hosts of two zones":   {purge.Tag, "x", []string{"www.example.com", "b.example.com"}, "", zone.ErrAmbiguous},
		"tag, one host is not read": {purge.Tag, "x", []string{"www.example.com", "later.example.com"}, "", zone.ErrPending},
		"URL of nobody":             {purge.URL, "https://c.example.com/", nil, "", zone.ErrUnknown},
		"all implies none":          {purge.All, "", nil, "", zone.ErrUnknown},
	}
	for name, tt := range tests {
		got, err := zone.OfTarget(find, &purge.Request{Type: tt.typ, Hosts: tt.hosts}, tt.target)
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: got %q, %v, want %q, %v", name, got, err, tt.want, tt.err)
		}
	}
	_, err := zone.OfTarget(find, &purge.Request{Type: purge.Tag}, "x")
	if reason, ok := errors.AsType[*purge.Reason](err); !ok || reason.Code != purge.CodeZoneNotFound {
		t.Errorf("a tag without hosts: got %v, want the code %s", err, purge.CodeZoneNotFound)
	}
}
