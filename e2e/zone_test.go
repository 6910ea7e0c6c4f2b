package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// account is one of several zones: hosts of their own, wildcards one within the other, a host that two
// zones have, a zone of many domains, and many zones.
func account() map[string][]string {
	zones := map[string][]string{
		"zone-a":    {"www.example.com", "img.example.com", "shared.example"},
		"zone-b":    {"*.wild.example", "www.example.org", "shared.example"},
		"zone-deep": {"*.deep.wild.example", "own.wild.example"},
	}
	for i := range 450 { // DescribeAccelerationDomains tells 200 at a time
		zones["zone-many"] = append(zones["zone-many"], fmt.Sprintf("h%d.many.example", i))
	}
	for i := range 25 {
		zones[fmt.Sprintf("zone-z%d", i)] = []string{fmt.Sprintf("www.z%d.example", i)}
	}
	return zones
}

// zoned is a request, and the zones that it has to be purged in; none for one that ends rejected.
type zoned struct {
	purge.Request

	want string
	code string
}

// ask publishes requests, each named for its place.
func (w *world) ask(all []zoned) {
	w.t.Helper()
	for i, z := range all {
		z.ID = fmt.Sprintf("r%d", i)
		w.request(purge.Bulk, z.Request)
	}
}

// answered compares the events with what is wanted, and that each rejected request is a dead letter.
func (w *world) answered(all []zoned) {
	w.t.Helper()
	events := w.await(len(all))
	letters := make(map[string]string)
	w.each("PURGE_DEAD", func(m jetstream.Msg) { letters[m.Headers().Get("Edgepurge-Request")] = m.Subject() })
	for i, z := range all {
		id := fmt.Sprintf("r%d", i)
		o, letter := events[id], letters["test/"+id]
		slices.Sort(o.Zones) // in no order
		name := fmt.Sprintf("%s %s %q of %q", z.Type, z.Zone, z.Targets, z.Hosts)
		switch {
		case z.code == "":
			if o.Status != purge.Completed || strings.Join(o.Zones, " ") != z.want || letter != "" {
				t := o.Targets
				w.t.Errorf("%s: %s in %v, %d of %d (%v), dead letter %q; want completed in %s", name, o.Status, o.Zones, t.Succeeded, t.Total, o.Reason, letter, z.want)
			}
		case o.Status != purge.Rejected || o.Reason == nil || o.Reason.Code != z.code:
			w.t.Errorf("%s: %s in %v (%v), want rejected as %s", name, o.Status, o.Zones, o.Reason, z.code)
		case letter == "" || o.Attempts != 0 || len(o.Jobs) != 0:
			w.t.Errorf("%s: dead letter %q, %d attempts, jobs %v; want a letter and nothing sent", name, letter, o.Attempts, o.Jobs)
		}
	}
}

func TestZones_AreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) { c.Zones = account() })
	w.cfg.EdgeOne.Zones = map[string]string{
		"img.example.com": "zone-a", "table.example.org": "zone-b", "*.wild.example": "zone-b", "shared.example": "zone-b",
		"x.deep.wild.example": "zone-deep",
	}
	tp := w.tap(nil)
	w.provision()
	all := []zoned{
		{purge.Request{Zone: "zone-a", Targets: []string{url(1)}}, "zone-a", ""},
		{purge.Request{Zone: "zone-b", Targets: []string{"https://shared.example/"}}, "zone-b", ""},
		// By the configuration, which beats what the account tells.
		{purge.Request{Targets: []string{"https://img.example.com/"}}, "zone-a", ""},
		{purge.Request{Targets: []string{"https://IMG.example.com:8443/x"}}, "zone-a", ""},
		{purge.Request{Targets: []string{"https://shared.example/configured"}}, "zone-b", ""},
		{purge.Request{Targets: []string{"https://x.deep.wild.example/"}}, "zone-deep", ""},
		{purge.Request{Targets: []string{"https://a.b.wild.example/"}}, "zone-b", ""},
		// By the account's zones and domains.
		{purge.Request{Targets: []string{url(2)}}, "zone-a", ""},
		{purge.Request{Targets: []string{"http://h0.many.example/", "https://h449.many.example/"}}, "zone-many", ""},
		{purge.Request{Targets: []string{"https://www.z24.example/"}}, "zone-z24", ""},
		{purge.Request{Type: purge.Prefix, Targets: []string{"https://www.example.org/blog/"}}, "zone-b", ""},
		{purge.Request{Type: purge.Host, Targets: []string{"WWW.example.com"}}, "zone-a", ""},
		{purge.Request{Type: purge.Tag, Targets: []string{"t"}, Hosts: []string{"www.z1.example", "WWW.Z1.example"}}, "zone-z1", ""},
		// Of several zones.
		{purge.Request{Targets: []string{"https://www.example.org/1", url(3), "https://www.z3.example/"}}, "zone-a zone-b zone-z3", ""},
		{purge.Request{Type: purge.Host, Targets: []string{"www.example.org", "www.example.com", "h7.many.example"}}, "zone-a zone-b zone-many", ""},
		// Of none that can be told.
		{purge.Request{Targets: []string{"https://foreign.example/"}}, "", purge.CodeZoneNotFound},
		{purge.Request{Targets: []string{"https://example.com/", "https://a.www.example.com/"}}, "", purge.CodeZoneNotFound},
		{purge.Request{Type: purge.Tag, Targets: []string{"t"}}, "", purge.CodeZoneNotFound},
		{purge.Request{Type: purge.Tag, Targets: []string{"t"}, Hosts: []string{"www.example.com", "www.example.org"}}, "", purge.CodeZoneAmbiguous},
		{purge.Request{Type: purge.All}, "", purge.CodeZoneNotFound},
	}
	w.ask(all)
	w.start()
	w.answered(all)
	for _, c := range tp.all() {
		if c.Zone == "" || len(c.Targets) == 0 {
			t.Errorf("call %s: want a zone and targets", c.Body)
		}
	}
}

