package docs_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/tree"
)

// Commands of the documents that no test can run as they stand, with the reason. Every other one is
// run.
var notRun = []struct {
	line   *regexp.Regexp
	reason string
}{
	{regexp.MustCompile(`^go test `), "the tests do not run themselves"},
	{regexp.MustCompile(`^go install `), "installs for the person; TestREADME_InstallsFromAClone runs it"},
	{regexp.MustCompile(`^git clone `), "the network is not there for tests"},
	{regexp.MustCompile(`^nats (sub|pub) `), "the nats CLI may not be here; what it publishes is checked, see TestREADME_PublishesValidRequests"},
	{regexp.MustCompile(`\| Out-String \|`), "PowerShell may not be here"},
	{regexp.MustCompile(`^edgepurge completion zsh > `), "writes into the person's shell"},
	{regexp.MustCompile(`^edgepurge completion fish > `), "writes into the person's shell"},
}

func runnable(line string) bool {
	for _, n := range notRun {
		if n.line.MatchString(line) {
			return false
		}
	}
	return true
}

// staysUp are commands that run until they are interrupted.
var staysUp = regexp.MustCompile(`edgepurge (run|emulator)\b|--serve|--follow\b| -f\b`)

// goText is what libraries of Go say, and nobody else understands.
var goText = regexp.MustCompile(`strconv\.|dial tcp|context deadline|invalid argument|json:|yaml:|no such host|panic:|goroutine `)

// named is a file that a flag names.
var named = regexp.MustCompile(`--(file|urls|config) (\w\S*)`)

// The examples of each command, as docs/cli.md has them, are commands that do something: they run
// beside a worker, and none of them is refused as a mistake.
func TestDocsCLI_ExamplesRun(t *testing.T) {
	t.Parallel()
	r := newRunning(t)
	for _, block := range tree.Blocks(t, "docs/cli.md", "sh") { // the files that the examples name
		for _, m := range named.FindAllStringSubmatch(block, -1) {
			content := "https://www.example.com/" + m[2] + "\n"
			if m[1] == "config" {
				content = "instance: example\n"
			}
			if err := os.WriteFile(filepath.Join(r.dir, m[2]), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	n := 0
	var all sync.WaitGroup // some look for what is not there for seconds
	few := make(chan struct{}, 12)
	var writers []string // of files that others read
	for _, block := range tree.Blocks(t, "docs/cli.md", "sh") {
		for line := range strings.Lines(block) {
			line = strings.TrimSpace(line)
			if !runnable(line) {
				continue
			}
			n++
			if strings.Contains(line, " > ") {
				writers = append(writers, line)
				continue
			}
			all.Go(func() {
				few <- struct{}{}
				defer func() { <-few }()
				r.example(line)
			})
		}
	}
	all.Wait()
	for _, line := range writers {
		r.example(line)
	}
	if n < 35 {
		t.Errorf("got %d commands, want those of docs/cli.md", n)
	}
}

// example runs a line as it stands. What stays up is interrupted once it has run for a while.
func (r *running) example(line string) {
	ctx, cancel := context.WithTimeout(r.t.Context(), 2*patience)
	defer cancel()
	c := r.command(ctx, "exec "+line)
	if strings.Contains(line, "<(") || strings.Contains(line, "=") {
		c = r.command(ctx, line)
		c.Args[0], c.Path = "bash", "/bin/bash"
	}
	if staysUp.MatchString(line) {
		ports := strings.NewReplacer("127.0.0.1:4223", "127.0.0.1:0", "127.0.0.1:7490", "127.0.0.1:0", "127.0.0.1:7481", "127.0.0.1:0")
		if strings.Contains(line, "emulator") || strings.Contains(line, "demo") {
			c.Args[len(c.Args)-1] = "exec " + ports.Replace(line)
		}
		c.Cancel = func() error { return c.Process.Signal(syscall.SIGINT) }
		time.AfterFunc(3*time.Second, cancel)
	}
	out, err := c.CombinedOutput()
	code := c.ProcessState.ExitCode()
	if exited, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok && !errors.Is(err, context.Canceled) {
		r.t.Errorf("%s: %v %v", line, err, exited)
	}
	// What an example names, a request or a dead letter, need not be here.
	if !slices.Contains([]int{0, 1, 3, 130, -1}, code) {
		r.t.Errorf("%s: exit code %d: %s", line, code, out)
	}
	if text := goText.Find(out); text != nil || strings.Contains(string(out), "unknown flag") {
		r.t.Errorf("%s: got %s, in the words of a library: %s", line, out, text)
	}
}
