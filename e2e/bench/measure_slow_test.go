//go:build slow

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"runtime"
	"testing"
	"time"
)

// The bench itself, with real processes, but next to nothing to do for them.
func TestBench_MeasuresWhatItIsAskedTo(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	var out, notes bytes.Buffer
	err := run(ctx, []string{"-short", "-json", "-only", "raw", "-workers", "1", "-runs", "1"}, &out, &notes)
	if err != nil {
		t.Fatalf("%v\n%s", err, notes.String())
	}
	var got table
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	want := map[string]bool{"submitted, of fetch and ack": true, "start to last event": true, "worker CPU for a request": true}
	for _, r := range got.Rows {
		// The kernel tells CPU in ticks of 10 ms, of which the emulator need not take one in so short a run.
		tick := r.Figure == "emulator CPU for a request" && r.Median == 0
		if r.Scenario != "raw" || r.Workers != 1 || len(r.Values) != 1 || r.Median <= 0 && !tick {
			t.Errorf("got %+v, want a figure of the one run", *r)
		}
		delete(want, r.Figure)
	}
	if len(want) > 0 {
		t.Errorf("got no figures %v", want)
	}
	if got.Header.NATS == "" || got.Header.Cores == 0 {
		t.Errorf("got %+v, want all of it", got.Header)
	}
}