func TestZones_OfTheAccountAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) { c.Zones = account() })
	w.provision()
	all := []zoned{
		{purge.Request{Targets: []string{"https://own.wild.example/"}}, "zone-deep", ""},
		{purge.Request{Targets: []string{"https://x.wild.example/"}}, "zone-b", ""},
		{purge.Request{Targets: []string{"https://x.deep.wild.example/"}}, "zone-deep", ""},
		{purge.Request{Type: purge.Prefix, Targets: []string{"https://x.y.wild.example/p/"}}, "zone-b", ""},
		{purge.Request{Targets: []string{"https://wild.example/"}}, "", purge.CodeZoneNotFound},
		{purge.Request{Targets: []string{"https://shared.example/"}}, "", purge.CodeZoneAmbiguous},
		{purge.Request{Type: purge.Host, Targets: []string{"shared.example"}}, "", purge.CodeZoneAmbiguous},
		{purge.Request{Type: purge.Tag, Targets: []string{"t"}, Hosts: []string{"shared.example"}}, "", purge.CodeZoneAmbiguous},
		{purge.Request{Zone: "zone-b", Type: purge.Tag, Targets: []string{"t"}, Hosts: []string{"shared.example"}}, "zone-b", ""},
	}
	w.ask(all)
	w.start()
	w.answered(all)
}

// One event sums up what became of a request in each of its zones.
func TestZones_OfOneRequestEndTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) { c.Zones = account() })
	tp := w.tap(nil)
	w.provision()
	w.request(purge.Interactive, purge.Request{ID: "r", Targets: []string{
		url(1), "https://www.example.org/1", "https://shared.example/", url(2), "https://foreign.example/", "nonsense",
	}})
	w.start()
	o := w.await(1)["r"]
	if o.Status != purge.Partial || o.Targets != (purge.Counts{Total: 6, Succeeded: 3, Failed: 3}) {
		t.Errorf("got %s with %+v", o.Status, o.Targets)
	}
	slices.Sort(o.Zones)
	if want := []string{"zone-a", "zone-b"}; !slices.Equal(o.Zones, want) || len(o.Jobs) != 2 || o.Attempts != 1 {
		t.Errorf("got zones %v, jobs %v, %d attempts; want %v in two jobs", o.Zones, o.Jobs, o.Attempts, want)
	}
	got := make(map[string]string)
	for _, f := range o.Failures {
		got[f.Target] = f.Code
	}
	same(t, "failures", map[string]string{
		"https://shared.example/": purge.CodeZoneAmbiguous, "https://foreign.example/": purge.CodeZoneNotFound, "nonsense": purge.CodeInvalidTarget,
	}, got)
	same(t, "calls", texts(t, []map[string]any{
		body("zone-a", purge.URL, "", url(1), url(2)), body("zone-b", purge.URL, "", "https://www.example.org/1"),
	}), tp.bodies(t))
}

