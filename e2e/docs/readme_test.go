package docs_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/tree"
)

// command begins every line of README.md that runs the program.
const command = "go run ./cmd/edgepurge"

// counts are those of README.md that may differ from run to run.
var counts = regexp.MustCompile(`\b\d+ (jobs?|CreatePurgeTask|refused)\b`)

// progressLine is what a slow machine prints now and then.
var progressLine = regexp.MustCompile(`(?m)^\d+ of \d+ requests have ended.*\n`)

// The commands of README.md run as they stand, in their order, and print what it shows below them.
// Addresses are others, the key pair is one that an emulator takes, and the demo and the workers
// listen where nobody else does.
func TestREADME_CommandsRun(t *testing.T) {
	t.Parallel()
	s := newTrial(t)
	nats, page, stand := freeAddress(t), freeAddress(t), freeAddress(t)
	parts := regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$").FindAllStringSubmatchIndex(string(tree.Read(t, "README.md")), -1)
	text := string(tree.Read(t, "README.md"))
	last, end, n := "", 0, 0
	for _, at := range parts {
		language, block := text[at[2]:at[3]], text[at[4]:at[5]]
		shown := language == "" && last != "" && strings.TrimSpace(text[end:at[0]]) == ""
		if shown {
			last = progressLine.ReplaceAllString(last, "")
			if diff := cmp.Diff(counts.ReplaceAllString(settled(block), "…"), counts.ReplaceAllString(settled(last), "…")); diff != "" {
				t.Errorf("README.md (-told +real):\n%s", diff)
			}
		}
		last, end = "", at[1]
		if language != "sh" {
			continue
		}
		for line := range strings.Lines(strings.ReplaceAll(block, "\\\n", " ")) {
			line = strings.ReplaceAll(strings.TrimSpace(line), command, "edgepurge")
			switch {
			case !runnable(line):
			case strings.HasPrefix(line, "export "):
				s.start(strings.ReplaceAll(line, "…", "x"))
				s.env = append(s.env, "EDGEPURGE_EDGEONE_ENDPOINT=http://"+stand)
			case line == "edgepurge run":
				s.start("edgepurge emulator --listen " + stand) // with the key pair that is exported by now
				s.start(line)
				s.until("the streams of a worker", func() bool {
					text, _ := s.run("edgepurge setup --dry-run")
					return strings.HasPrefix(text, "everything is as it should be")
				})
			case strings.HasSuffix(line, "demo --serve"):
				s.start(line + " --nats-listen " + nats + " --http-listen " + page)
				s.await(nats)
				s.await(page)
				s.env = append(s.env, "NATS_URL=nats://"+nats)
			case staysUp.MatchString(line):
				s.start("env " + line)
			default:
				var code int
				if last, code = s.run(line); code != 0 {
					t.Errorf("%s: exit code %d: %s", line, code, last)
				}
			}
			n++
		}
	}
	if n < 12 {
		t.Errorf("got %d commands, want those of README.md", n)
	}
}

// What README.md says to install puts a program there that knows its version.
func TestREADME_InstallsFromAClone(t *testing.T) {
	t.Parallel()
	line := regexp.MustCompile(`(?m)^go install .*$`).FindString(string(tree.Read(t, "README.md")))
	if line != "go install ./cmd/edgepurge" {
		t.Fatalf("got %q, want how to install from a clone", line)
	}
	bin := t.TempDir()
	c := exec.CommandContext(t.Context(), "go", strings.Fields(line)[1:]...)
	c.Dir = tree.Root(t)
	c.Env = append(c.Environ(), "GOBIN="+bin, "GOFLAGS=-buildvcs=false")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(bin, "edgepurge"), "--version").Output()
	if err != nil || !strings.HasPrefix(string(out), "edgepurge ") {
		t.Errorf("got %q, %v, want a version", out, err)
	}
}

func TestREADME_RunsTheProgramAsItIs(t *testing.T) {
	t.Parallel()
	p := build(t)
	t.Run("lines", func(t *testing.T) { checkLines(t, p) })
	t.Run("table", func(t *testing.T) { checkTable(t, p) })
}

func checkLines(t *testing.T, p program) {
	t.Helper()
	n := 0
	for _, block := range tree.Blocks(t, "README.md", "sh") {
		for line := range strings.Lines(strings.ReplaceAll(block, "\\\n", " ")) {
			_, rest, ok := strings.Cut(line, command)
			if !ok {
				continue
			}
			n++
			p.help(t, strings.Fields(rest))
		}
	}
	if n < 5 {
		t.Errorf("got %d lines that run the program, want those of README.md", n)
	}
}

func checkTable(t *testing.T, p program) {
	t.Helper()
	quoted := regexp.MustCompile("`([^`]+)`")
	flag := regexp.MustCompile(`^--?[a-z-]+`)
	n := 0
	for _, row := range tree.Table(t, "README.md", "command") {
		for _, name := range quoted.FindAllStringSubmatch(row[0], -1) {
			words := slices.DeleteFunc(strings.Fields(name[1]), func(w string) bool { return strings.ToLower(w) != w })
			n++
			text := p.help(t, words)
			for _, m := range quoted.FindAllStringSubmatch(row[1], -1) {
				if f := flag.FindString(m[1]); f != "" && !strings.Contains(text, f) {
					t.Errorf("%s: got no flag %s, README.md names it", name[1], f)
				}
			}
		}
	}
	if n < 8 {
		t.Errorf("got %d commands, want those of the table", n)
	}
}
