package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/internal/natstest"
	"github.com/edgepurge/edgepurge/purge"
)

// offer publishes a request and reports whether the broker took it.
func (w *world) offer(r purge.Request) bool {
	w.t.Helper()
	data, err := r.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	// A server that dies may take the answer with it: the request is offered again soon.
	ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
	defer cancel()
	_, err = w.js.Publish(ctx, purge.Subjects{Prefix: "purge"}.Request(purge.Bulk, "test"), data, jetstream.WithRetryAttempts(0))
	return err == nil
}

// NATS goes away and comes back, three times. Readiness says so each time, and the worker goes on.
func TestFailure_NATSAway(t *testing.T) {
	t.Parallel()
	const requests = 600
	w := newWorld(t, func(c *emulator.Config) { c.BatchQuota, c.Rate, c.TaskTime = 20, 20, time.Second })
	w.cfg.Limits.CreatePerSecond = 20
	w.cfg.HTTP.Listen = freeAddress(t)
	w.provision()
	w.load(requests)
	w.start()
	ready := func(want int, say string) {
		w.until(fmt.Sprintf("readiness to be %d %s", want, say), func() bool {
			status, body, err := fetch(t, "http://"+w.cfg.HTTP.Listen+"/readyz")
			return err == nil && status == want && strings.Contains(body, say)
		})
	}
	for i := range 3 {
		w.until("progress", func() bool { return w.api.Stats().CreateCalls >= int64(5*(i+1)) })
		w.nats.Stop()
		ready(http.StatusServiceUnavailable, "nats is away")
		w.nats.Start()
		ready(http.StatusOK, "")
	}
	w.completed(requests)
}

// cluster replaces a world's server by three that replicate everything.
func (w *world) cluster() []*natstest.Server {
	w.t.Helper()
	servers := natstest.Cluster(w.t, 3)
	var urls []string
	for _, s := range servers {
		urls = append(urls, "nats://"+s.Address)
	}
	w.cfg.NATS.URL, w.cfg.NATS.Replicas = config.ServerURL(strings.Join(urls, ",")), len(servers)
	w.cfg.NATS.Token = config.Secret(servers[0].Token)
	w.connect()
	return servers
}

// Of three servers the one that leads the stream of requests dies while they are worked on. The others
// elect another, and every request that was acknowledged, before and meanwhile, has its end.
func TestFailure_StreamLeaderLost(t *testing.T) {
	t.Parallel()
	const before, after = 300, 100
	w := newWorld(t, func(c *emulator.Config) { c.BatchQuota, c.Rate = 20, 20 })
	w.cfg.Limits.CreatePerSecond = 20
	servers := w.cluster()
	w.provision()
	w.load(before)
	w.start()
	w.until("progress", func() bool { return w.api.Stats().CreateCalls >= 3 })
	i := slices.IndexFunc(servers, func(s *natstest.Server) bool { return s.JetStreamIsStreamLeader("$G", "PURGE_REQUESTS") })
	if i < 0 {
		t.Fatal("the stream of requests has no leader")
	}
	servers[i].Shutdown()
	for n := range after {
		r := purge.Request{ID: fmt.Sprintf("after%d", n), Targets: []string{url(before + n)}}
		w.until("a request to be taken", func() bool { return w.offer(r) })
	}
	w.completed(before + after)
}

// There is no room to store anything: in the account, as on a full disk, or in the stream of requests.
// Publishers are refused; what was acknowledged before is worked on once there is room again, and nothing
// is sent twice for it.
func TestFailure_DiskFull(t *testing.T) {
	t.Parallel()
	t.Run("account", func(t *testing.T) {
		t.Parallel()
		const batch = 20
		w := newWorld(t, func(c *emulator.Config) { c.BatchQuota, c.Rate = batch, 20 })
		w.cfg.EdgeOne.Timeout, w.cfg.Limits.CreatePerSecond = patience, 20
		const early = 5 // calls that go before the disk is full; the others wait for that
		full := make(chan struct{})
		var creates, late atomic.Int64
		w.front(func(rw http.ResponseWriter, c *seen) bool {
			fits := len(c.Targets) <= batch // else the quota was not read in time, and the batch is refused and halved
			if c.Action != createPurge || !fits || creates.Add(1) <= early {
				return false
			}
			await(t, full)
			c.execute(rw)
			late.Add(1)
			return true
		})
		w.provision()
		taken := 400
		w.load(taken)
		w.start()
		w.until("progress", func() bool { return creates.Load() > early && w.count("PURGE_EVENTS") > 0 })
		w.limit(1)
		close(full)
		if w.offer(purge.Request{ID: "refused", Targets: []string{url(taken)}}) {
			t.Error("a request was taken that could not be stored")
		}
		w.until("calls whose jobs can't be stored", func() bool { return late.Load() >= 5 })
		if kept, jobs := w.count("PURGE_REQUESTS"), w.jobsStored(); kept+jobs*batch < taken {
			t.Errorf("%d messages are kept, and %d jobs of at most %d were stored: some of %d were acked too soon (I2)", kept, jobs, batch, taken)
		}
		w.limit(-1)
		w.completed(taken)
		if s := w.api.Stats(); s.Targets != int64(taken) {
			t.Errorf("%d targets submitted, want %d: none twice", s.Targets, taken)
		}
	})
	t.Run("from the start", checkNoAckUnstored)
	t.Run("stream", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, nil)
		w.cfg.NATS.MaxBytes = 64 << 10
		w.provision()
		taken := 0
		for w.offer(purge.Request{ID: fmt.Sprintf("r%d", taken), Targets: []string{url(taken)}}) {
			taken++
		}
		if n := w.count("PURGE_REQUESTS"); taken < 100 || n != taken {
			t.Fatalf("%d requests were taken, %d are stored, want some hundreds before the stream is full", taken, n)
		}
		w.start()
		w.until("room", func() bool { return w.offer(purge.Request{ID: "last", Targets: []string{url(taken)}}) })
		w.completed(taken + 1)
	})
}

