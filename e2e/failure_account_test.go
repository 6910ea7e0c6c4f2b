package e2e_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// probed is how much later than a refusal of the credentials the next call may come: 10 s, less what the
// clocks of sender and receiver see otherwise.
const probed = 9500 * time.Millisecond

// The credentials are refused, whatever is called. The account is paused, and tried again now and then;
// readiness and metrics say so. Its requests are kept, and those of another account go on.
func TestFailure_CredentialsRefused(t *testing.T) {
	t.Parallel()
	const requests, zones, code = 200, 5, "AuthFailure.SecretIdNotFound"
	w := newWorld(t, func(c *emulator.Config) { c.BatchQuota = 20 })
	w.cfg.HTTP.Listen = freeAddress(t)
	w.cfg.Limits.CreatePerSecond = 20
	f := w.front(func(rw http.ResponseWriter, _ *seen) bool { refuse(rw, code); return true })
	w.provision()
	begin := time.Now()
	for i := range requests {
		w.request(purge.Bulk, purge.Request{ID: fmt.Sprintf("r%d", i), Zone: "zone-a", Targets: []string{url(i)}})
	}
	w.start()
	ready := "http://" + w.cfg.HTTP.Listen + "/readyz"
	w.until("readiness to tell the refusal", func() bool {
		status, body, err := fetch(t, ready)
		return err == nil && status == http.StatusServiceUnavailable && strings.Contains(body, "account main: ") && strings.Contains(body, code)
	})
	counted := regexp.MustCompile(`edgepurge_api_requests_total\{action="CreatePurgeTask",class="permission"\} [1-9]`)
	w.until("a metric to tell the refusal", func() bool {
		_, body, err := fetch(t, "http://"+w.cfg.HTTP.Listen+"/metrics")
		return err == nil && counted.MatchString(body)
	})

	for i := range zones { // the account waits as a whole
		w.request(purge.Interactive, purge.Request{ID: fmt.Sprintf("z%d", i), Zone: fmt.Sprintf("zone-z%d", i), Targets: []string{url(i)}})
	}
	w.beside(t)
	if kept, events := w.count("PURGE_REQUESTS"), w.count("PURGE_EVENTS"); kept != requests+zones || events != 0 {
		t.Errorf("%d requests are kept, %d have an end; want %d and none", kept, events, requests+zones)
	}
	refused := f.all(createPurge, nil)
	if n, probes := len(refused), int(time.Since(begin)/probed); n > 3+probes {
		t.Errorf("%d calls were made in the face of a refusal, want one, those that were under way, and %d that try again", n, probes)
	}
	f.set(nil)
	w.completed(requests + zones)
	calls := f.all(createPurge, nil)
	last := calls[len(refused)-1]
	if wait := calls[len(refused)].At.Sub(last.At); wait < probed {
		t.Errorf("the next call came %v after a refusal, want 10s", wait)
	}
	w.until("readiness", func() bool { status, err := get(t, ready); return err == nil && status == http.StatusOK })
}

// Nothing is asked for yet, or a request that names no zone waits for the look-up that is refused: readiness says so too.
func TestFailure_CredentialsRefusedForLookUps(t *testing.T) {
	t.Parallel()
	const code = "AuthFailure.SignatureFailure"
	w := newWorld(t, nil)
	w.cfg.HTTP.Listen = freeAddress(t)
	f := w.front(func(rw http.ResponseWriter, _ *seen) bool { refuse(rw, code); return true })
	w.provision()
	w.start()
	ready := "http://" + w.cfg.HTTP.Listen + "/readyz"
	w.until("readiness to tell the refusal", func() bool {
		status, body, err := fetch(t, ready)
		return err == nil && status == http.StatusServiceUnavailable && strings.Contains(body, "account main: ") && strings.Contains(body, code)
	})
	w.request(purge.Interactive, purge.Request{ID: "r", Targets: []string{url(1)}})
	if n := len(f.all(createPurge, nil)); n != 0 {
		t.Errorf("%d calls purge something, want none", n)
	}
	f.set(nil)
	w.completed(1)
	w.until("readiness", func() bool { status, err := get(t, ready); return err == nil && status == http.StatusOK })
}

// beside runs a worker of another account, an installation of its own on the same servers, and has it
// purge something.
func (w *world) beside(t *testing.T) {
	t.Helper()
	own := *w
	own.cfg.NATS.Prefix, own.cfg.Instance, own.cfg.EdgeOne.Account = "second", "second", "second"
	own.cfg.HTTP.Listen, own.cfg.EdgeOne.Endpoint = "", w.url
	own.provision()
	stop := own.start()
	defer stop()
	r := purge.Request{ID: "beside", Zone: "zone-b", Targets: []string{url(1)}}
	data, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.js.Publish(t.Context(), purge.Subjects{Prefix: "second"}.Request(purge.Bulk, "test"), data); err != nil {
		t.Fatal(err)
	}
	w.until("the other account's event", func() bool { return w.count("SECOND_EVENTS") == 1 })
	w.each("SECOND_EVENTS", checkCompleted(t))
}

// A permission is lacking for one zone alone. Its requests are kept, and beyond a part of the window
// parked; those of another zone get their turn though the account is paused with each refusal.
func TestFailure_PermissionRefused(t *testing.T) {
	t.Parallel()
	const refused, others, code = 700, 20, "UnauthorizedOperation.CamUnauthorized"
	w := newWorld(t, func(c *emulator.Config) { c.Zones, c.BatchQuota = twoZones, 100 })
	w.cfg.EdgeOne.Timeout, w.cfg.Limits.CreatePerSecond = patience, 20
	w.cfg.Worker.Window = 500
	f := w.front(func(rw http.ResponseWriter, c *seen) bool {
		if c.Zone != "zone-a" || c.Action != createPurge {
			return false
		}
		refuse(rw, code)
		return true
	})
	w.provision()
	var all []purge.Request
	for i := range refused {
		all = append(all, purge.Request{ID: fmt.Sprintf("a%d", i), Zone: "zone-a", Targets: []string{url(i)}})
	}
	for i := range others {
		all = append(all, purge.Request{ID: fmt.Sprintf("b%d", i), Zone: "zone-b", Targets: []string{other(i)}})
	}
	w.requests(purge.Bulk, all)
	w.start()
	w.until("the other zone's ends", func() bool { return w.count("PURGE_EVENTS") >= others })
	if kept := w.count("PURGE_REQUESTS") + w.count("PURGE_PARKED"); kept < refused {
		t.Errorf("%d requests are kept, want %d", kept, refused)
	}
	if n := len(f.all(createPurge, ofZone("zone-a"))); n > 3 {
		t.Errorf("%d calls were made in the face of a refusal, want one, and those that were under way", n)
	}
	f.set(nil)
	w.completed(refused + others)
	if s := w.api.Stats(); s.Targets != refused+others {
		t.Errorf("%d targets submitted, want %d: none twice", s.Targets, refused+others)
	}
}
