package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const createAction = "CreatePurgeTask"

// read notes what a CreatePurgeTask asks for.
func (c *call) read(body []byte) {
	if c.Action != createAction {
		return
	}
	var p struct {
		ZoneID   string `json:"ZoneId"`
		Type     string
		Method   string
		Targets  []string
		CacheTag struct{ Domains []string }
	}
	if err := json.Unmarshal(body, &p); err != nil {
		c.Code = "body: " + err.Error()
		return
	}
	c.Zone, c.Type, c.Method, c.Targets, c.Hosts = p.ZoneID, p.Type, p.Method, p.Targets, p.CacheTag.Domains
}

// readAnswer notes what the emulator made of a call.
func (c *call) readAnswer(body []byte) {
	var p struct {
		Response struct {
			JobID      string `json:"JobId"`
			FailedList []struct{ Targets []string }
			Error      struct{ Code string }
		}
	}
	if err := json.Unmarshal(body, &p); err != nil {
		c.Code = "answer: " + err.Error()
		return
	}
	c.Code = p.Response.Error.Code
	if c.Action != createAction {
		return
	}
	c.Job = p.Response.JobID
	for _, f := range p.Response.FailedList {
		c.Refused = append(c.Refused, f.Targets...)
	}
}

// stats asks the emulator how many calls it refused as too fast.
func (a *api) stats(ctx context.Context) (throttled int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+a.emulator+"/stats", http.NoBody)
	if err != nil {
		return 0, fmt.Errorf("make call: %w", err)
	}
	res, err := a.client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("read stats: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	var s struct{ Throttled int64 }
	if err := json.NewDecoder(res.Body).Decode(&s); err != nil {
		return 0, fmt.Errorf("read stats: %w", err)
	}
	return s.Throttled, nil
}