// checkNoAckUnstored has a worker find jobs to be stored, refusals to be told and requests to be parked, and
// no room for any of them: it acks none of their messages (I2).
func checkNoAckUnstored(t *testing.T) {
	t.Parallel()
	const bad, good, late, day = 20, 10, 150, 10 // each good tag once: a day has room for them however they are pulled
	w := newWorld(t, func(c *emulator.Config) { c.Zones, c.DailyQuota, c.BatchQuota = twoZones, day, 50 })
	w.cfg.Worker.Window, w.cfg.EdgeOne.Timeout = 200, patience // what may have been sent is not parked
	w.provision()
	var spend []purge.Request
	for i := range day {
		spend = append(spend, purge.Request{ID: fmt.Sprintf("spends%d", i), Zone: "zone-a", Targets: []string{url(i)}})
	}
	w.requests(purge.Bulk, spend)
	stop := w.start()
	w.completed(day)
	stop()
	for i := range bad {
		w.publish(purge.Interactive, "test", fmt.Appendf(nil, `{"id":"bad%d","targets":[]}`, i))
	}
	var all []purge.Request
	for i := range good {
		all = append(all, purge.Request{ID: fmt.Sprintf("good%d", i), Zone: "zone-b", Type: purge.Tag, Targets: []string{fmt.Sprintf("t%d", i)}})
	}
	for i := range late {
		all = append(all, purge.Request{ID: fmt.Sprintf("late%d", i), Zone: "zone-a", Targets: []string{url(day + i)}})
	}
	w.requests(purge.Bulk, all)
	w.limit(1)
	logs, warnings := observer.New(zap.WarnLevel)
	w.startLogging(zap.New(logs))
	for _, what := range []string{ // each is logged once, and then at a growing pace
		"store dead letters did not succeed, trying again", "store job did not succeed, trying again",
		"requests can not be parked; they go back to the stream and come again later",
	} {
		w.until("the log to say: "+what, func() bool { return warnings.FilterMessage(what).Len() > 0 })
	}
	if n := w.count("PURGE_REQUESTS"); n != bad+good+late {
		t.Errorf("%d messages are kept, want all %d: nothing of them is stored elsewhere", n, bad+good+late)
	}
	w.limit(-1)
	w.until("the ends of what need not wait", func() bool { return w.count("PURGE_EVENTS") >= day+bad+good })
	w.until("the others to be kept elsewhere", func() bool { return w.count("PURGE_REQUESTS")+w.count("PURGE_PARKED") == late })
}

// jobsStored counts the jobs that were ever stored, each in one part.
func (w *world) jobsStored() int {
	w.t.Helper()
	s, err := w.js.Stream(w.t.Context(), "PURGE_JOBS")
	if err != nil {
		w.t.Fatal(err)
	}
	return int(s.CachedInfo().State.LastSeq)
}

// limit sets how much the account may store; -1 for as much as there is room.
func (w *world) limit(bytes int64) {
	w.t.Helper()
	limits := server.JetStreamAccountLimits{
		MaxMemory: -1, MaxStore: bytes, MaxStreams: -1, MaxConsumers: -1, MaxAckPending: -1, MemoryMaxStreamBytes: -1, StoreMaxStreamBytes: -1,
	}
	if err := w.nats.GlobalAccount().UpdateJetStreamLimits(map[string]server.JetStreamAccountLimits{"": limits}); err != nil {
		w.t.Fatal(err)
	}
}
