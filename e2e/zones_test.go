package e2e_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/e2e/kit"
	"github.com/edgepurge/edgepurge/internal/app"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// refusals are what the API may say to the calls of one zone, again and again.
var refusals = map[string]func(http.ResponseWriter){
	"gray":       coded("InvalidParameter.ZoneIsGrayPublishing"),
	"internal":   coded("InternalError.ProxyServer"),
	"throttled":  coded("LimitExceeded.RateLimitExceeded"),
	"permission": coded("UnauthorizedOperation.CamUnauthorized"),
	"day":        coded("LimitExceeded.DailyQuota"),
	"config":     coded("InvalidParameter.ZoneNotFound"),
	"unknown":    coded("SomethingNew.NobodyKnows"),
	"5xx":        func(rw http.ResponseWriter) { http.Error(rw, "<html>bad gateway</html>", http.StatusBadGateway) },
	"reset":      kit.Reset,
}

func coded(code string) func(http.ResponseWriter) {
	return func(rw http.ResponseWriter) { refuse(rw, code) }
}

// endsBy says by which refusals a request ends: they are no matter of time.
func endsBy(refusal string) bool { return refusal == "config" || refusal == "unknown" }

// refusedZone has the API refuse the calls of zone-a while the flag is set.
func (w *world) refusedZone(refusal func(http.ResponseWriter)) (refuses *atomic.Bool, f *front) {
	refuses = new(atomic.Bool)
	refuses.Store(true)
	f = w.front(func(rw http.ResponseWriter, c *seen) bool {
		hit := c.Action == createPurge && c.Zone == "zone-a" && refuses.Load()
		if hit {
			refusal(rw)
		}
		return hit
	})
	return refuses, f
}

// waiting are requests of the zone that is refused; where they span, each has a target of the other zone too.
func waiting(n int, spans bool) []purge.Request {
	all := make([]purge.Request, n)
	for i := range all {
		all[i] = purge.Request{ID: fmt.Sprintf("waits%d", i), Targets: []string{url(i)}}
		if spans {
			all[i].Targets = append(all[i].Targets, other(i))
		}
	}
	return all
}

// What waits for a zone that refuses its calls, in whatever words, holds no other zone, though it came first and is more
// than the window holds; once the zone takes calls again, each request has its one end (I1, I7).
func TestFailure_ZoneRefusesForNow(t *testing.T) {
	t.Parallel()
	for i, name := range slices.Sorted(maps.Keys(refusals)) {
		refusal := refusals[name]
		for j, lane := range []purge.Lane{purge.Interactive, purge.Bulk} {
			for k, spans := range []bool{false, true} {
				if !thorough && (i+2*j+k)%4 > 0 || !turn(i, 2) { // one of each refusal, or of every other
					continue
				}
				t.Run(fmt.Sprintf("%s, %s, spans %t", name, lane, spans), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t, func(c *emulator.Config) { c.Zones, c.BatchQuota = twoZones, 50 })
					w.cfg.Worker.Window, w.cfg.Worker.InteractiveWindow = 200, 200
					w.cfg.Limits.CreatePerSecond = 50
					refuses, f := w.refusedZone(refusal)
					w.provision()
					const n = 600
					w.requests(lane, waiting(n, spans))
					w.request(lane, purge.Request{ID: "healthy", Targets: []string{other(n)}})
					w.start()
					w.until("the event of the healthy zone's request", func() bool { return w.isCompleted("healthy") })
					if !endsBy(name) && w.count("PURGE_EVENTS") > 1 {
						t.Errorf("%d events, want that of the healthy zone's request alone", w.count("PURGE_EVENTS"))
					}
					refuses.Store(false)
					for id, o := range w.await(n + 1) {
						if o.Status != purge.Completed && !endsBy(name) {
							t.Errorf("%s: %s (%v), want completed", id, o.Status, o.Failures)
						}
					}
					w.until("nothing to be left", func() bool { return w.count("PURGE_PARKED")+w.count("PURGE_REQUESTS")+w.count("PURGE_JOBS") == 0 })
					if calls := f.all(createPurge, ofZone("zone-b")); spans && sentTwice(calls) > 0 {
						t.Errorf("%d targets of the other zone were sent twice", sentTwice(calls))
					}
				})
			}
		}
	}
}

// isCompleted tells whether a request has the event that it is completed.
func (w *world) isCompleted(id string) bool {
	w.t.Helper()
	s, err := w.js.Stream(w.t.Context(), "PURGE_EVENTS")
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = s.GetLastMsgForSubject(w.t.Context(), purge.Subjects{Prefix: "purge"}.Event("test", purge.Completed, id))
	return err == nil
}

