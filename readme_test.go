package edgepurge_test

import (
	"errors"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/e2e/proc"
	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/purge"
)

// command begins every line of README.md that runs the program.
const command = "go run ./cmd/edgepurge"

// testLine is the one line that says how to run the tests; .ci/run takes it from there.
var testLine = regexp.MustCompile(`(?m)^go test .*\./\.\.\.$`)

func TestREADME_RunsTheProgramAsItIs(t *testing.T) {
	t.Parallel()
	p := build(t)
	t.Run("lines", func(t *testing.T) { checkLines(t, p) })
	t.Run("table", func(t *testing.T) { checkTable(t, p) })
}

func checkLines(t *testing.T, p program) {
	t.Helper()
	n := 0
	for _, block := range blocks(t, "README.md", "sh") {
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
	for _, row := range table(t, "README.md", "command") {
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

func TestREADME_SnippetsAreARequestAndItsEvent(t *testing.T) {
	t.Parallel()
	snippets := blocks(t, "README.md", "json")
	if len(snippets) != 2 {
		t.Fatalf("got %d snippets, want a request and an event", len(snippets))
	}
	r, err := purge.Decode([]byte(snippets[0]), "")
	if err != nil {
		t.Fatalf("decode request: %v", err)
	}
	e, err := purge.DecodeEvent([]byte(snippets[1]))
	if err != nil {
		t.Fatalf("decode event: %v", err)
	}
	if e.Data.Request != r.ID || e.Data.Digest != r.Digest() || e.Data.Targets.Total != len(r.Targets) {
		t.Errorf("got an event of %s, digest %s, %d targets; want %s, %s, %d",
			e.Data.Request, e.Data.Digest, e.Data.Targets.Total, r.ID, r.Digest(), len(r.Targets))
	}
	if diff := cmp.Diff(purge.NewEvent("default", e.Data, e.Time), e); diff != "" {
		t.Errorf("envelope (-want +got):\n%s", diff)
	}
	for _, f := range e.Data.Failures {
		_, err := purge.Canonical(r.Type, f.Target)
		if want, ok := errors.AsType[*purge.Reason](err); !ok || f.Code != want.Code || f.Reason != want.Message {
			t.Errorf("%s: got %s, %q; want what package purge says: %v", f.Target, f.Code, f.Reason, err)
		}
	}
}

func TestREADME_PublishesValidRequests(t *testing.T) {
	t.Parallel()
	pub := regexp.MustCompile(`(?m)^nats pub (\S+) '(.+)'$`)
	found := pub.FindAllStringSubmatch(string(read(t, "README.md")), -1)
	if len(found) == 0 {
		t.Error("got no line with nats pub, want one")
	}
	for _, m := range found {
		if _, _, ok := (purge.Subjects{Prefix: "purge"}).ParseRequest(m[1]); !ok {
			t.Errorf("%s: not a subject of requests", m[1])
		}
		if _, err := purge.Decode([]byte(m[2]), ""); err != nil {
			t.Errorf("%s: %v", m[2], err)
		}
	}
}

func TestREADME_SaysHowToTestOnce(t *testing.T) {
	t.Parallel()
	lines := testLine.FindAllString(string(read(t, "README.md")), -1)
	if len(lines) != 1 {
		t.Fatalf("got %q, want one line: .ci/run takes it from there", lines)
	}
	if makefile := string(read(t, "Makefile")); !strings.Contains(makefile, "\t"+lines[0]+"\n") {
		t.Errorf("Makefile does not run %q", lines[0])
	}
}

func TestREADME_VariablesAreRead(t *testing.T) {
	t.Parallel()
	known := []string{config.FileVariable}
	for _, key := range config.Reference() {
		known = append(known, key.Variables...)
	}
	name := regexp.MustCompile(`\b(EDGEPURGE|NATS|TENCENTCLOUD)_[A-Z0-9_]+\b`)
	for _, file := range append(files(t, ".md"), "config.example.yaml") {
		for _, got := range name.FindAllString(string(read(t, file)), -1) {
			if !slices.Contains(known, got) {
				t.Errorf("%s: got %s, which no key of the configuration reads", file, got)
			}
		}
	}
}

// usage is the line of a help text that names the command.
var usage = regexp.MustCompile(`(?m)^Usage:\n  edgepurge[a-z ]*`)

// built is edgepurge, built once for all tests that run it.
var built = proc.NewOnce("edgepurge", proc.Edgepurge)

func TestMain(m *testing.M) {
	proc.Parallel(6)
	os.Exit(built.Main(m))
}

// program is the path of edgepurge.
type program string

func build(t *testing.T) program {
	t.Helper()
	return program(built.Path(t))
}

// help gives what the program says of a command line with --help, which it parses before it answers.
func (p program) help(t *testing.T, args []string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), string(p), append(args, "--help")...).CombinedOutput()
	if err != nil {
		t.Errorf("edgepurge %s: %v\n%s", strings.Join(args, " "), err, out)
		return ""
	}
	// An unknown command is answered with the help of the one above it, which has commands.
	text := string(out)
	path := strings.Fields(usage.FindString(text))[2:]
	if len(path) == 0 || strings.Contains(text, " [command]\n") && len(path) < len(args) {
		t.Errorf("edgepurge %s: no such command", strings.Join(args, " "))
	}
	return text
}
