//go:build node

// Package node_test drives main.js: Tencent's own Node.js SDK for EdgeOne, from npm, against the emulator as a process.
// What the emulator answers is so judged by a client that is not ours and shares nothing with it. It also runs the recipe
// of docs/client.md, with NATS' own client. It needs node and npm, and fails without them: the build tag is the only
// switch.
package node_test

import (
	"bufio"
	"context"
	"io"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/e2e/kit"
)

const (
	// patience is for each of the steps: a build, npm's download of 5 MB, the tests of some seconds.
	patience = 3 * time.Minute
	// fewest is how many tests main.js has at least; one that finds nothing to do must not pass.
	fewest = 30
)

var (
	// address is in the line that the emulator begins with.
	address = regexp.MustCompile(`http://[0-9.]+:[0-9]+`)
	// sums are the closing lines of node's test runner, in either of its forms.
	sums = regexp.MustCompile(`(?m)^\S+ (pass|fail|cancelled|skipped|todo) (\d+)$`)
)

func TestSDK_FindsTheAPIInTheEmulator(t *testing.T) {
	bin, err := kit.Build(t.Context(), t.TempDir(), "edgepurge", kit.Edgepurge)
	if err != nil {
		t.Fatal(err)
	}
	run(t, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	unlimited := emulator(t, bin, "--rate", "0", "--latency", "0", "--task-time", "1500ms")
	limited := emulator(t, bin)

	out := run(t, "node", "main.js", unlimited, limited)
	t.Logf("%s", out)
	got := make(map[string]int)
	for _, m := range sums.FindAllStringSubmatch(out, -1) {
		n, err := strconv.Atoi(m[2])
		if err != nil {
			t.Fatal(err)
		}
		got[m[1]] = n
	}
	if got["pass"] < fewest || got["fail"]+got["cancelled"]+got["skipped"]+got["todo"] > 0 {
		t.Errorf("got %v, want at least %d that pass, and none that do not", got, fewest)
	}
}

// run waits for a command to end well and gives its output.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	return string(out)
}

// emulator starts one on a free port and gives its URL. The end of the test ends it.
func emulator(t *testing.T, bin string, args ...string) string {
	t.Helper()
	// No variables: the key pair is the emulator's own.
	cmd := exec.CommandContext(t.Context(), bin, append([]string{"emulator", "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Env = []string{}
	told, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		stop.Stop()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(told).ReadString('\n')
	url := address.FindString(line)
	if url == "" {
		t.Fatalf("emulator: got %q, %v, want its address", line, err)
	}
	go func() { _, _ = io.Copy(io.Discard, told) }()
	return url
}
