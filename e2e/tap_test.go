package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

const (
	createPurge   = "CreatePurgeTask"
	describeZones = "DescribeZones"
	describeHosts = "DescribeAccelerationDomains"
	describeQuota = "DescribeContentQuota"
)

// call is a call as it came to the API.
type call struct {
	Action  string   `json:"-"`
	Body    []byte   `json:"-"`
	Zone    string   `json:"ZoneId"`
	Type    string   `json:"Type"`
	Targets []string `json:"Targets"`
}

// tap stands before a world's API: it notes the calls that purge, and refuses what a test wants refused.
type tap struct {
	mu     sync.Mutex
	calls  []call
	refuse func(call) (code string)
}

// tap has the workers that are started from now on call the API through a tap. refuse gives the code by
// which a call is refused, empty for none; it may be nil.
func (w *world) tap(refuse func(call) (code string)) *tap {
	w.t.Helper()
	t := w.t
	tp := &tap{refuse: refuse}
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if code := tp.take(t, r.Header.Get("X-TC-Action"), body); code != "" {
			_, _ = fmt.Fprintf(rw, `{"Response":{"Error":{"Code":%q,"Message":"refused"},"RequestId":"tap"}}`, code)
			return
		}
		w.api.ServeHTTP(rw, r)
	}))
	t.Cleanup(srv.Close)
	w.cfg.EdgeOne.Endpoint = srv.URL
	return tp
}

// take notes a call, and gives the code by which it is refused.
func (tp *tap) take(t *testing.T, action string, body []byte) (code string) {
	c := call{Action: action, Body: body}
	if err := json.Unmarshal(body, &c); err != nil {
		t.Errorf("call %s: %v", body, err)
	}
	tp.mu.Lock()
	defer tp.mu.Unlock()
	if action == createPurge {
		tp.calls = append(tp.calls, c)
	}
	if tp.refuse == nil {
		return ""
	}
	return tp.refuse(c)
}

// heal ends the refusals.
func (tp *tap) heal() {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	tp.refuse = nil
}

func (tp *tap) all() []call {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	return slices.Clip(tp.calls)
}

// extra counts the calls that carried nothing new: those that a clean run does not need.
func (tp *tap) extra() (n int) {
	seen := make(map[string]bool)
	for _, c := range tp.all() {
		fresh := false
		for _, target := range c.Targets {
			fresh = fresh || !seen[target]
			seen[target] = true
		}
		if !fresh {
			n++
		}
	}
	return n
}

// alone tells whether a call carried a target and nothing else.
func (tp *tap) alone(target string) bool {
	for _, c := range tp.all() {
		if len(c.Targets) == 1 && c.Targets[0] == target {
			return true
		}
	}
	return false
}
