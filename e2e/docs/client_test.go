package docs_test

import (
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/app"
	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/internal/natstest"
	"github.com/edgepurge/edgepurge/internal/tree"
)

const clientFile = "docs/client.md"

// The program of docs/client.md is built and run, beside an installation.
func TestDocsClient_TheProgramPurges(t *testing.T) {
	t.Parallel()
	bin := buildSnippet(t, clientFile)
	cmd := exec.CommandContext(t.Context(), bin)
	cmd.Env = append(os.Environ(), "NATS_URL="+installation(t))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.Sort(lines)
	want := []string{"event 1 completed", "event 2 partial", "post-4711-r3: completed", "waited: partial 1 of 2"}
	if len(lines) == len(want) && lines[0] == "event 1 partial" { // no order is promised
		want[0], want[1] = "event 1 partial", "event 2 completed"
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

// The lines of README.md are those of a program that compiles.
func TestREADME_CallsTheClientAsItIs(t *testing.T) {
	t.Parallel()
	lines := tree.Blocks(t, "README.md", "go")
	if len(lines) != 1 {
		t.Fatalf("got %d snippets in Go, want one", len(lines))
	}
	buildProgram(t, "README.md", `package main

import (
	"context"

	"github.com/nats-io/nats.go"

	"github.com/edgepurge/edgepurge/client"
	"github.com/edgepurge/edgepurge/purge"
)

func main() { _ = purges }

func purges(ctx context.Context, nc *nats.Conn) (string, purge.Outcome, error) {
	`+lines[0]+`
	return id, outcome, err
}
`)
}

// installation runs a NATS server and a worker, with an emulator in EdgeOne's place, and gives the
// server's URL.
func installation(t *testing.T) string {
	t.Helper()
	ec := emulator.Default()
	ec.TaskTime, ec.Latency, ec.Rate = 100*time.Millisecond, 0, 0
	api, err := emulator.New(ec)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(api)
	t.Cleanup(srv.Close)
	url := natstest.Start(t, nil).URL
	cfg := config.Default()
	cfg.NATS.URL = config.ServerURL(url)
	cfg.EdgeOne.Endpoint = srv.URL
	cfg.HTTP.Listen = ""
	cfg.Limits.CreatePerSecond, cfg.Limits.DescribePerSecond = 0, 0
	cfg.Tracker.PollMin, cfg.Tracker.PollMax = 100*time.Millisecond, 300*time.Millisecond
	cfg.Worker.Drain = 2 * time.Second
	a, err := app.New(cfg, common.NewCredential(emulator.DefaultSecretID, emulator.DefaultSecretKey), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() {
		if err := a.Run(ctx); err != nil {
			t.Errorf("worker: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return url
}
