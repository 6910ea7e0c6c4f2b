package e2e_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/purge"
)

// loseAnswers stands before a world's API: every second purge is carried out without an answer.
func (w *world) loseAnswers() {
	w.t.Helper()
	var n atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-TC-Action") != createPurge || n.Add(1)%2 == 1 {
			w.api.ServeHTTP(rw, r)
			return
		}
		w.api.ServeHTTP(httptest.NewRecorder(), r)
		if conn, _, err := http.NewResponseController(rw).Hijack(); err == nil {
			_ = conn.Close()
		}
	}))
	w.t.Cleanup(srv.Close)
	w.cfg.EdgeOne.Endpoint = srv.URL
}

// Every second purge is carried out without an answer. Its job is found and adopted where it is told from
// others; where it does not show, or can't be told, the batch is sent again.
func TestFailure_AnswerLost(t *testing.T) {
	t.Parallel()
	const urls = 2000
	tests := []struct {
		unknown, version string
		batch            int
		most             int64 // targets submitted
	}{
		{"rows=per-target", newAPI, 50, urls},
		{"rows=per-target", oldAPI, 50, urls},
		{"echo=canonical", newAPI, 50, urls},
		{"visible-after=1s", newAPI, 50, urls + urls/10},
		// None is found, none can be compared: a batch is sent until its answer is one of those that come,
		// each second one of all calls, which may be its third.
		{"visible-after=1h", newAPI, 500, 3 * urls},
		{"rows=per-job", newAPI, 500, 3 * urls},
	}
	for _, tt := range some(tests, 0, 2, 5) {
		t.Run(tt.unknown+" "+tt.version, func(t *testing.T) {
			t.Parallel()
			unknown, err := emulator.ParseUnknown([]string{tt.unknown})
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, func(c *emulator.Config) {
				c.Unknown = unknown
				c.BatchQuota = tt.batch
				c.Zones = map[string][]string{"zone-a": {"www.example.com"}}
			})
			w.cfg.EdgeOne.Version = tt.version
			w.cfg.Batch.MaxTargets = tt.batch // the older version tells no quota
			w.loseAnswers()
			w.provision()
			for i := range urls {
				w.request(purge.Bulk, purge.Request{ID: fmt.Sprintf("r%d", i), Zone: "zone-a", Targets: []string{url(i) + "/é"}})
			}
			stop := w.start()
			if tt.unknown == "visible-after=1h" {
				w.until("every batch", func() bool { return w.count("PURGE_REQUESTS") == 0 })
				stop()
			} else {
				w.completed(urls)
			}
			if s := w.api.Stats(); s.DistinctTargets != urls || s.Targets < urls || s.Targets > tt.most {
				t.Errorf("%d targets were submitted in %d jobs, %d distinct; want at most %d of %d",
					s.Targets, s.Jobs, s.DistinctTargets, tt.most, urls)
			}
		})
	}
}

// An interactive request is not kept waiting for a job that does not show.
func TestAdopt_UrgentRequestsAreSentAgainSoon(t *testing.T) {
	t.Parallel()
	unknown, err := emulator.ParseUnknown([]string{"visible-after=3s"})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(c *emulator.Config) { c.Unknown = unknown })
	w.loseAnswers()
	w.provision()
	w.start()
	for i := range 6 {
		w.request(purge.Interactive, purge.Request{ID: fmt.Sprintf("r%d", i), Targets: []string{url(i)}})
		w.until("its job", func() bool { return w.count("PURGE_REQUESTS") == 0 })
	}
	w.completed(6)
	if s := w.api.Stats(); s.DistinctTargets != 6 || s.Targets < 9 {
		t.Errorf("%d targets were submitted, %d distinct; want about 11 of 6", s.Targets, s.DistinctTargets)
	}
}

func TestAdopt_FaultsEverywhereLoseNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) {
		c.Faults = map[string]float64{"lost-answer": 0.5}
		c.BatchQuota = 50
	})
	w.provision()
	w.load(2000)
	w.start()
	// Each lost answer is looked for: on a busy machine that takes its time.
	for _, part := range []int{500, 1000, 1500} {
		w.until(fmt.Sprintf("%d events", part), func() bool { return w.count("PURGE_EVENTS") >= part })
	}
	w.completed(2000)
	if s := w.api.Stats(); s.DistinctTargets != 2000 {
		t.Errorf("%d distinct targets were submitted, want 2000", s.DistinctTargets)
	}
}
