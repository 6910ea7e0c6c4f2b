package e2e_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/edgepurge/edgepurge/e2e/kit"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// watch has do called for whatever is published under a subject, stored or not yet.
func (w *world) watch(subject string, do func(*nats.Msg)) {
	w.t.Helper()
	if _, err := w.nc.Subscribe(subject, do); err != nil {
		w.t.Fatal(err)
	}
	if err := w.nc.Flush(); err != nil {
		w.t.Fatal(err)
	}
}

// journal notes which targets stand in the jobs that are stored.
type journal struct {
	mu   sync.Mutex
	jobs []entry
}

// entry is a job, and when it was stored.
type entry struct {
	*record.Job

	at time.Time
}

func (w *world) journal() *journal {
	j := &journal{}
	w.watch("purge.jobs.>", func(m *nats.Msg) {
		if job, err := record.DecodeJob(m.Data); err == nil {
			j.mu.Lock()
			defer j.mu.Unlock()
			j.jobs = append(j.jobs, entry{job, time.Now()})
		}
	})
	return j
}

// checkRepeats wants no target sent twice, but those that the first leader sent before its end and did
// not record until then, or until it woke up again.
func (j *journal) checkRepeats(t *testing.T, first, second *replica, end, again time.Time) {
	t.Helper()
	recorded := make(map[string]bool)
	j.mu.Lock()
	for _, job := range j.jobs {
		for _, target := range job.Targets {
			recorded[target] = recorded[target] || job.Submitted.Before(end) && job.at.Before(again)
		}
	}
	j.mu.Unlock()
	sent := make(map[string]int)
	for _, c := range append(first.all(createPurge, nil), second.all(createPurge, nil)...) {
		for _, target := range c.Targets {
			sent[target]++
		}
	}
	for target, n := range sent {
		if n > 2 || n == 2 && recorded[target] {
			t.Errorf("%s was sent %d times, and stood in a job when the first leader ended: %t", target, n, recorded[target])
		}
	}
}

// deaths are the points at which a leader may die: after each thing that it does for a request. Each has
// strike called when that has happened.
var deaths = []struct {
	name string
	plan func(w *world, first *replica, strike func())
}{
	{"with a call on the wire", func(_ *world, first *replica, strike func()) {
		first.set(func(_ http.ResponseWriter, c *seen) bool {
			if c.Action != createPurge || len(first.all(createPurge, nil)) < 4 {
				return false
			}
			c.execute(discard{}) // it is carried out; nobody learns that
			strike()
			return true
		})
	}},
	{"when a call was answered", func(_ *world, first *replica, strike func()) {
		first.set(func(rw http.ResponseWriter, c *seen) bool {
			if c.Action != createPurge || len(first.all(createPurge, nil)) < 4 {
				return false
			}
			c.execute(rw)
			_ = http.NewResponseController(rw).Flush()
			strike()
			return true
		})
	}},
	{"when a job is stored", onNth("purge.jobs.>", 4)},
	{"when a job is final", func(_ *world, first *replica, strike func()) {
		first.set(func(rw http.ResponseWriter, c *seen) bool {
			if c.Action != describeTasks || len(first.all(describeTasks, nil)) < 3 {
				return false
			}
			c.execute(rw)
			_ = http.NewResponseController(rw).Flush()
			strike()
			return true
		})
	}},
	{"when a request is marked", onNth("purge.marks.>", 2)},
	{"when an event is out", onNth("purge.events.>", 10)},
}

// onNth strikes when so many messages were published under a subject.
func onNth(subject string, nth int) func(*world, *replica, func()) {
	return func(w *world, _ *replica, strike func()) {
		n := 0
		w.watch(subject, func(*nats.Msg) {
			if n++; n == nth {
				strike()
			}
		})
	}
}

// The leader is killed, at one point after the other. The process that stands by takes over: every request
// has its end, and only what the leader sent without a record of it is sent twice.
func TestFailure_WorkerKilled(t *testing.T) {
	t.Parallel()
	bin := build(t)
	for _, tt := range some(deaths, 0, 2, 3, 5) {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			const requests, batch = 600, 40
			w := newWorld(t, func(c *emulator.Config) { c.BatchQuota = batch })
			w.provision()
			j := w.journal()
			first := w.replica(bin)
			second := w.replica(bin)
			var once sync.Once
			var end time.Time
			dead := make(chan struct{})
			tt.plan(w, first, func() {
				once.Do(func() {
					end = time.Now()
					first.signal(syscall.SIGKILL)
					close(dead)
				})
			})
			w.load(requests)
			w.request(purge.Bulk, spanning("spans", 5*batch))
			w.until("the point of its death", func() bool { return closed(dead) })
			w.completed(requests + 1)
			second.checkHold(t)
			j.checkRepeats(t, first, second, end, time.Now())
		})
	}
}

