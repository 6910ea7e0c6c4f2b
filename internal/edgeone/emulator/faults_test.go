package emulator_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

// faulty lets the fault befall every call, job or row.
func faulty(kind string) emulator.Config {
	return emulator.Config{Faults: map[string]float64{kind: 1}, Seed: 7}
}

func TestFault_AnswersWithoutExecution(t *testing.T) {
	for kind, tc := range map[string]struct {
		status []int
		code   []string
		body   string
	}{
		"error5xx": {[]int{500, 502}, []string{"InternalError", ""}, ""},
		"html":     {[]int{200}, []string{""}, "<html>"},
		"throttle": {[]int{200}, []string{"RequestLimitExceeded"}, ""},
	} {
		c, e := newClient(t, faulty(kind))
		seen := map[int]bool{}
		for range 20 {
			a := c.call(t, "CreatePurgeTask", object{"ZoneId": testZone, "Type": "purge_all"})
			seen[a.status] = true
			if !slices.Contains(tc.code, a.code()) || !strings.Contains(string(a.raw), tc.body) {
				t.Errorf("%s: got %d %s", kind, a.status, a.raw)
			}
		}
		for _, status := range tc.status {
			if !seen[status] || len(seen) != len(tc.status) {
				t.Errorf("%s: got statuses %v, want %v", kind, seen, tc.status)
			}
		}
		if got := e.Stats(); got.Jobs != 0 || got.CreateCalls != 20 || (got.Throttled == 20) != (kind == "throttle") {
			t.Errorf("%s: got %+v, want 20 calls and no job", kind, got)
		}
	}
}

func TestFault_EmptyAnswersNothing(t *testing.T) {
	c, e := newClient(t, faulty("empty"))
	w := newRecorder(c, c.request(t, "CreatePurgeTask", object{"ZoneId": testZone, "Type": "purge_all"}))
	if w.Code != http.StatusOK || w.Body.Len() != 0 || e.Stats().Jobs != 0 {
		t.Errorf("got %d %q and %d jobs, want 200, no body and no job", w.Code, w.Body, e.Stats().Jobs)
	}
}

// TestFault_ClosesConnections makes the two faults that differ only in whether the call was executed.
func TestFault_ClosesConnections(t *testing.T) {
	for kind, jobs := range map[string]int64{"reset": 0, "lost-answer": 1} {
		c, e := newClient(t, faulty(kind))
		server := httptest.NewServer(e)
		r := c.request(t, "CreatePurgeTask", object{"ZoneId": testZone, "Type": "purge_all"})
		r.RequestURI, r.URL.Host = "", server.Listener.Addr().String() // r.Host, which is signed, stays
		response, err := server.Client().Do(r)
		if err == nil {
			_ = response.Body.Close()
			t.Errorf("%s: got status %d, want no answer", kind, response.StatusCode)
		}
		if got := e.Stats().Jobs; got != jobs {
			t.Errorf("%s: got %d jobs, want %d", kind, got, jobs)
		}
		server.Close()
	}
}

func TestFault_TimeoutHoldsCallUntilClientGivesUp(t *testing.T) {
	for patience, want := range map[time.Duration]time.Duration{
		5 * time.Second: 5 * time.Second, 5 * time.Minute: time.Minute,
	} {
		synctest.Test(t, func(t *testing.T) {
			c, e := newClient(t, faulty("timeout"))
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			start := time.Now()
			r := c.request(t, "CreatePurgeTask", object{"ZoneId": testZone, "Type": "purge_all"})
			w := newRecorder(c, r.WithContext(ctx))
			// A recorder has no connection to close: the 502 stands for that.
			if got := time.Since(start); got != want || w.Code != http.StatusBadGateway || e.Stats().Jobs != 0 {
				t.Errorf("got %d after %v and %d jobs, want a closed connection after %v", w.Code, got, e.Stats().Jobs, want)
			}
		})
	}
}

func TestFault_SlowAnswersLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, e := newClient(t, faulty("slow"))
		start := time.Now()
		c.create(t, "https://www.example.com/")
		if got := time.Since(start); got != 5*time.Second || e.Stats().Jobs != 1 {
			t.Errorf("got an answer after %v and %d jobs, want 5s and one", got, e.Stats().Jobs)
		}
	})
}

