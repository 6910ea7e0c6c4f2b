package e2e_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/e2e/kit"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// faultyAnswers are what a call may meet instead of its answer.
var faultyAnswers = map[string]func(http.ResponseWriter, *seen){
	"zone-internal": func(rw http.ResponseWriter, _ *seen) {
		rw.WriteHeader(http.StatusInternalServerError)
		refuse(rw, "InternalError.BackendError")
	},
	"zone-502":   func(rw http.ResponseWriter, _ *seen) { http.Error(rw, "bad gateway", http.StatusBadGateway) },
	"zone-late":  func(_ http.ResponseWriter, c *seen) { <-c.in.Context().Done() },
	"zone-reset": func(rw http.ResponseWriter, _ *seen) { kit.Reset(rw) },
	"zone-html": func(rw http.ResponseWriter, _ *seen) {
		_, _ = rw.Write([]byte("<html><body>Sorry</body></html>"))
	},
	"zone-braces": func(rw http.ResponseWriter, _ *seen) { _, _ = rw.Write([]byte("{}")) },
	"zone-empty":  func(http.ResponseWriter, *seen) {},
	// Carried out, and answered when nobody waits any more.
	"zone-slow": func(_ http.ResponseWriter, c *seen) {
		c.execute(discard{})
		<-c.in.Context().Done()
	},
}

// discard takes an answer that is lost.
type discard struct{}

func (discard) Header() http.Header         { return make(http.Header) }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

// Each zone meets a fault of its own, twice. Its batch is sent again, later each time, whole and joined
// by nobody (I4); what was carried out without an answer is found, and not sent again.
func TestFailure_APIFaults(t *testing.T) {
	t.Parallel()
	const times = 2
	zones := make(map[string][]string)
	for zone := range faultyAnswers {
		zones[zone] = []string{zone + ".example"}
	}
	w := newWorld(t, func(c *emulator.Config) { c.Zones = zones })
	w.cfg.EdgeOne.Timeout = 3 * time.Second
	var mu sync.Mutex
	met := make(map[string]int)
	f := w.front(func(rw http.ResponseWriter, c *seen) bool {
		fault := faultyAnswers[c.Zone]
		if c.Action != createPurge || fault == nil || !c.has(on(c.Zone, "first")) {
			return false
		}
		mu.Lock()
		met[c.Zone]++
		n := met[c.Zone]
		mu.Unlock()
		if n <= times {
			fault(rw, c)
		}
		return n <= times
	})
	w.provision()
	for zone := range zones {
		w.request(purge.Interactive, purge.Request{ID: zone, Zone: zone, Targets: []string{on(zone, "shared"), on(zone, "first"), on(zone, "more")}})
	}
	w.start()
	for zone := range zones {
		w.until("the first call of "+zone, func() bool { return len(f.all(createPurge, ofZone(zone))) > 0 })
		w.request(purge.Interactive, purge.Request{ID: "late-" + zone, Zone: zone, Targets: []string{on(zone, "shared"), on(zone, "new")}})
	}
	for id, o := range w.await(2 * len(zones)) {
		if o.Status != purge.Completed || o.Attempts != 1 {
			t.Errorf("%s: %s after %d attempts (%v), want completed after one: no call was refused", id, o.Status, o.Attempts, o.Reason)
		}
	}
	for zone := range zones {
		calls := f.all(createPurge, func(c *seen) bool { return c.Zone == zone && c.has(on(zone, "first")) })
		want := times + 1
		if zone == "zone-slow" {
			want = 1 // its job is found
		}
		if len(calls) != want {
			t.Errorf("%s: the batch was sent %d times, want %d", zone, len(calls), want)
		}
		for i, c := range calls {
			if len(c.Targets) != 3 || !sameTargets(c, calls[0]) {
				t.Errorf("%s: try %d had %v, want the three of the first try", zone, i+1, c.Targets)
			}
			// 200 ms at first, twice as long each time, half as much more or less.
			if least := 100 * time.Millisecond << max(0, i-1); i > 0 && c.At.Sub(calls[i-1].At) < least {
				t.Errorf("%s: try %d came %v after the last, want %v at least", zone, i+1, c.At.Sub(calls[i-1].At), least)
			}
		}
		if n := len(f.all(createPurge, func(c *seen) bool { return c.has(on(zone, "new")) && len(c.Targets) == 2 })); n != 1 {
			t.Errorf("%s: what came after the first try went out in %d calls of its own, want 1", zone, n)
		}
	}
}

