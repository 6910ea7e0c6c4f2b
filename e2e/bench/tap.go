package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/edgepurge/edgepurge/e2e/kit"
)

const (
	createAction   = "CreatePurgeTask"
	describeAction = "DescribePurgeTasks"
)

// taps stand between the workers and the emulator, an address for each worker, and note each call with the time when it
// arrived. Their cost is part of every latency: some 0.1 ms where the machine is idle.
type taps struct {
	client  *http.Client
	servers []*http.Server

	mu    sync.Mutex
	calls []*call
	next  int      // the first call that is not read
	read  []create // those before it
}

// call is one call of a worker.
type call struct {
	worker  int
	action  string
	arrived time.Time
	done    time.Time // the emulator has answered
	request []byte    // of CreatePurgeTask alone
	answer  []byte    // of CreatePurgeTask alone; nil where there was none
}

func newTaps() *taps {
	return &taps{client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: time.Minute}}
}

// open adds a way to the emulator, and returns its URL.
func (t *taps) open(worker int, emulator string) (string, error) {
	server, url, err := kit.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.serve(worker, emulator, w, r) }))
	if err != nil {
		return "", err
	}
	t.servers = append(t.servers, server)
	return url, nil
}

func (t *taps) close() {
	for _, s := range t.servers {
		_ = s.Close()
	}
	t.client.CloseIdleConnections()
}

func (t *taps) serve(worker int, emulator string, w http.ResponseWriter, r *http.Request) {
	in, err := kit.ReadCall(r)
	if err != nil {
		return
	}
	c := &call{worker: worker, action: in.Action, arrived: in.At}
	answer, err := in.Forward(t.client, emulator)
	if c.done = time.Now(); c.action == createAction {
		c.request, c.answer = in.Body, answer.Body
	}
	t.mu.Lock()
	t.calls = append(t.calls, c)
	t.mu.Unlock()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	answer.Send(w)
}

// create is a CreatePurgeTask, read.
type create struct {
	worker  int
	arrived time.Time
	done    time.Time
	targets []string
	job     string // empty where it was refused
	code    string // why
}

func (c create) accepted() bool { return c.job != "" }

// throttled reports whether it was refused as too fast.
func (c create) throttled() bool { return strings.HasPrefix(c.code, "RequestLimitExceeded") }

// creates gives the calls of CreatePurgeTask so far that have been answered, by the time of their arrival.
func (t *taps) creates() ([]create, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for ; t.next < len(t.calls); t.next++ {
		c := t.calls[t.next]
		if c.action != createAction {
			continue
		}
		read, err := c.read()
		if err != nil {
			return nil, err
		}
		t.read = append(t.read, read)
	}
	slices.SortFunc(t.read, func(a, b create) int { return a.arrived.Compare(b.arrived) })
	return slices.Clone(t.read), nil
}

func (c *call) read() (create, error) {
	made := create{worker: c.worker, arrived: c.arrived, done: c.done}
	var request struct{ Targets []string }
	if err := json.Unmarshal(c.request, &request); err != nil {
		return made, fmt.Errorf("read call: %w", err)
	}
	made.targets = request.Targets
	var answer struct {
		Response struct {
			JobID string `json:"JobId"`
			Error struct{ Code string }
		}
	}
	if err := json.Unmarshal(c.answer, &answer); err != nil && c.answer != nil {
		return made, fmt.Errorf("read answer: %w", err)
	}
	made.job, made.code = answer.Response.JobID, answer.Response.Error.Code
	return made, nil
}

// count tells how many calls of an action have been answered.
func (t *taps) count(action string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, c := range t.calls {
		if c.action == action {
			n++
		}
	}
	return n
}