func TestFault_UnseenJobNeverShows(t *testing.T) {
	c, e := newClient(t, faulty("unseen"))
	job := c.create(t, "https://www.example.com/")
	if job == "" || e.Stats().Jobs != 1 {
		t.Errorf("got job %q, want one", job)
	}
	for _, filters := range [][][]string{nil, {{"job-id", job}}} {
		if got := c.describe(t, filters...).TotalCount; got != 0 {
			t.Errorf("%v: got %d rows, want none", filters, got)
		}
	}
}

func TestFault_FailsShareOfRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := emulator.Config{
			TaskTime: time.Second, Seed: 7, Faults: map[string]float64{"task-failed": 0.2, "task-timeout": 0.1},
		}
		c, _ := newClient(t, config)
		jobs := []string{c.create(t, urls(3000)...), c.create(t, urls(2000)...)}
		if got := c.describe(t, []string{"statuses", "processing"}).TotalCount; got != 5000 {
			t.Errorf("before their time: got %d rows processing, want 5000", got)
		}
		time.Sleep(time.Second)
		count := func(filters ...[]string) int { return c.describe(t, filters...).TotalCount }
		failed, timedOut := count([]string{"statuses", "failed"}), count([]string{"statuses", "timeout"})
		if failed < 900 || failed > 1100 || timedOut < 400 || timedOut > 600 {
			t.Errorf("got %d failed and %d timed out of 5000, want about 1000 and 500", failed, timedOut)
		}
		if got := count([]string{"statuses", "success", "failed"}); got != 5000-timedOut {
			t.Errorf("got %d rows of two statuses, want %d", got, 5000-timedOut)
		}
		// Rows must tell what counts do.
		sum := 0
		for _, job := range jobs {
			n := count([]string{"job-id", job}, []string{"statuses", "failed"})
			byRow := c.must(t, describe, filterTarget(job, "https://"))
			rows := 0
			for _, row := range byRow.Tasks {
				if row.Status == "failed" {
					rows++
					if row.FailType != "taskFailed" || row.FailMessage == "" {
						t.Fatalf("got %+v, want a reason", row)
					}
				}
			}
			if sum += n; byRow.TotalCount <= 1000 && rows != n {
				t.Errorf("got %d failed rows, counted %d", rows, n)
			}
		}
		if sum != failed {
			t.Errorf("got %d failed by job, %d together", sum, failed)
		}
	})
}

func filterTarget(job, part string) object {
	p := lastHour(1000)
	p["Filters"] = []object{
		{"Name": "job-id", "Values": []string{job}}, {"Name": "target", "Values": []string{part}, "Fuzzy": true},
	}
	return p
}

func TestFault_SameSeedSameFaults(t *testing.T) {
	draw := func(seed uint64) (kinds []string) {
		c, _ := newClient(t, emulator.Config{
			Faults: map[string]float64{"error5xx": 0.2, "html": 0.2, "throttle": 0.2}, Seed: seed,
		})
		for range 50 {
			a := c.call(t, "DescribeZones", "{}")
			kinds = append(kinds, a.code()+http.StatusText(a.status)+string(a.raw[:1]))
		}
		return kinds
	}
	first := draw(1)
	if diff := cmp.Diff(first, draw(1)); diff != "" {
		t.Errorf("same seed (-first +second):\n%s", diff)
	}
	if slices.Equal(first, draw(2)) {
		t.Error("another seed drew the same faults")
	}
}

func TestFault_TakesItsShare(t *testing.T) {
	c, e := newClient(t, emulator.Config{Faults: map[string]float64{"throttle": 0.3, "empty": 0.1}, Seed: 3})
	empty := 0
	for range 2000 {
		if a := c.call(t, "DescribeZones", "{}"); len(a.raw) == 0 {
			empty++
		}
	}
	if got := e.Stats().Throttled; got < 540 || got > 660 || empty < 150 || empty > 250 {
		t.Errorf("got %d throttled and %d empty of 2000, want about 600 and 200", got, empty)
	}
}

// TestShutdown_LetsWaitingCallsGo ends the context of a call that still waits: it must not look like an answer.
func TestShutdown_LetsWaitingCallsGo(t *testing.T) {
	c, e := newClient(t, emulator.Config{Latency: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cancel()
		e.ServeHTTP(w, r.WithContext(ctx))
	}))
	server.Start()
	defer server.Close()
	r := c.request(t, "DescribeZones", "{}")
	r.RequestURI, r.URL.Host = "", server.Listener.Addr().String()
	response, err := server.Client().Do(r)
	if err == nil {
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		t.Errorf("got %d %q, want no answer", response.StatusCode, body)
	}
}
