package e2e_test

import (
	"fmt"
	"testing"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// Two spellings that the API tells as one: the list of a job of more than a page tells one row for them.
func TestEcho_TwinsInALargeJobEnd(t *testing.T) {
	t.Parallel()
	unknown, err := emulator.ParseUnknown([]string{"echo=canonical"})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(c *emulator.Config) { c.BatchQuota, c.Unknown = 0, unknown })
	w.provision()
	r := purge.Request{ID: "many", Zone: "zone-a", Targets: []string{"https://www.example.com/%7Etwin", "https://www.example.com/~twin"}}
	for i := range 1200 {
		r.Targets = append(r.Targets, url(i))
	}
	w.request(purge.Bulk, r)
	w.start()
	w.completed(1)
}

// One task of a job fails; the others are told as %C3 where %c3 was sent.
func TestEcho_EscapesToldOtherwiseAreKnown(t *testing.T) {
	t.Parallel()
	unknown, err := emulator.ParseUnknown([]string{"echo=canonical"})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(c *emulator.Config) {
		c.Unknown, c.Faults = unknown, map[string]float64{"task-failed": 0.05}
	})
	w.provision()
	var all []purge.Request
	for i := range 100 {
		all = append(all, purge.Request{ID: fmt.Sprintf("r%d", i), Zone: "zone-a", Targets: []string{fmt.Sprintf("https://www.example.com/%%c3%%a9/%d", i)}})
	}
	w.requests(purge.Bulk, all)
	w.start()
	events, found := w.await(len(all)), w.purged()
	for _, r := range all {
		r.Type = purge.URL
		judge(t, r, events[r.ID], func(row string) bool { return found[row] })
	}
	if n := w.api.Stats().Targets; n > 125 {
		t.Errorf("%d targets submitted, want about 105: 100, and those that failed again", n)
	}
}

// Hosts of tags go to the API, and to the look-up of their zone, in punycode and without the root's dot.
func TestTag_HostsAreCanonical(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) {
		c.Zones = map[string][]string{"zone-a": {"xn--bcher-kva.example", "www.example.com"}}
	})
	w.provision()
	for id, r := range map[string]purge.Request{
		"named":  {Zone: "zone-a", Hosts: []string{"Bücher.example"}},
		"found":  {Hosts: []string{"bücher.example"}},
		"rooted": {Zone: "zone-a", Hosts: []string{"www.example.com."}},
	} {
		r.ID, r.Type, r.Targets = id, purge.Tag, []string{"t"}
		w.request(purge.Bulk, r)
	}
	w.start()
	w.completed(3)
}