// Calls that are refused as too fast, in whatever words, are no attempts: they are made again, and all
// calls slow down.
func TestFailure_RequestLimitExceeded(t *testing.T) {
	t.Parallel()
	codes := []string{
		"RequestLimitExceeded", "RequestLimitExceeded.UinLimitExceeded", "RequestLimitExceeded.IPLimitExceeded",
		"RequestLimitExceeded.GlobalRegionUinLimitExceeded", "RequestLimitExceeded.SomethingNew", "LimitExceeded.RateLimitExceeded",
	}
	w := newWorld(t, func(c *emulator.Config) { c.BatchQuota = 10 })
	w.cfg.EdgeOne.Timeout, w.cfg.Limits.CreatePerSecond = patience, 20
	var mu sync.Mutex
	left := slices.Clone(codes)
	f := w.front(func(rw http.ResponseWriter, c *seen) bool {
		mu.Lock()
		defer mu.Unlock()
		if c.Action != createPurge || len(left) == 0 {
			return false
		}
		refuse(rw, left[0])
		left = left[1:]
		return true
	})
	w.provision()
	const requests = 250
	for i := range 10 {
		w.request(purge.Bulk, purge.Request{ID: fmt.Sprintf("r%d", i), Zone: "zone-a", Targets: []string{url(i)}})
	}
	w.start()
	w.until("the refusals", func() bool { return len(f.all(createPurge, nil)) > len(codes) })
	for i := 10; i < requests; i++ {
		w.request(purge.Bulk, purge.Request{ID: fmt.Sprintf("r%d", i), Zone: "zone-a", Targets: []string{url(i)}})
	}
	for id, o := range w.await(requests) {
		if o.Status != purge.Completed || o.Attempts != 1 {
			t.Errorf("%s: %s after %d attempts (%v), want completed after one", id, o.Status, o.Attempts, o.Reason)
		}
	}
	calls := f.all(createPurge, nil)
	// A lone refusal stops nothing, those in a row hold longer each time. A tenth is for what is late at the proxy.
	const window = 900 * time.Millisecond
	holds := []time.Duration{0, 90 * time.Millisecond, 270 * time.Millisecond, window, window, window}
	var gaps []time.Duration
	for i, c := range calls[1:] {
		gap := c.At.Sub(calls[i].At)
		if i >= len(codes) {
			gaps = append(gaps, gap)
			continue
		}
		if !sameTargets(c, calls[0]) {
			t.Errorf("after refusal %d: another batch went out", i+1)
		}
		if gap < holds[i] {
			t.Errorf("after refusal %d: the next call came after %v, want at least %v", i+1, gap, holds[i])
		}
	}
	// The first ones spread over many calls, so that one that is held up on its way does not count.
	slices.Sort(gaps)
	if len(gaps) < 10 || gaps[len(gaps)/2] < 60*time.Millisecond {
		t.Errorf("%d calls after the refusals, mostly %v apart; want about 74ms: the margin is 48 times as wide", len(gaps), gaps[len(gaps)/2])
	}
	if s := w.api.Stats(); s.Targets != requests {
		t.Errorf("%d targets submitted, want %d: none twice", s.Targets, requests)
	}
}

// jobless answers without a job: with an error that says so, or with an empty name.
var jobless = map[string]func(http.ResponseWriter){
	"zone-code": func(rw http.ResponseWriter) { refuse(rw, "InvalidParameter.TaskNotGenerated") },
	"zone-empty": func(rw http.ResponseWriter) {
		_, _ = rw.Write([]byte(`{"Response":{"JobId":"","FailedList":null,"RequestId":"front"}}`))
	},
	"zone-null": func(rw http.ResponseWriter) { _, _ = rw.Write([]byte(`{"Response":{"RequestId":"front"}}`)) },
}

// An answer without a job is no success. The batch is sent again as it is, once; then it is halved until
// the target is alone of which no job comes.
func TestFailure_NoJob(t *testing.T) {
	t.Parallel()
	const targets = 32
	zones := make(map[string][]string)
	for zone := range jobless {
		zones[zone] = []string{zone + ".example"}
	}
	w := newWorld(t, func(c *emulator.Config) { c.Zones = zones })
	w.cfg.EdgeOne.Timeout = patience
	var mu sync.Mutex
	passed := make(map[string]bool)
	f := w.front(func(rw http.ResponseWriter, c *seen) bool {
		if c.Action != createPurge {
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		once := !passed[c.Zone] && c.has(on(c.Zone, "passing"))
		passed[c.Zone] = passed[c.Zone] || once
		if !once && !c.has(on(c.Zone, "never")) {
			return false
		}
		jobless[c.Zone](rw)
		return true
	})
	w.provision()
	for zone := range zones {
		for i := range targets - 1 {
			w.request(purge.Bulk, purge.Request{ID: fmt.Sprintf("%s-%d", zone, i), Zone: zone, Targets: []string{on(zone, strconv.Itoa(i))}})
		}
		// A request takes its places at once: however slow the machine, its targets are in one batch.
		never := purge.Request{ID: zone + "-never", Zone: zone, Targets: []string{on(zone, "never")}}
		for i := range targets - 1 {
			never.Targets = append(never.Targets, on(zone, fmt.Sprintf("beside-%d", i)))
		}
		w.request(purge.Bulk, never)
		w.request(purge.Interactive, purge.Request{ID: zone + "-passing", Zone: zone, Type: purge.Prefix, Targets: []string{on(zone, "passing")}})
	}
	w.start()
	events := w.await((targets + 1) * len(zones))
	for zone := range zones {
		o := events[zone+"-never"]
		if o.Status != purge.Partial || len(o.Failures) != 1 || o.Failures[0].Code != "InvalidParameter.TaskNotGenerated" {
			t.Errorf("%s-never: %s with %+v, want one target failed because no task was made", zone, o.Status, o.Failures)
		}
		delete(events, zone+"-never")
		calls := f.all(createPurge, func(c *seen) bool { return c.has(on(zone, "never")) })
		// A batch of 32 to 63 targets, halved until one is left; a half is sent once or twice.
		if n := len(calls); n < 2+5 || n > 2*7 {
			t.Fatalf("%s: %d calls with the target of which no job comes, want its batch twice, and five or six halves", zone, n)
		}
		if !sameTargets(calls[0], calls[1]) || len(calls[0].Targets) < targets {
			t.Errorf("%s: the first call of %d targets, want the same batch again first", zone, len(calls[0].Targets))
		}
		if n := len(calls[len(calls)-1].Targets); n != 1 {
			t.Errorf("%s: the target of which no job comes was sent with %d others at last, want it alone", zone, n-1)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(events)) {
		if o := events[id]; o.Status != purge.Completed || len(o.Jobs) != 1 {
			t.Errorf("%s: %s in jobs %v (%v), want completed in one", id, o.Status, o.Jobs, o.Reason)
		}
	}
}
