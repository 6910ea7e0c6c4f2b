package e2e_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// The versions of the API.
const newAPI, oldAPI = "2022-09-01", "2022-01-06"

// apiTypes are the API's names of the types.
var apiTypes = map[purge.Type]string{
	purge.URL: "purge_url", purge.Prefix: "purge_prefix", purge.Host: "purge_host", purge.Tag: "purge_cache_tag",
	purge.All: "purge_all",
}

// target gives the targets of a request of a type: one, but none for all.
func target(typ purge.Type, name string) []string {
	switch typ {
	case purge.URL, "":
		return []string{"https://www.example.com/" + name}
	case purge.Prefix:
		return []string{"https://www.example.com/" + name + "/"}
	case purge.Host:
		return []string{name + ".example.com"}
	case purge.Tag:
		return []string{name}
	case purge.All:
	}
	return nil
}

// body is what CreatePurgeTask is called with for a batch: this and nothing else.
func body(zone string, typ purge.Type, method purge.Method, targets ...string) map[string]any {
	b := map[string]any{"ZoneId": zone, "Type": apiTypes[typ]}
	if method != "" {
		b["Method"] = method
	}
	if typ != purge.All {
		b["Targets"] = targets
	}
	return b
}

// bodies gives the bodies of the calls in a form that can be compared: fields, targets and calls in order.
func (tp tap) bodies(t *testing.T) []string {
	t.Helper()
	all := []map[string]any{}
	for _, c := range tp.all() {
		var b map[string]any
		if err := json.Unmarshal(c.Body, &b); err != nil {
			t.Fatal(err)
		}
		if c.Targets != nil {
			slices.Sort(c.Targets)
			b["Targets"] = c.Targets
		}
		all = append(all, b)
	}
	return texts(t, all)
}

func texts(t *testing.T, all []map[string]any) []string {
	t.Helper()
	var lines []string
	for _, v := range all {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(data))
	}
	slices.Sort(lines)
	return lines
}

// same compares in no order.
func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// end is how a request ended, in a word, or with the code and the field of its refusal.
func end(o purge.Outcome) string {
	if o.Status != purge.Rejected || o.Reason == nil {
		return string(o.Status)
	}
	return strings.TrimSpace(o.Reason.Code + " " + o.Reason.Field)
}

// What each type and method comes to in each version.
var ends = []struct {
	typ      purge.Type
	method   purge.Method
	now, old string
}{
	{purge.URL, "", "completed", "completed"},
	{purge.URL, purge.Invalidate, "Malformed method", "Malformed method"},
	{purge.URL, purge.Delete, "Malformed method", "Malformed method"},
	{purge.Prefix, "", "completed", "completed"},
	{purge.Prefix, purge.Invalidate, "completed", "Unsupported method"},
	{purge.Prefix, purge.Delete, "completed", "Unsupported method"},
	{purge.Host, "", "completed", "completed"},
	{purge.Host, purge.Invalidate, "completed", "Unsupported method"},
	{purge.Host, purge.Delete, "completed", "Unsupported method"},
	{purge.Tag, "", "completed", "Unsupported type"},
	{purge.Tag, purge.Invalidate, "Malformed method", "Malformed method"},
	{purge.Tag, purge.Delete, "Malformed method", "Malformed method"},
	{purge.All, "", "completed", "completed"},
	{purge.All, purge.Invalidate, "completed", "Unsupported method"},
	{purge.All, purge.Delete, "completed", "Unsupported method"},
}

func TestTypesAndMethods_InBothVersions(t *testing.T) {
	t.Parallel()
	for _, version := range []string{newAPI, oldAPI} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			w.cfg.EdgeOne.Version = version
			tp := w.tap(nil)
			w.provision()
			wantEnds, gotEnds := make(map[string]string), make(map[string]string)
			wantDead, gotDead := make(map[string]string), make(map[string]string)
			var calls []map[string]any
			for _, e := range ends {
				id := strings.Trim(fmt.Sprintf("%s-%s", e.typ, e.method), "-")
				targets := target(e.typ, id)
				w.request(purge.Bulk, purge.Request{ID: id, Zone: "zone-a", Type: e.typ, Method: e.method, Targets: targets})
				wantEnds[id] = e.now
				if version == oldAPI {
					wantEnds[id] = e.old
				}
				if code, _, refused := strings.Cut(wantEnds[id], " "); refused {
					wantDead["test/"+id] = "purge.dead." + strings.ToLower(code) + ".test"
					continue
				}
				calls = append(calls, body("zone-a", e.typ, e.method, targets...))
			}
			w.start()
			for id, o := range w.await(len(ends)) {
				gotEnds[id] = end(o)
				if typ, _, _ := strings.Cut(id, "-"); string(o.Type) != typ {
					t.Errorf("%s: the event's type is %q", id, o.Type)
				}
				if o.Status == purge.Completed && (o.Targets != purge.Counts{Total: 1, Succeeded: 1} || len(o.Jobs) != 1) {
					t.Errorf("%s: %+v in jobs %v, want one target in one", id, o.Targets, o.Jobs)
				}
			}
			w.each("PURGE_DEAD", func(m jetstream.Msg) { gotDead[m.Headers().Get("Edgepurge-Request")] = m.Subject() })
			same(t, "ends", wantEnds, gotEnds)
			same(t, "calls", texts(t, calls), tp.bodies(t))
			same(t, "dead letters", wantDead, gotDead)
		})
	}
}

