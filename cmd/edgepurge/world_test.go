package main

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/internal/natstest"
)

// patience bounds every wait: long enough for two loaded cores under the race detector.
const patience = 60 * time.Second

// The users of a server that asks who one is.
const (
	workerPassword = "pass-of-worker"
	ghostPassword  = "pass-of-ghost"
)

// withUsers starts a server that knows worker, who may do all, and the producer ghost.
func withUsers(t *testing.T) *natstest.Server {
	t.Helper()
	return natstest.Start(t, func(o *server.Options) {
		o.Users = []*server.User{
			{Username: "worker", Password: workerPassword},
			{Username: "ghost", Password: ghostPassword, Permissions: &server.Permissions{
				Publish:   &server.SubjectPermission{Allow: []string{"purge.requests.*.ghost"}},
				Subscribe: &server.SubjectPermission{Allow: []string{"purge.events.ghost.>", "_INBOX.>"}},
			}},
		}
	})
}

// world points the environment at a NATS server and an emulator of its own.
func world(t *testing.T, change func(*emulator.Config)) (jetstream.JetStream, *emulator.Emulator) {
	t.Helper()
	s := natstest.Start(t, nil)
	c := emulator.Default()
	c.TaskTime, c.Latency = 100*time.Millisecond, time.Millisecond
	if change != nil {
		change(&c)
	}
	api, err := emulator.New(c)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(api)
	t.Cleanup(srv.Close)
	t.Setenv("NATS_URL", s.URL)
	t.Setenv("EDGEPURGE_EDGEONE_ENDPOINT", srv.URL)
	t.Setenv("EDGEPURGE_HTTP_LISTEN", "")
	t.Setenv("EDGEPURGE_TRACKER_POLL_MIN", "200ms")
	t.Setenv("TENCENTCLOUD_SECRET_ID", emulator.DefaultSecretID)
	t.Setenv("TENCENTCLOUD_SECRET_KEY", emulator.DefaultSecretKey)
	nc, err := nats.Connect(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js, api
}

// work runs the worker until the test ends.
func work(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		var out, errs strings.Builder
		if code := execute(ctx, []string{"run"}, strings.NewReader(""), &out, &errs); code != exitOK {
			t.Errorf("run: exit code %d: %s", code, errs.String())
		}
	})
	t.Cleanup(func() { stop(); done.Wait() })
}

// must runs a command that has to succeed, and gives what it prints.
func must(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errs := command(t, "", args...)
	if code != exitOK {
		t.Fatalf("%s: exit code %d, %q, %q", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// until polls for something to become true.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

// decoded reads lines of JSON.
func decoded(t *testing.T, out string) []map[string]any {
	t.Helper()
	all := []map[string]any{}
	for line := range strings.Lines(out) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, v)
	}
	return all
}

// natsContext stores a context as the nats CLI does.
func natsContext(t *testing.T, name, content string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	path := filepath.Join(dir, "nats", "context", name+".json")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
