package e2e_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// Each target is sent in its canonical form, or its event says what to write instead.
func TestTargets_AreSentAsRequestersMeanThem(t *testing.T) {
	t.Parallel()
	const page = "https://www.example.com"
	tests := map[string]struct {
		request purge.Request
		sent    string // empty: rejected
		reason  string
	}{
		"space":    {purge.Request{Targets: []string{page + "/ts "}}, page + "/ts", ""},
		"break":    {purge.Request{Targets: []string{"\t" + page + "/break\r\n"}}, page + "/break", ""},
		"root":     {purge.Request{Targets: []string{page + "./root"}}, page + "/root", ""},
		"tags":     {purge.Request{Type: purge.Tag, Zone: "zone-a", Targets: []string{" *;#@[ "}}, "*;#@[", ""},
		"host":     {purge.Request{Type: purge.Host, Targets: []string{"WWW.example.com.\n"}}, "www.example.com", ""},
		"nbsp":     {purge.Request{Targets: []string{page + "/\u00a0"}}, "", "U+00A0"},
		"comma":    {purge.Request{Type: purge.Tag, Zone: "zone-a", Targets: []string{"post-1,post-2"}}, "", "each tag as a target of its own"},
		"zoneless": {purge.Request{Type: purge.Tag, Targets: []string{"post-1"}}, "", "a tag does not imply a zone; give zone or hosts"},
		"star":     {purge.Request{Targets: []string{page + "/blog/*"}}, "", "use type prefix without the star"},
		"dots":     {purge.Request{Targets: []string{page + "/a/%2e%2E/b"}}, "", "write " + page + "/b"},
	}
	w := newWorld(t, func(c *emulator.Config) { c.Zones = twoZones })
	f := w.front(nil)
	w.provision()
	var want []string
	for id, tt := range tests {
		tt.request.ID = id
		w.request(purge.Bulk, tt.request)
		if tt.sent != "" {
			want = append(want, tt.sent)
		}
	}
	w.start()
	for id, o := range w.await(len(tests)) {
		tt := tests[id]
		switch {
		case tt.sent != "" && o.Status != purge.Completed:
			t.Errorf("%s: %s (%v), want completed", id, o.Status, o.Reason)
		case tt.sent == "" && (o.Status != purge.Rejected || o.Reason == nil || !strings.Contains(o.Reason.Message, tt.reason)):
			t.Errorf("%s: %s (%v), want rejected with %q", id, o.Status, o.Reason, tt.reason)
		}
	}
	slices.Sort(want)
	if got := sent(f); !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
}
