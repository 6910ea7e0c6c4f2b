package submit_test

import (
	"strings"
	"testing"

	"github.com/edgepurge/edgepurge/internal/submit"
	"github.com/edgepurge/edgepurge/purge"
)

func TestOrder_IDsFollowFromWhatIsAsked(t *testing.T) {
	base := submit.Order{Name: "rel-1", Source: "cli", Lane: purge.Bulk, Type: purge.URL}
	id := base.ID("https://a.example/")
	if want := "rel-1-"; !strings.HasPrefix(id, want) || len(id) != len(want)+16 || !purge.ValidID(id) {
		t.Errorf("id %q, want %s and 16 digits", id, want)
	}
	if again := base.ID("https://a.example/"); again != id {
		t.Errorf("the same target has the ids %q and %q", id, again)
	}
	zone, method := base, base
	zone.Zone = "zone-a"
	method.Type, method.Method = purge.Host, purge.Delete
	for _, other := range []string{base.ID("https://a.example/#x"), zone.ID("https://a.example/"), method.ID("https://a.example/")} {
		if other == id {
			t.Errorf("another request has the id %q too", id)
		}
	}
	long := submit.Order{Name: strings.Repeat("x", submit.MaxName)}
	if id := long.ID("t"); !purge.ValidID(id) {
		t.Errorf("id %q of the longest name is not valid", id)
	}
}

func TestOrder_EqualLinesAreOneRequest(t *testing.T) {
	o := submit.Order{Name: "n", Source: "cli", Lane: purge.Bulk, Type: purge.URL, Targets: []string{"a", "b", "a"}}
	requests := o.Requests()
	if len(requests) != 2 || requests[0].Request.Targets[0] != "a" || requests[1].Request.Targets[0] != "b" {
		t.Errorf("got %+v, want a and b", requests)
	}
	all := submit.Order{Name: "n", Type: purge.All, Zone: "zone-a", Targets: []string{""}}
	if r := all.Requests(); len(r) != 1 || r[0].Request.Targets != nil {
		t.Errorf("got %+v, want one request without targets", r)
	}
}
