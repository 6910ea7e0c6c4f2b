package evil

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

// Zone is the zone whose calls are tampered with; those of every other zone are answered as they should be.
const Zone = "zone-evil"

// The actions that modes tell apart.
const (
	create   = "CreatePurgeTask"
	describe = "DescribePurgeTasks"
)

// object is a JSON object.
type object = map[string]any

// Call is one call for [Zone].
type Call struct {
	Action string
	// Body is what it asks for. A mode may change it before it is carried out.
	Body object
	// Number counts the calls of the action, from 1.
	Number int

	server  *Server
	version string
}

// Server is the front. It is safe for concurrent use.
type Server struct {
	mode Mode
	bad  http.Handler // of Zone
	good http.Handler

	mu    sync.Mutex
	rand  *rand.Rand
	calls map[string]int
	last  any            // the job that was named last
	notes map[string]int // of a mode, by its own words
}

// New makes a Server of a mode. What it does at random follows from the seed.
func New(mode Mode, seed uint64) (*Server, error) {
	cfg := emulator.Config{
		TaskTime: 150 * time.Millisecond, BatchQuota: 2000, Latency: 2 * time.Millisecond, Seed: seed, Faults: mode.Faults, Unknown: mode.Unknown,
		Zones: map[string][]string{Zone: {"evil.example", "xn--bse-sna.example"}},
	}
	bad, err := emulator.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("make the API of %s: %w", mode.Name, err)
	}
	cfg.Faults, cfg.Unknown, cfg.Zones = nil, nil, map[string][]string{"zone-good": {"good.example"}}
	good, err := emulator.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("make the API of healthy zones: %w", err)
	}
	return &Server{
		mode: mode, bad: bad, good: good,
		rand: rand.New(rand.NewPCG(seed, 26)), calls: make(map[string]int), notes: make(map[string]int),
	}, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller has gone
	}
	c := &Call{Action: r.Header.Get("X-TC-Action"), server: s, version: r.Header.Get("X-TC-Version")}
	if err := json.Unmarshal(body, &c.Body); err != nil || c.Body["ZoneId"] != Zone {
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.good.ServeHTTP(w, r)
		return
	}
	s.mu.Lock()
	s.calls[c.Action]++
	c.Number = s.calls[c.Action]
	s.mu.Unlock()
	if s.mode.Before != nil && s.mode.Before(c, w, r) {
		return
	}
	answer := c.ask(c.Action, c.Body)
	if s.mode.Answer != nil {
		answer = s.mode.Answer(c, answer)
	}
	data, err := json.Marshal(object{"Response": answer})
	if err != nil {
		http.Error(w, "a mode made what is no JSON: "+err.Error(), http.StatusInternalServerError)
		return
	}
	if s.mode.Write != nil && s.mode.Write(c, w, r, data) {
		return
	}
	write(w, data)
}

func write(w http.ResponseWriter, data []byte) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(data)
}

// ask carries a call out, and returns what is in its answer's Response.
func (c *Call) ask(action string, body object) object {
	data, err := json.Marshal(body)
	if err != nil {
		return broken(err)
	}
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/", bytes.NewReader(data))
	r.Header.Set("X-TC-Action", action)
	r.Header.Set("X-TC-Version", c.version)
	if c.version == "2022-01-06" {
		r.Header.Set("X-TC-Region", "ap-guangzhou")
	}
	sign(r, data)
	w := httptest.NewRecorder()
	c.server.bad.ServeHTTP(w, r)
	var answer struct{ Response object }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		return broken(fmt.Errorf("the emulator answered %q", w.Body))
	}
	return answer.Response
}

// broken is the answer where this package itself has a fault.
func broken(err error) object {
	return object{"Error": object{"Code": "InternalError.Evil", "Message": err.Error()}}
}

// Purged reports for each target of [Zone] by its spelling whether a task has purged it.
func (s *Server) Purged() map[string]bool {
	c := &Call{server: s, version: "2022-09-01"}
	purged := make(map[string]bool)
	for offset := 0; ; {
		answer := c.ask(describe, object{
			"ZoneId": Zone, "StartTime": time.Now().Add(-time.Hour).UTC().Format(time.RFC3339),
			"EndTime": time.Now().Add(time.Hour).UTC().Format(time.RFC3339), "Limit": 1000, "Offset": offset,
		})
		rows := list(answer["Tasks"])
		for _, row := range rows {
			if row["Status"] == "success" {
				purged[row["Target"].(string)] = true
			}
		}
		if offset += len(rows); len(rows) < 1000 {
			return purged
		}
	}
}

// chance reports whether something befalls that does so in n of 100 cases.
func (c *Call) chance(n int) bool {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	return c.server.rand.IntN(100) < n
}

// times counts how often it was called with the words.
func (c *Call) times(words string) int {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.server.notes[words]++
	return c.server.notes[words]
}

// list returns the objects of a JSON list.
func list(v any) []object {
	items, _ := v.([]any)
	found := make([]object, 0, len(items))
	for _, item := range items {
		if o, ok := item.(object); ok {
			found = append(found, o)
		}
	}
	return found
}

// items returns a JSON list of objects.
func items(rows []object) []any {
	all := make([]any, len(rows))
	for i, row := range rows {
		all[i] = row
	}
	return all
}
