package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"sync"
	"time"
)

// made is a job that the API made, whether or not it could say so.
type made struct {
	job, zone string
	targets   []string
	at        time.Time // when the call came in
	failed    bool      // its tasks are told as failed
}

// twinAPI stands before a world's API, and does one fault to one of the calls.
type twinAPI struct {
	api  http.Handler
	done chan struct{} // closed once the fault is done
	gate chan struct{} // calls that purge wait until it is closed; nil: none does

	mu     sync.Mutex
	action string // that the fault is for; empty: no fault is to come
	fault  twinFault
	seen   int
	jobs   []made
	fail   int            // so many jobs are told as failed, the first ones
	day    map[string]int // what is left of it for each zone; nil: it has no end
}

// twinAPI has the workers that are started from now on call the API through it.
func (w *world) twinAPI() *twinAPI {
	a := &twinAPI{api: w.api, done: make(chan struct{})}
	srv := httptest.NewServer(a)
	w.t.Cleanup(srv.Close)
	w.cfg.EdgeOne.Endpoint = srv.URL
	return a
}

// arm has a fault done to calls of an action.
func (a *twinAPI) arm(fault twinFault, action string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fault, a.action = fault, action
}

// due tells whether the fault is to be done to this call, and which it is.
func (a *twinAPI) due(action string) (twinFault, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.action != action {
		return twinFault{}, false
	}
	if a.seen++; a.seen < a.fault.nth {
		return twinFault{}, false
	}
	a.action = ""
	return a.fault, true
}

// ServeHTTP hands a call on, or does the fault to it.
func (a *twinAPI) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	at, action := time.Now(), r.Header.Get("X-TC-Action")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if action == createPurge && a.gate != nil {
		select {
		case <-a.gate:
		case <-r.Context().Done():
			return
		}
	}
	fault, due := a.due(action)
	if !due {
		a.handle(rw, r, action, body, at)
		return
	}
	if fault.happens {
		a.handle(httptest.NewRecorder(), r, action, body, at)
	}
	close(a.done)
	if !fault.cut {
		<-r.Context().Done() // until nobody waits any more
	}
	if conn, _, err := http.NewResponseController(rw).Hijack(); err == nil {
		_ = conn.Close()
	}
}

// handle has the API carry out a call, and notes what came of it.
func (a *twinAPI) handle(rw http.ResponseWriter, r *http.Request, action string, body []byte, at time.Time) {
	if action == createPurge && !a.ration(body) {
		_, _ = io.WriteString(rw, `{"Response":{"Error":{"Code":"LimitExceeded.DailyQuota","Message":"spent"},"RequestId":"twin"}}`)
		return
	}
	answer := httptest.NewRecorder()
	a.api.ServeHTTP(answer, r.WithContext(context.WithoutCancel(r.Context()))) // who asks may give up, but what is made is noted
	data := answer.Body.Bytes()
	switch action {
	case createPurge:
		a.note(body, data, at)
	case describeTasks:
		data = a.failing(body, data)
	case describeQuota:
		data = a.rationed(body, data)
	}
	maps.Copy(rw.Header(), answer.Header())
	rw.Header().Del("Content-Length")
	rw.WriteHeader(answer.Code)
	_, _ = rw.Write(data)
}

func (a *twinAPI) note(body, answer []byte, at time.Time) {
	var c call
	var r struct {
		Response struct {
			Job string `json:"JobId"`
		}
	}
	if json.Unmarshal(body, &c) != nil || json.Unmarshal(answer, &r) != nil || r.Response.Job == "" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.jobs = append(a.jobs, made{r.Response.Job, c.Zone, c.Targets, at, len(a.jobs) < a.fail})
}

// failing tells the tasks of jobs that are to fail as failed. Where calls have no limit, each job is asked for
// by its id.
func (a *twinAPI) failing(body, answer []byte) []byte {
	for _, j := range a.all() {
		if j.failed && bytes.Contains(body, []byte(j.job)) {
			return bytes.ReplaceAll(answer, []byte(`"Status":"success"`), []byte(`"Status":"timeout"`))
		}
	}
	return answer
}

func (a *twinAPI) all() []made {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clip(a.jobs)
}

// ration takes the targets of a call out of the zone's day, if there is room for them.
func (a *twinAPI) ration(body []byte) bool {
	var c call
	if json.Unmarshal(body, &c) != nil {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.day == nil {
		return true
	}
	if a.day[c.Zone] < len(c.Targets) {
		return false
	}
	a.day[c.Zone] -= len(c.Targets)
	return true
}

var dailyAvailable = regexp.MustCompile(`"DailyAvailable":\d+`)

// rationed tells what is left of a zone's day.
func (a *twinAPI) rationed(body, answer []byte) []byte {
	var c call
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.day == nil || json.Unmarshal(body, &c) != nil {
		return answer
	}
	return dailyAvailable.ReplaceAll(answer, fmt.Appendf(nil, `"DailyAvailable":%d`, a.day[c.Zone]))
}

// nextDay ends the day, and with it the rationing.
func (a *twinAPI) nextDay() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.day = nil
}
