package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
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
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it opens at once
	if err != nil {
		return "", fmt.Errorf("open tap: %w", err)
	}
	server := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.serve(worker, emulator, w, r) }),
		ReadHeaderTimeout: time.Minute,
	}
	t.servers = append(t.servers, server)
	go func() { _ = server.Serve(listener) }() // close ends it
	return "http://" + listener.Addr().String(), nil
}

func (t *taps) close() {
	for _, s := range t.servers {
		_ = s.Close()
	}
	t.client.CloseIdleConnections()
}

func (t *taps) serve(worker int, emulator string, w http.ResponseWriter, r *http.Request) {
	c := &call{worker: worker, action: r.Header.Get("X-TC-Action"), arrived: time.Now()}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if c.action == createAction {
		c.request = body
	}
	status, kind, answer, err := t.pass(r, emulator, body)
	if c.done = time.Now(); c.action == createAction {
		c.answer = answer
	}
	t.mu.Lock()
	t.calls = append(t.calls, c)
	t.mu.Unlock()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

// pass sends a call on as it came, also when its worker is gone meanwhile: the signature covers the host that the
// worker named.
func (t *taps) pass(r *http.Request, emulator string, body []byte) (status int, kind string, answer []byte, err error) {
	ctx := context.WithoutCancel(r.Context())
	req, err := http.NewRequestWithContext(ctx, r.Method, "http://"+emulator+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return 0, "", nil, fmt.Errorf("make call: %w", err)
	}
	req.Host, req.Header = r.Host, r.Header.Clone()
	res, err := t.client.Do(req)
	if err != nil {
		return 0, "", nil, fmt.Errorf("pass call on: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if answer, err = io.ReadAll(res.Body); err != nil {
		return 0, "", nil, fmt.Errorf("read answer: %w", err)
	}
	return res.StatusCode, res.Header.Get("Content-Type"), answer, nil
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
