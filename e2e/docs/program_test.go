package docs_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/natstest"
	"github.com/edgepurge/edgepurge/internal/tree"
	"github.com/edgepurge/edgepurge/purge"
)

// patience is for what should come at once, on a machine with much else to do.
const patience = 30 * time.Second

// The program of docs/events.md is built and run: it is told of an event that was there before it,
// and of one that comes.
func TestDocsEvents_TheProgramReadsEvents(t *testing.T) {
	t.Parallel()
	bin := buildSnippet(t, "docs/events.md")
	nc, events := eventStream(t)
	publish := func(id string) {
		e := purge.NewEvent("default", purge.Outcome{Request: id, Source: "ghost", Status: purge.Completed}, time.Now())
		data, err := e.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := nc.Publish((purge.Subjects{Prefix: "purge"}).Event("ghost", purge.Completed, id), data); err != nil {
			t.Fatal(err)
		}
	}
	publish("before")

	cmd := exec.CommandContext(t.Context(), bin)
	cmd.Env = append(os.Environ(), "NATS_URL="+nc.ConnectedUrl())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		late.Stop()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	want := map[string]bool{
		"followed ghost/before completed 0 of 0": true,
		"followed ghost/after completed 0 of 0":  true,
		"watched ghost/after completed 0 of 0":   true,
	}
	for lines := bufio.NewScanner(out); len(want) > 0; {
		if !lines.Scan() {
			t.Fatalf("the program ended, or said nothing for %v; want %v yet", patience, want)
		}
		if lines.Text() == "followed ghost/before completed 0 of 0" {
			publish("after")
		}
		if !want[lines.Text()] {
			t.Errorf("got %q", lines.Text())
		}
		delete(want, lines.Text())
	}
	// What the line with nats stream get asks for.
	m, err := events.GetLastMsgForSubject(t.Context(), "purge.events.ghost.*.before")
	if err != nil || m.Subject != "purge.events.ghost.completed.before" {
		t.Errorf("got %v, %v, want the stored event", m, err)
	}
}

// buildSnippet builds the one program of a document.
func buildSnippet(t *testing.T, file string) string {
	t.Helper()
	programs := tree.Blocks(t, file, "go")
	if len(programs) != 1 {
		t.Fatalf("%s: got %d programs, want one", file, len(programs))
	}
	return buildProgram(t, file, programs[0])
}

// buildProgram builds a program of a document, as if it were a command of this module.
func buildProgram(t *testing.T, file, text string) string {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	root := tree.Root(t)
	replace := map[string]map[string]string{"Replace": {filepath.Join(root, "docs", "program", "main.go"): source}}
	overlay, err := json.Marshal(replace)
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "program")
	args := []string{"build", "-race=false", "-buildvcs=false", "-overlay", list, "-o", bin, "./docs/program"}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the program of %s: %v\n%s", file, err, text)
	}
	return bin
}

// eventStream is a NATS server with the stream of events.
func eventStream(t *testing.T) (*nats.Conn, jetstream.Stream) {
	t.Helper()
	nc, err := nats.Connect(natstest.Start(t, nil).URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "PURGE_EVENTS", Subjects: []string{(purge.Subjects{Prefix: "purge"}).Events()},
	})
	if err != nil {
		t.Fatal(err)
	}
	return nc, stream
}

// The lines of the documents that run edgepurge name commands and flags that there are.
func TestDocs_RunTheProgramAsItIs(t *testing.T) {
	t.Parallel()
	p := build(t)
	n := 0
	for _, file := range tree.Files(t, ".md") {
		for _, block := range tree.Blocks(t, file, "sh") {
			for line := range strings.Lines(strings.ReplaceAll(block, "\\\n", " ")) {
				if rest, ok := strings.CutPrefix(line, "edgepurge "); ok {
					n++
					p.help(t, strings.Fields(rest))
				}
			}
		}
	}
	if n < 2 {
		t.Errorf("got %d lines, want those of the documents", n)
	}
}