// checkHold wants a new leader to hold its calls for one window of the API's limit after a crash (I3).
func (r *replica) checkHold(t *testing.T) {
	t.Helper()
	owner := r.said("leading")
	ts, _ := owner["ts"].(string)
	loading, _ := owner["took"].(string) // its jobs
	told, err := time.Parse(time.RFC3339Nano, ts)
	took, err2 := time.ParseDuration(loading)
	if err = errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	if calls := r.all(createPurge, nil); len(calls) > 0 && calls[0].At.Sub(told.Add(-took)) < time.Second {
		t.Errorf("the new leader sent its first call after %v, want a second", calls[0].At.Sub(told.Add(-took)))
	}
}

// spanning is a request of targets of its own, too many for one job.
func spanning(id string, n int) purge.Request {
	r := purge.Request{ID: id}
	for i := range n {
		r.Targets = append(r.Targets, url(100_000+i))
	}
	return r
}

// The leader is stopped for longer than its lease, with work left. The process that stands by takes over;
// when the stopped one goes on, it notices before it sends anything.
func TestFailure_OwnerPausedLongerThanItsLease(t *testing.T) {
	t.Parallel()
	bin := build(t)
	const requests, batch = 2000, 50
	w := newWorld(t, func(c *emulator.Config) { c.BatchQuota = batch })
	w.provision()
	j := w.journal()
	const pace = "EDGEPURGE_LIMITS_CREATE_PER_SECOND=10"
	line := kit.StartLink(t, w.nats.Address)
	first := w.replica(bin, pace, "NATS_URL="+line.URL())
	second := w.replica(bin, pace)
	sent := func() int { return len(second.all(createPurge, nil)) }
	var end time.Time
	stopped := make(chan struct{})
	onNth("purge.jobs.>", 5)(w, first, func() { // right after a call, so that none is on its way
		end = time.Now()
		first.signal(syscall.SIGSTOP)
		close(stopped)
	})
	w.load(requests)
	w.until("a job to be stored", func() bool { return closed(stopped) })
	w.until("the other to send", func() bool { return sent() >= 3 })
	again := time.Now()
	before, calls := len(first.all(createPurge, nil)), len(first.all("", nil)) // what was on its way has come
	// It notices by its own clock: what the broker says of the lease comes later.
	line.Set(kit.Held)
	first.signal(syscall.SIGCONT)
	w.until("some more calls", func() bool { return sent() >= 10 })
	if n := len(first.all("", nil)); n != calls {
		t.Errorf("%d calls of any kind were made by a leader that is not sure of its lease", n-calls)
	}
	line.Set(kit.Open)
	w.until("the first to be told", func() bool { return first.said("another replica leads now") != nil })
	w.completed(requests)
	if n := len(first.all(createPurge, nil)); n != before {
		t.Errorf("%d calls were made by a leader that had lost its lease", n-before)
	}
	j.checkRepeats(t, first, second, end, again)
	if n := len(second.all(createPurge, nil)); n < requests/batch-before {
		t.Errorf("the other made %d calls, want the %d that were left", n, requests/batch-before)
	}
}

// SIGTERM: the leader sends nothing more, waits for its calls in flight, and gives the rest over at once.
func TestFailure_SIGTERM(t *testing.T) {
	t.Parallel()
	bin := build(t)
	const requests, batch, drain = 2000, 50, 20 * time.Second
	w := newWorld(t, func(c *emulator.Config) { c.BatchQuota, c.Rate, c.Latency = batch, 20, 300*time.Millisecond })
	w.provision()
	env := fmt.Sprintf("EDGEPURGE_WORKER_DRAIN=%v", drain)
	first := w.replica(bin, env)
	second := w.replica(bin, env)
	w.load(requests)
	w.until("some calls", func() bool { return len(first.all(createPurge, nil)) >= 8 })
	begin := time.Now()
	first.signal(syscall.SIGTERM)
	if err := exit(first.cmd); err != nil {
		t.Errorf("after SIGTERM: %v, want exit code 0", err)
	}
	if took := time.Since(begin); took > drain {
		t.Errorf("the drain took %v, want what is in flight and no more", took)
	}
	w.until("the other to be the leader", func() bool { return second.said("leading") != nil })
	if owner := second.said("leading"); owner["handed_over"] != true {
		t.Errorf("the other took over by %v, want it handed over", owner)
	}
	if line := second.said("taking over what the last leader held"); line != nil {
		t.Errorf("the other had to fetch what the first held: %v", line)
	}
	w.completed(requests)
	// A call that a busy machine delays makes a window see one too many: that the times of sends are handed over is said by
	// the leader's line, above.
	if s := w.api.Stats(); s.Targets != requests || s.Throttled > requests/batch/20 {
		t.Errorf("%d targets submitted, %d calls refused as too fast, want %d and hardly any", s.Targets, s.Throttled, requests)
	}
}