func sentTwice(calls []*seen) (n int) {
	sent := make(map[string]bool)
	for _, c := range calls {
		for _, target := range c.Targets {
			if sent[target] {
				n++
			}
			sent[target] = true
		}
	}
	return n
}

// The same with windows as they are by default.
func TestFailure_ZoneRefusesByDefault(t *testing.T) {
	t.Parallel()
	for lane, n := range map[purge.Lane]int{purge.Interactive: 12_000, purge.Bulk: 52_000} {
		for _, spans := range []bool{false, true} {
			if !thorough && (lane == purge.Bulk || spans) {
				continue
			}
			t.Run(fmt.Sprintf("%s, spans %t", lane, spans), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, func(c *emulator.Config) { c.Zones = twoZones })
				w.cfg.Limits.CreatePerSecond = 20
				_, f := w.refusedZone(refusals["gray"])
				w.provision()
				w.requests(lane, waiting(n, spans))
				w.start()
				w.until("the zone to be refused", func() bool { return len(f.all(createPurge, ofZone("zone-a"))) > 2 })
				w.request(lane, purge.Request{ID: "healthy", Targets: []string{other(n)}})
				w.until("the event of the healthy zone's request", func() bool { return w.isCompleted("healthy") })
				if calls := len(f.all(createPurge, ofZone("zone-a"))); calls > 150 {
					t.Errorf("the zone was called %d times", calls)
				}
			})
		}
	}
}

// A queue that can't be opened stops neither its lane nor a drain, and says what is wrong; what waits for it is not lost.
func TestFailure_QueueCanNotBeOpened(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"consumers", "right"} {
		for _, lane := range []purge.Lane{purge.Interactive, purge.Bulk} {
			if !thorough && (name == "right") != (lane == purge.Bulk) {
				continue
			}
			t.Run(name+", "+string(lane), func(t *testing.T) {
				t.Parallel()
				var opts func(*server.Options)
				if name == "right" {
					opts = withoutQueues
				}
				w := newWorldOf(t, opts, func(c *emulator.Config) { c.Zones = twoZones })
				w.cfg.Worker.Window, w.cfg.Worker.InteractiveWindow = 200, 200
				w.cfg.HTTP.Listen = "127.0.0.1:0"
				refuses, _ := w.refusedZone(refusals["gray"])
				w.provision()
				if name == "consumers" {
					w.fillQueues()
				}
				const n = 1000
				w.requests(lane, waiting(n, false))
				for i := range 20 {
					w.request(lane, purge.Request{ID: "healthy" + strconv.Itoa(i), Targets: []string{other(i)}})
				}
				a, err := app.New(w.cfg, common.NewCredential(emulator.DefaultSecretID, emulator.DefaultSecretKey), zap.NewNop())
				if err != nil {
					t.Fatal(err)
				}
				stop := w.run(a)
				w.until("the events of the healthy zone's requests", func() bool { return w.count("PURGE_EVENTS") == 20 })
				w.until("the reason at /readyz", func() bool { return strings.Contains(strings.Join(a.Ready(), "\n"), "can not be parked") })
				stop()
				refuses.Store(false)
				w.start()
				for id, o := range w.await(n + 20) {
					if o.Status != purge.Completed {
						t.Errorf("%s: %s (%v), want completed", id, o.Status, o.Failures)
					}
				}
			})
		}
	}
}

// withoutQueues lets everybody in, and nobody make a consumer of parked requests.
func withoutQueues(o *server.Options) {
	o.Users = []*server.User{{Username: "worker", Password: "secret", Permissions: &server.Permissions{
		Publish: &server.SubjectPermission{Deny: []string{
			"$JS.API.CONSUMER.CREATE.PURGE_PARKED.>", "$JS.API.CONSUMER.DURABLE.CREATE.PURGE_PARKED.>",
		}},
	}}}
	o.NoAuthUser = "worker"
}

// fillQueues leaves no room for a further consumer of parked requests.
func (w *world) fillQueues() {
	w.t.Helper()
	cfg := jetstream.ConsumerConfig{Durable: "other", FilterSubject: "purge.parked.x.x.x.x.x.x.x", AckPolicy: jetstream.AckExplicitPolicy}
	if _, err := w.js.CreateConsumer(w.t.Context(), "PURGE_PARKED", cfg); err != nil {
		w.t.Fatal(err)
	}
	limits := server.JetStreamAccountLimits{
		MaxMemory: -1, MaxStore: -1, MaxStreams: -1, MaxConsumers: 1, MaxAckPending: -1, MemoryMaxStreamBytes: -1, StoreMaxStreamBytes: -1,
	}
	if err := w.nats.GlobalAccount().UpdateJetStreamLimits(map[string]server.JetStreamAccountLimits{"": limits}); err != nil {
		w.t.Fatal(err)
	}
}
