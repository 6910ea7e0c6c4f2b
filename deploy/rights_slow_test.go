//go:build slow

package deploy_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// The users of nats.conf do everything that edgepurge does; none of it is refused, and no right is there that is of no
// use.
func TestNATS_UsersHaveTheRightsThatTheyNeedAndNoOthers(t *testing.T) {
	w := newTown(t, func(c *emulator.Config) {
		c.Zones = map[string][]string{"zone-a": {"www.example.com"}, "zone-b": {"shop.example"}}
		c.BatchQuota, c.DailyQuota, c.Day = 100, 600, 7*time.Second
		c.Faults = map[string]float64{"task-failed": 0.03}
	})
	w.operate("setup", "--dry-run")
	w.operate("setup")
	if out := w.operate("setup"); out != "everything is as it should be\n" { // what is there is looked at, and updated
		t.Errorf("setup again: got %q", out)
	}
	w.litter()
	g := w.producer()
	g.publish(purge.Interactive, purge.Request{ID: "bad", Targets: []string{"ftp://www.example.com/"}}) // the first letter
	g.publish(purge.Bulk, purge.Request{ID: "span", Targets: pages(5000, 5350)})
	g.load(1500)
	// A producer may use the program too, with the inbox that all clients have.
	if out, code := w.try(w.env("ghost", w.ghost, "EDGEPURGE_NATS_INBOX="), "submit", "--source", "ghost", "https://shop.example/ghost"); code != 0 {
		t.Errorf("submit as ghost: exit code %d: %s", code, out)
	}
	g.requests++
	a := w.start()
	w.until("the first leader", func() bool { return w.leads(a) })
	b := w.start()
	// The leader removes such answers within seconds: some have to be there when requests are parked.
	answers, last := 1, time.Now()
	w.until("parked requests", func() bool {
		if time.Since(last) > time.Second {
			answers, last = answers+1, time.Now()
			w.litterParked(answers)
		}
		return w.count("PURGE_PARKED") >= 300 && w.count("PURGE_DEAD") >= 1
	})
	w.operateAll()
	g.requests++               // its letter was replayed
	w.stop(a, syscall.SIGTERM) // drains and hands over
	w.until("the next leader", func() bool { return w.leads(b) })
	w.purgeLease() // the leader lets go, and stores a new one
	w.until("the leader of a new lease", func() bool { return w.count("PURGE_CONTROL") >= 1 && w.leads(b) })
	c := w.start()
	g.load(300)
	release := w.hold()
	for i, lane := range []purge.Lane{purge.Interactive, purge.Bulk} {
		g.publish(lane, purge.Request{ID: "held-" + string(lane), Targets: []string{fmt.Sprintf("https://shop.example/held-%d", i)}})
	}
	w.until("messages that the leader holds, and tells of", func() bool {
		_, text := w.get(b.url + "/metrics")
		return !strings.Contains(text, "\nedgepurge_oldest_pending_seconds{lane=\"bulk\"} 0\n") && w.held(purge.Interactive) && w.held(purge.Bulk)
	})
	w.stop(b, syscall.SIGKILL)
	release()
	w.until("a third leader", func() bool { return w.leads(c) })
	g.load(50)
	w.until("the events", func() bool { return g.ended() == g.requests })
	if g.progress.Load() < int64(g.requests)/2 {
		t.Errorf("%d messages of progress of %d requests", g.progress.Load(), g.requests)
	}
	w.until("empty streams", func() bool {
		s, err := w.admin.Stream(t.Context(), "PURGE_PARKED")
		return err == nil && s.CachedInfo().State.Consumers == 0 && w.count("PURGE_REQUESTS") == 0 && w.count("PURGE_JOBS") == 0
	})
	if out := w.operate("events", "--source", "ghost", "-o", "json"); strings.Count(out, "\n") != g.requests {
		t.Errorf("I1: got %d events, want one for each of %d requests", strings.Count(out, "\n"), g.requests)
	}
	w.operate("status", "ghost/span")
	w.produce()
	w.stop(c, syscall.SIGTERM)
	for user, p := range map[string]*tap{"worker": w.worker, "operator": w.operator, "ghost": w.ghost} {
		t.Run(user, func(t *testing.T) { p.check(t, w.rights(user)) })
	}
}

// produce runs a producer's commands on an installation at work, with the inbox that all clients have. submit --wait looks
// first whether it may read events, which this producer may not, so that its connection is not watched.
func (w *town) produce() {
	w.t.Helper()
	watched := w.env("ghost", w.ghost, "EDGEPURGE_NATS_INBOX=")
	direct := w.env("ghost", w.ghost, "EDGEPURGE_NATS_INBOX=", "NATS_URL=nats://"+w.address)
	for _, c := range []struct {
		env        []string
		args, want string
	}{
		{direct, "submit --source ghost --id mine --wait https://shop.example/mine", "1 request: 1 completed, 0 failed"},
		{direct, "submit --source ghost --id mine --wait https://shop.example/mine", "; 1 had ended before"},
		{watched, "status ghost/span", "ghost/span"},
	} {
		out, code := w.try(c.env, strings.Fields(c.args)...)
		if code != 0 || !strings.Contains(out, c.want) {
			w.t.Errorf("%s as ghost: exit code %d, %.2000s; want %q", c.args, code, out, c.want)
		}
	}
}

// pages are URLs of the first zone.
func pages(from, to int) []string {
	var all []string
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprintf("https://www.example.com/%d", i))
	}
	return all
}