// What the key pair may not call does no harm to requests that name their zone, or whose host the
// configuration or a zone that does tell its domains knows; the others are told what to do.
func TestFailure_HelperActionRefused(t *testing.T) {
	t.Parallel()
	refusing := func(actions ...string) func(call) bool {
		return func(c call) bool { return slices.Contains(actions, c.Action) }
	}
	for _, c := range []struct {
		name    string
		refuses func(call) bool
		found   string // code of a request for a host of zone-a, which names no zone
		says    string
	}{
		{"zones", refusing(describeZones), purge.CodeZoneNotFound, "the zones could not be listed: "},
		{"domains", refusing(describeHosts), purge.CodeZoneNotFound, "zone zone-a and 1 more could not be read: "},
		{"domains of one", func(c call) bool { return c.Action == describeHosts && c.Zone == "zone-b" }, "", "zone zone-b could not be read: "},
		{"quotas", refusing(describeQuota), "", "no zone of the account serves this host"},
		{"all helpers", refusing(describeZones, describeHosts, describeQuota), purge.CodeZoneNotFound, "the zones could not be listed: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(e *emulator.Config) { e.Zones = twoZones })
			w.cfg.EdgeOne.Zones = map[string]string{"other.example": "zone-b"}
			const code = "UnauthorizedOperation.CamUnauthorized"
			w.tap(func(cl call) string {
				if c.refuses(cl) {
					return code
				}
				return ""
			})
			w.provision()
			all := []zoned{
				{purge.Request{Zone: "zone-a", Targets: []string{url(1)}}, "zone-a", ""},
				{purge.Request{Zone: "zone-a", Type: purge.Tag, Targets: []string{"t"}}, "zone-a", ""},
				{purge.Request{Targets: []string{other(1)}}, "zone-b", ""},
				{purge.Request{Targets: []string{url(2)}}, "zone-a", c.found},
				{purge.Request{Targets: []string{"https://foreign.example/"}}, "", purge.CodeZoneNotFound},
			}
			w.ask(all)
			w.start()
			w.answered(all)
			message := w.events()["r4"].Reason.Message
			for _, want := range []string{c.says, code, "name the zone in the request or in edgeone.zones"} {
				if c.name == "quotas" && want != c.says {
					continue // everything was looked up
				}
				if !strings.Contains(message, want) {
					t.Errorf("the reason says %q, want %q in it", message, want)
				}
			}
		})
	}
}

// While zones can't be looked up for now, requests that need it wait, and the others go on.
func TestFailingLookups_KeepWhatNeedsThem(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"InternalError", "RequestLimitExceeded", "AuthFailure.SecretIdNotFound"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *emulator.Config) { c.Zones = twoZones })
			tp := w.tap(func(c call) string {
				if c.Action == describeZones {
					return code
				}
				return ""
			})
			w.provision()
			for i := range 20 {
				w.request(purge.Bulk, purge.Request{ID: fmt.Sprintf("waits%d", i), Targets: []string{url(i), other(i), "https://foreign.example/"}})
			}
			w.start()
			for i := range 20 {
				w.request(purge.Bulk, purge.Request{ID: fmt.Sprintf("goes%d", i), Zone: "zone-a", Targets: []string{url(100 + i)}})
			}
			w.until("the ends of what names its zone", func() bool { return w.count("PURGE_EVENTS") >= 20 })
			if n := w.count("PURGE_REQUESTS"); n != 20 {
				t.Errorf("%d requests are kept, want 20", n)
			}
			tp.heal()
			for id, o := range w.await(40) {
				want := purge.Completed
				if strings.HasPrefix(id, "waits") {
					want = purge.Partial
				}
				if o.Status != want {
					t.Errorf("%s: %s (%v), want %s", id, o.Status, o.Reason, want)
				}
			}
		})
	}
}

// 2022-01-06 has no action that tells the hosts of a zone.
func TestZones_InTheOlderVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) { c.Zones = twoZones })
	w.cfg.EdgeOne.Version = oldAPI
	w.cfg.EdgeOne.Zones = map[string]string{"other.example": "zone-b"}
	w.provision()
	all := []zoned{
		{purge.Request{Zone: "zone-a", Targets: []string{url(1)}}, "zone-a", ""},
		{purge.Request{Targets: []string{other(1)}}, "zone-b", ""},
		{purge.Request{Zone: "zone-a", Targets: []string{url(2)}}, "zone-a", ""},
		{purge.Request{Targets: []string{url(3)}}, "", purge.CodeZoneNotFound},
	}
	w.ask(all)
	w.start()
	w.answered(all)
	if got, want := w.events()["r3"].Reason.Message, "name the zone in the request or in edgeone.zones"; !strings.Contains(got, want) {
		t.Errorf("the reason says %q, want %q in it", got, want)
	}
}