func TestTypes_ByTheNamesOfTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	tp := w.tap(nil)
	w.provision()
	var calls []map[string]any
	for typ, name := range apiTypes {
		for _, n := range []string{string(typ), name} { // both are the same purge
			r := map[string]any{"id": n, "zone": "zone-a", "type": n}
			if targets := target(typ, "x"); targets != nil {
				r["targets"] = targets
			}
			w.publish(purge.Bulk, "test", []byte(texts(t, []map[string]any{r})[0]))
		}
		calls = append(calls, body("zone-a", typ, "", target(typ, "x")...))
	}
	w.start()
	for id, o := range w.await(2 * len(apiTypes)) {
		if o.Status != purge.Completed || string(o.Type) != id && apiTypes[o.Type] != id {
			t.Errorf("%s: %s of type %s (%v), want completed", id, o.Status, o.Type, o.Reason)
		}
	}
	same(t, "calls", texts(t, calls), tp.bodies(t))
}

func TestTags_AreApartByTheirHosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	tp := w.tap(nil)
	w.provision()
	for id, hosts := range map[string][]string{
		"both":  {"www.example.com", "img.example.com"},
		"order": {"img.example.com", "WWW.Example.com", "img.example.com"},
		"one":   {"www.example.com"},
		"none":  nil,
	} {
		w.request(purge.Bulk, purge.Request{ID: id, Zone: "zone-a", Type: purge.Tag, Targets: []string{"blog", id}, Hosts: hosts})
	}
	w.start()
	w.completed(4)
	both := body("zone-a", purge.Tag, "", "blog", "both", "order")
	both["CacheTag"] = map[string]any{"Domains": []string{"img.example.com", "www.example.com"}}
	one := body("zone-a", purge.Tag, "", "blog", "one")
	one["CacheTag"] = map[string]any{"Domains": []string{"www.example.com"}}
	none := body("zone-a", purge.Tag, "", "blog", "none")
	same(t, "calls", texts(t, []map[string]any{both, one, none}), tp.bodies(t))
}

func TestWholeZones_AreOneCallEach(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	tp := w.tap(nil)
	w.provision()
	for i := range 30 {
		r := purge.Request{ID: fmt.Sprintf("r%d", i), Zone: []string{"zone-a", "zone-b"}[i%2], Type: purge.All}
		if i%3 == 0 {
			r.Method = purge.Delete
		}
		w.request(purge.Bulk, r)
	}
	w.request(purge.Bulk, purge.Request{ID: "nowhere", Type: purge.All})
	w.start()
	events := w.await(31)
	if got := end(events["nowhere"]); got != "ZoneNotFound zone" {
		t.Errorf("nowhere: %s, want ZoneNotFound zone", got)
	}
	delete(events, "nowhere")
	for id, o := range events {
		if o.Status != purge.Completed || o.Targets.Total != 1 {
			t.Errorf("%s: %s with %+v, want completed", id, o.Status, o.Targets)
		}
	}
	same(t, "calls", texts(t, []map[string]any{
		body("zone-a", purge.All, ""), body("zone-a", purge.All, purge.Delete),
		body("zone-b", purge.All, ""), body("zone-b", purge.All, purge.Delete),
	}), tp.bodies(t))
}

// A call holds no more than the API takes of the type, the zone's quota, and the operator's cap.
func TestCeilings_OfEachType(t *testing.T) {
	t.Parallel()
	ceilings := map[purge.Type]int{purge.URL: 5000, purge.Prefix: 1000, purge.Host: 1000, purge.Tag: 100}
	for _, c := range []struct {
		name, version string
		quota, most   int
		want          func(ceiling int) int
	}{
		{"API's", newAPI, 0, 0, func(ceiling int) int { return ceiling }},
		{"quota's", newAPI, 150, 0, func(ceiling int) int { return min(150, ceiling) }},
		{"operator's", newAPI, 500, 70, func(int) int { return 70 }},
		{"API's, as no quota is told", oldAPI, 0, 0, func(ceiling int) int { return ceiling }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(e *emulator.Config) { e.BatchQuota = c.quota })
			w.cfg.EdgeOne.Version, w.cfg.Batch.MaxTargets = c.version, c.most
			tp := w.tap(nil)
			w.provision()
			want, got := make(map[string][]int), make(map[string][]int)
			for typ, ceiling := range ceilings {
				if typ == purge.Tag && c.version == oldAPI {
					continue
				}
				most := c.want(ceiling)
				r := purge.Request{ID: string(typ), Zone: "zone-a", Type: typ}
				for i := range most + 1 {
					r.Targets = append(r.Targets, target(typ, fmt.Sprintf("t%d", i))...)
				}
				w.request(purge.Bulk, r)
				want[apiTypes[typ]] = []int{1, most}
			}
			w.start()
			w.completed(len(want))
			for _, call := range tp.all() {
				got[call.Type] = append(got[call.Type], len(call.Targets))
				slices.Sort(got[call.Type])
			}
			same(t, "targets of the calls", want, got)
		})
	}
}

// Where the version tells no quota, the API's refusals do.
func TestQuotaThatIsNotTold_IsFoundByHalving(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) { c.BatchQuota = 150 })
	w.cfg.EdgeOne.Version = oldAPI
	w.provision()
	for _, typ := range []purge.Type{purge.URL, purge.Prefix, purge.Host} {
		r := purge.Request{ID: string(typ), Zone: "zone-a", Type: typ}
		for i := range 1000 {
			r.Targets = append(r.Targets, target(typ, fmt.Sprintf("t%d", i))...)
		}
		w.request(purge.Bulk, r)
	}
	w.start()
	w.completed(3)
	if s := w.api.Stats(); s.Targets != 3000 {
		t.Errorf("%d targets were purged, want 3000: none twice", s.Targets)
	}
}
