//go:build node

package node_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/edgepurge/edgepurge/e2e/kit"
	"github.com/edgepurge/edgepurge/internal/natstest"
)

// recipe is the program for Node.js in docs/client.md.
var recipe = regexp.MustCompile("(?ms)^```js\n(.*?)^```$")

// The recipe is run as it stands, by a user who has the rights that the document gives to a producer and no others.
func TestRecipe_PurgesFromNode(t *testing.T) {
	bin, err := kit.Build(t.Context(), t.TempDir(), "edgepurge", kit.Edgepurge)
	if err != nil {
		t.Fatal(err)
	}
	run(t, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	address := startNATS(t)
	worker(t, bin, "nats://worker:worker@"+address, emulator(t, bin, "--task-time", "100ms"))

	doc, err := os.ReadFile("../../docs/client.md")
	if err != nil {
		t.Fatal(err)
	}
	found := recipe.FindAllSubmatch(doc, -1)
	if len(found) != 1 {
		t.Fatalf("got %d programs for Node.js, want one", len(found))
	}
	// A module looks for packages beside itself.
	packages, err := filepath.Abs("node_modules")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(packages, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "recipe.mjs")
	if err := os.WriteFile(program, found[0][1], 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NATS_URL", "nats://"+address)
	t.Setenv("NATS_USER", "ghost")
	t.Setenv("NATS_PASSWORD", "ghost")
	for range 2 { // the same again is the same request
		if got := strings.TrimSpace(run(t, "node", program)); got != "completed 1 of 1" {
			t.Errorf("got %q, want completed 1 of 1", got)
		}
	}
}

// startNATS gives the address of a server with the users worker and ghost.
func startNATS(t *testing.T) string {
	t.Helper()
	return natstest.Start(t, func(o *server.Options) {
		o.Users = []*server.User{
			{Username: "worker", Password: "worker"},
			{Username: "ghost", Password: "ghost", Permissions: &server.Permissions{
				Publish: &server.SubjectPermission{Allow: []string{
					"purge.requests.*.ghost", "$JS.API.DIRECT.GET.PURGE_EVENTS.purge.events.ghost.>",
				}},
				Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}},
			}},
		}
	}).Address
}

// worker runs edgepurge against an emulator until the test ends.
func worker(t *testing.T, bin, nats, endpoint string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), bin, "run")
	cmd.Env = []string{
		"HOME=" + t.TempDir(), "NATS_URL=" + nats, "EDGEPURGE_EDGEONE_ENDPOINT=" + endpoint, "EDGEPURGE_HTTP_LISTEN=127.0.0.1:0",
		"EDGEPURGE_TRACKER_POLL_MIN=200ms", "TENCENTCLOUD_SECRET_ID=AKIDEMULATOR", "TENCENTCLOUD_SECRET_KEY=emulator-secret",
	}
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("worker: %s", said.String())
		}
	})
}
