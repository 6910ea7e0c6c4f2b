package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/e2e/kit"
	"github.com/edgepurge/edgepurge/purge"
)

// front stands before a world's API: it notes all calls, and may answer them in its place.
type front struct {
	url string

	mu     sync.Mutex
	calls  []*seen
	answer func(http.ResponseWriter, *seen) bool
}

// seen is a call as it came in.
type seen struct {
	call

	At         time.Time
	Start, End string // of the window that a Describe action asks for
	JobID      string // that it asks for

	in  *kit.Call
	api http.Handler
}

// front has the workers that are started from now on call the API through a front. answer, which
// may be nil, reports whether it has answered a call; what it leaves goes to the API.
func (w *world) front(answer func(http.ResponseWriter, *seen) bool) *front {
	w.t.Helper()
	t := w.t
	f := &front{answer: answer}
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		in, err := kit.ReadCall(r)
		if err != nil {
			return // the caller was stopped in the middle of it
		}
		c := &seen{in: in, At: in.At, api: w.api}
		if err := c.read(); err != nil {
			t.Errorf("call %s: %v", in.Body, err)
		}
		f.mu.Lock()
		f.calls = append(f.calls, c)
		answer := f.answer
		f.mu.Unlock()
		if answer == nil || !answer(rw, c) {
			c.execute(rw)
		}
	}))
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	f.url = srv.URL
	w.cfg.EdgeOne.Endpoint = srv.URL
	return f
}

func (c *seen) read() error {
	c.Action, c.Body = c.in.Action, c.in.Body
	if err := json.Unmarshal(c.Body, &c.call); err != nil {
		return err
	}
	var q struct {
		JobId              string //nolint:revive,staticcheck // 2022-01-06's name
		StartTime, EndTime string
		Filters            []struct {
			Name   string
			Values []string
		}
	}
	if err := json.Unmarshal(c.Body, &q); err != nil {
		return err
	}
	c.Start, c.End, c.JobID = q.StartTime, q.EndTime, q.JobId
	for _, f := range q.Filters {
		if f.Name == "job-id" {
			c.JobID = strings.Join(f.Values, ",")
		}
	}
	return nil
}

// execute has the API answer the call.
func (c *seen) execute(rw http.ResponseWriter) { c.in.Serve(rw, c.api) }

// await holds a call until the channel is closed, or the test is over.
func await(t *testing.T, open <-chan struct{}) {
	t.Helper()
	select {
	case <-open:
	case <-t.Context().Done():
	}
}

// alter has the API answer the call, but for what change makes of its Response.
func (c *seen) alter(t *testing.T, rw http.ResponseWriter, change func(response map[string]any)) {
	t.Helper()
	rec := httptest.NewRecorder()
	c.execute(rec)
	var envelope map[string]map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &envelope); err != nil {
		t.Errorf("answer %s: %v", rec.Body, err)
		return
	}
	change(envelope["Response"])
	rw.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(rw).Encode(envelope); err != nil {
		t.Errorf("answer: %v", err)
	}
}

// refuse answers with an error of the API.
func refuse(rw http.ResponseWriter, code string) {
	_, _ = fmt.Fprintf(rw, `{"Response":{"Error":{"Code":%q,"Message":"refused"},"RequestId":"front"}}`, code)
}

// set has the calls from now on answered otherwise.
func (f *front) set(answer func(http.ResponseWriter, *seen) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
}

// all gives the calls of an action that a test wants to see, in their order.
func (f *front) all(action string, want func(*seen) bool) []*seen {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []*seen
	for _, c := range f.calls {
		if (action == "" || c.Action == action) && (want == nil || want(c)) {
			found = append(found, c)
		}
	}
	return found
}

func (c *seen) has(target string) bool { return slices.Contains(c.Targets, target) }

// ofZone wants the calls for a zone.
func ofZone(zone string) func(*seen) bool { return func(c *seen) bool { return c.Zone == zone } }

// sameTargets tells whether two calls are for the same targets, in whatever order.
func sameTargets(a, b *seen) bool {
	return slices.Equal(slices.Sorted(slices.Values(a.Targets)), slices.Sorted(slices.Values(b.Targets)))
}

// checkCompleted wants events of completed requests.
func checkCompleted(t *testing.T) func(jetstream.Msg) {
	t.Helper()
	return func(m jetstream.Msg) {
		if e, err := purge.DecodeEvent(m.Data()); err != nil || e.Data.Status != purge.Completed {
			t.Errorf("%s: %s (%v), want completed", m.Subject(), e.Data.Status, err)
		}
	}
}
