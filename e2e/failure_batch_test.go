package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// The quota of a zone was lowered after it was read: the call that is too large for it has it read
// again, and goes out in parts.
func TestFailure_BatchQuota(t *testing.T) {
	t.Parallel()
	const targets, then, now = 1000, 500, 100
	w := newWorld(t, func(c *emulator.Config) { c.BatchQuota = now })
	w.cfg.EdgeOne.Timeout = patience
	var once sync.Once
	read := make(chan struct{}) // closed once the quota was read first: before, a call may have as many as the API takes
	f := w.front(func(rw http.ResponseWriter, c *seen) (answered bool) {
		if c.Action == describeQuota {
			once.Do(func() {
				answered = true
				c.alter(t, rw, func(response map[string]any) {
					for _, row := range response["PurgeQuota"].([]any) {
						row.(map[string]any)["Batch"] = then
					}
				})
				close(read)
			})
		}
		if c.Action == createPurge {
			await(t, read)
		}
		return answered
	})
	w.provision()
	w.request(purge.Bulk, purge.Request{ID: "first", Targets: []string{url(targets)}})
	w.start()
	w.completed(1)
	// A request takes its places at once: however slow the machine, a call can have all of its targets.
	for half := range 2 {
		r := purge.Request{ID: fmt.Sprintf("half%d", half)}
		for i := range then {
			r.Targets = append(r.Targets, url(half*then+i))
		}
		w.request(purge.Bulk, r)
	}
	w.completed(3)
	most := 0
	for _, c := range f.all(createPurge, nil) {
		most = max(most, len(c.Targets))
	}
	if most <= now || most > then {
		t.Errorf("the largest call had %d targets, want up to the %d of the quota that was read first", most, then)
	}
	if n := len(f.all(describeQuota, nil)); n < 2 {
		t.Errorf("the quota was read %d times, want again after the refusal", n)
	}
	if n := len(f.all(createPurge, func(c *seen) bool { return len(c.Targets) > now })); n > 2*(1+2+4) {
		t.Errorf("%d calls were too large, want at most those of two batches that were under way, and of their halves", n)
	}
	if s := w.api.Stats(); s.Targets != targets+1 || s.DistinctTargets != targets+1 {
		t.Errorf("%d targets submitted, %d distinct, want %d once each", s.Targets, s.DistinctTargets, targets+1)
	}
}

// A body never exceeds what the API takes. Where the API takes less than it says, the batch is halved
// until its parts fit; a target that does not fit alone fails alone.
func TestFailure_BodyTooLarge(t *testing.T) {
	t.Parallel()
	const targets, most = 1600, 10 << 20
	long := strings.Repeat("x", 7900) // 12 MiB in all
	for name, tooLarge := range map[string]func(http.ResponseWriter){
		"status": func(rw http.ResponseWriter) { http.Error(rw, "too large", http.StatusRequestEntityTooLarge) },
		"code":   func(rw http.ResponseWriter) { refuse(rw, "RequestSizeLimitExceeded") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *emulator.Config) { c.BatchQuota = 0 })
			w.cfg.EdgeOne.Timeout = patience
			f := w.front(func(rw http.ResponseWriter, c *seen) bool {
				small := c.Type == apiTypes[purge.Prefix]
				if c.Action != createPurge || !small || len(c.Body) < 8<<10 && !c.has("https://www.example.com/never/") {
					return false
				}
				tooLarge(rw)
				return true
			})
			w.provision()
			many := purge.Request{ID: "never", Zone: "zone-a", Type: purge.Prefix, Targets: []string{"https://www.example.com/never/"}}
			w.request(purge.Bulk, many)
			for i := range 16 {
				r := purge.Request{ID: fmt.Sprintf("url%d", i), Zone: "zone-a"}
				p := purge.Request{ID: fmt.Sprintf("prefix%d", i), Zone: "zone-a", Type: purge.Prefix}
				for j := range targets / 16 {
					r.Targets = append(r.Targets, fmt.Sprintf("https://www.example.com/%d/%d/%s", i, j, long))
					p.Targets = append(p.Targets, fmt.Sprintf("https://www.example.com/%d/%d/", i, j))
				}
				w.request(purge.Bulk, r)
				w.request(purge.Bulk, p)
			}
			w.start()
			events := w.await(33)
			code := map[string]string{"status": purge.CodeTooLarge, "code": "RequestSizeLimitExceeded"}[name]
			if o := events["never"]; o.Status != purge.Failed || len(o.Failures) != 1 || o.Failures[0].Code != code {
				t.Errorf("never: %s with %+v, want failed as %s", o.Status, o.Failures, code)
			}
			delete(events, "never")
			for id, o := range events {
				if o.Status != purge.Completed {
					t.Errorf("%s: %s with %+v (%v), want completed", id, o.Status, o.Targets, o.Reason)
				}
			}
			for _, c := range f.all(createPurge, nil) {
				if len(c.Body) > most {
					t.Errorf("a body had %d bytes, want at most %d", len(c.Body), most)
				}
			}
			if s := w.api.Stats(); s.Targets != 2*targets {
				t.Errorf("%d targets submitted, want %d: none twice", s.Targets, 2*targets)
			}
		})
	}
}

// The plan of a zone does not have a type. The first refusal is remembered: later requests end with its
// code and cost no call; other types, and the type in other zones, are not affected.
func TestFailure_PackNotAllow(t *testing.T) {
	t.Parallel()
	const code, refused = "LimitExceeded.PackNotAllow", 10
	w := newWorld(t, func(c *emulator.Config) { c.Zones = twoZones })
	lacking := func(c *seen) bool {
		return c.Action == createPurge && c.Type == apiTypes[purge.Tag] && c.Zone == "zone-a"
	}
	f := w.front(func(rw http.ResponseWriter, c *seen) bool {
		if lacking(c) {
			refuse(rw, code)
		}
		return lacking(c)
	})
	w.provision()
	w.start()
	tags := func(id, zone string) purge.Request {
		return purge.Request{ID: id, Zone: zone, Type: purge.Tag, Targets: []string{"tag-" + id, "all"}}
	}
	for i := range refused {
		w.request(purge.Bulk, tags(fmt.Sprintf("r%d", i), "zone-a"))
		w.until("its end", func() bool { return w.count("PURGE_EVENTS") > i })
	}
	if n := len(f.all(createPurge, lacking)); n != 1 {
		t.Errorf("%d calls, want one: the refusal counts for an hour", n)
	}
	w.request(purge.Bulk, tags("elsewhere", "zone-b"))
	w.request(purge.Bulk, purge.Request{ID: "otherwise", Zone: "zone-a", Targets: []string{url(1)}})
	for id, o := range w.await(refused + 2) {
		if id == "elsewhere" || id == "otherwise" {
			if o.Status != purge.Completed {
				t.Errorf("%s: %s (%v), want completed", id, o.Status, o.Reason)
			}
			continue
		}
		if o.Status != purge.Failed || o.Targets.Failed != 2 || o.Reason == nil || o.Reason.Code != code {
			t.Errorf("%s: %s with %+v (%v), want failed with %s", id, o.Status, o.Targets, o.Reason, code)
		}
	}
	if n := w.count("PURGE_DEAD"); n != 0 {
		t.Errorf("%d dead letters, want none: EdgeOne refused them", n)
	}
}