// litter puts where records of the worker belong what the server's answer to a publish of somebody in the same account
// looks like: the worker removes it.
func (w *town) litter() {
	w.t.Helper()
	for _, subject := range []string{
		"purge.jobs.main.zone-a.job.x.0", "purge.marks.ghost.span.x", "purge.events.ghost.completed.r1",
		"purge.control.pause.interactive",
	} {
		w.put(subject)
	}
	w.litterParked(1)
}

func (w *town) litterParked(salt int) {
	w.t.Helper()
	for i := 0; i < 1500; i += 50 { // at least one of these will be parked
		w.put(fmt.Sprintf("purge.parked.x.x.x.x.ghost.r%d.%d", i, salt))
	}
}

// purgeLease empties the stream of the lease, as an operator may by mistake.
func (w *town) purgeLease() {
	w.t.Helper()
	s, err := w.admin.Stream(w.t.Context(), "PURGE_CONTROL")
	if err == nil {
		err = s.Purge(w.t.Context())
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// held tells whether somebody has taken messages of a lane and not acked them.
func (w *town) held(lane purge.Lane) bool {
	c, err := w.admin.Consumer(w.t.Context(), "PURGE_REQUESTS", string(lane))
	return err == nil && c.CachedInfo().NumAckPending > 0
}

// operateAll runs the operator's commands on an installation at work.
func (w *town) operateAll() {
	w.t.Helper()
	w.operate("pause", "bulk")
	w.operate("resume")
	w.operate("status", "ghost/r1499")
	if out, code := w.try(w.env("operator", w.operator), "status", "ghost/nothing-like-it"); code != 1 || !strings.HasPrefix(out, "unknown\n") {
		w.t.Errorf("status of nothing: got %q, exit code %d", out, code)
	}
	w.operate("events", "--source", "ghost")
	w.operate("dead", "ls")
	w.operate("dead", "show", "1")
	w.operate("dead", "replay", "1")
	w.operate("dead", "drop", "1")
	w.operate("submit", "--wait", "https://shop.example/1")
	w.operate("submit", "--lane", "bulk", "https://shop.example/2")
	w.operate("config", "check", "--online")
	w.operate("events")
}

// producer is ghost, with what it has asked for and heard.
type producer struct {
	w        *town
	js       jetstream.JetStream
	events   *nats.Subscription
	requests int
	heard    map[string]bool
	progress atomic.Int64 // messages of it
}

func (w *town) producer() *producer {
	w.t.Helper()
	nc := w.dial(w.ghost.url, "ghost", "password-of-ghost")
	g := &producer{w: w, heard: make(map[string]bool)}
	var err error
	if g.js, err = jetstream.New(nc); err != nil {
		w.t.Fatal(err)
	}
	if g.events, err = nc.SubscribeSync("purge.events.ghost.>"); err != nil {
		w.t.Fatal(err)
	}
	if _, err := nc.Subscribe("purge.progress.ghost.>", func(*nats.Msg) { g.progress.Add(1) }); err != nil {
		w.t.Fatal(err)
	}
	return g
}

func (g *producer) publish(lane purge.Lane, r purge.Request) {
	g.w.t.Helper()
	data, err := r.Encode()
	if err != nil {
		g.w.t.Fatal(err)
	}
	if _, err := g.js.Publish(g.w.t.Context(), "purge.requests."+string(lane)+".ghost", data); err != nil {
		g.w.t.Fatalf("publish: %v", err)
	}
	g.requests++
}

// load publishes n requests of a page each, most of them in bulk.
func (g *producer) load(n int) {
	g.w.t.Helper()
	for range n {
		i := g.requests - 2
		lane := purge.Bulk
		if i%100 == 99 {
			lane = purge.Interactive
		}
		g.publish(lane, purge.Request{ID: fmt.Sprintf("r%d", i), Targets: pages(i, i+1)})
	}
}

// ended is how many requests have told their end so far. A subscription hears also what the stream refuses, such as an
// event that is told again after a crash: once is what is stored.
func (g *producer) ended() int {
	for {
		m, err := g.events.NextMsg(time.Millisecond)
		if err != nil {
			return len(g.heard)
		}
		if e, err := purge.DecodeEvent(m.Data); err == nil && m.Header.Get("Content-Type") == purge.EventContentType {
			g.heard[e.Data.Request] = true
		}
	}
}

// rights are what a user of nats.conf may publish and subscribe to.
func (w *town) rights(user string) *server.Permissions {
	w.t.Helper()
	for _, u := range natsOptions(w.t).Users {
		if u.Username == user && u.Permissions != nil && u.Permissions.Publish != nil && u.Permissions.Subscribe != nil {
			return u.Permissions
		}
	}
	w.t.Fatalf("%s has no permissions", user)
	return nil
}

// check wants nothing refused, and every right used.
func (p *tap) check(t *testing.T, rights *server.Permissions) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, line := range p.refused {
		t.Errorf("refused: %s", line)
	}
	compare(t, "publish", rights.Publish, p.published)
	compare(t, "subscribe", rights.Subscribe, p.subscribed)
}

func compare(t *testing.T, what string, rights *server.SubjectPermission, used map[string]bool) {
	t.Helper()
	subjects := slices.Sorted(maps.Keys(used))
	for _, pattern := range rights.Allow {
		if !slices.ContainsFunc(subjects, func(s string) bool { return matches(pattern, s) }) {
			t.Errorf("%s: %s is allowed, and of no use", what, pattern)
		}
	}
	for _, s := range subjects {
		if !slices.ContainsFunc(rights.Allow, func(pattern string) bool { return matches(pattern, s) }) {
			t.Errorf("%s: %s is used, and not allowed", what, s)
		}
	}
}
