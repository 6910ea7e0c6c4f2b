package purge_test

import (
	"testing"

	"github.com/edgepurge/edgepurge/purge"
)

func TestDigest_IsTheSameForTheSameRequest(t *testing.T) {
	tag := purge.Request{Zone: "zone-1", Type: purge.Tag, Targets: []string{"a"}, Hosts: []string{"a.example", "b.example"}}
	url := purge.Request{Targets: []string{"https://h/a"}}
	tests := map[string]struct{ one, other purge.Request }{
		"default type":           {url, purge.Request{Type: purge.URL, Targets: url.Targets}},
		"canonical form":         {url, purge.Request{Targets: []string{"HTTPS://H:443/a#b"}}},
		"order of hosts":         {tag, with(tag, func(r *purge.Request) { r.Hosts = []string{"B.example", "A.example"} })},
		"case of invalid hosts":  {purge.Request{Hosts: []string{"A:1"}}, purge.Request{Hosts: []string{"a:1", "a:1"}}},
		"what does not count":    {url, purge.Request{ID: "x", Account: "a", Time: changed, Prefetch: true, Targets: url.Targets}},
		"labels, expires":        {url, purge.Request{Expires: changed, Labels: map[string]string{"a": "b"}, Targets: url.Targets}},
		"target that is invalid": {purge.Request{Targets: []string{"x"}}, purge.Request{Targets: []string{"x"}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if one, other := tt.one.Digest(), tt.other.Digest(); one != other || len(one) != 32 {
				t.Errorf("got %s and %s, want the same 32 digits", one, other)
			}
		})
	}
}

func TestDigest_DiffersForDifferentRequests(t *testing.T) {
	base := purge.Request{Zone: "zone-1", Type: purge.Host, Method: purge.Delete, Targets: []string{"a", "b"}}
	seen := map[string]string{}
	for name, r := range map[string]purge.Request{
		"base":             base,
		"zone":             with(base, func(r *purge.Request) { r.Zone = "zone-2" }),
		"no zone":          with(base, func(r *purge.Request) { r.Zone = "" }),
		"type":             with(base, func(r *purge.Request) { r.Type = purge.Tag }),
		"method":           with(base, func(r *purge.Request) { r.Method = "" }),
		"order":            with(base, func(r *purge.Request) { r.Targets = []string{"b", "a"} }),
		"joined":           with(base, func(r *purge.Request) { r.Targets = []string{"ab"} }),
		"fewer":            with(base, func(r *purge.Request) { r.Targets = []string{"a"} }),
		"split otherwise":  with(base, func(r *purge.Request) { r.Targets = []string{"a", "", "b"} }),
		"hosts, no target": with(base, func(r *purge.Request) { r.Hosts, r.Targets = r.Targets, nil }),
		"one as host":      with(base, func(r *purge.Request) { r.Hosts, r.Targets = r.Targets[:1], r.Targets[1:] }),
		"invalid as given": with(base, func(r *purge.Request) { r.Targets = []string{"a:1", "b"} }),
		"another invalid":  with(base, func(r *purge.Request) { r.Targets = []string{"A:1", "b"} }),
	} {
		digest := r.Digest()
		if other, ok := seen[digest]; ok {
			t.Errorf("%s and %s have the same digest %s", name, other, digest)
		}
		seen[digest] = name
	}
}

// Digests are stored and compared across versions of the program.
func TestDigest_StaysTheSame(t *testing.T) {
	r := purge.Request{Zone: "zone-3fkff38fyw8s", Type: purge.URL, Targets: []string{page}}
	if got, want := r.Digest(), "fdc6c8fe3c1716408e2491ded12c3ad8"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := purge.RawDigest(nil), "e3b0c44298fc1c149afbf4c8996fb924"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func with(r purge.Request, change func(*purge.Request)) purge.Request {
	change(&r)
	return r
}
