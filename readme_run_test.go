package edgepurge_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// counts are those of README.md that may differ from run to run.
var counts = regexp.MustCompile(`\b\d+ (jobs?|CreatePurgeTask|refused)\b`)

// progressLine is what a slow machine prints now and then.
var progressLine = regexp.MustCompile(`(?m)^\d+ of \d+ requests have ended.*\n`)

// The commands of README.md run as they stand, in their order, and print what it shows below them. Addresses are others,
// the key pair is one that an emulator takes, and the demo and the workers listen where nobody else does.
func TestREADME_CommandsRun(t *testing.T) {
	t.Parallel()
	s := newTrial(t)
	nats, page, stand := freeAddress(t), freeAddress(t), freeAddress(t)
	parts := regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$").FindAllStringSubmatchIndex(string(read(t, "README.md")), -1)
	text := string(read(t, "README.md"))
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
	line := regexp.MustCompile(`(?m)^go install .*$`).FindString(string(read(t, "README.md")))
	if line != "go install ./cmd/edgepurge" {
		t.Fatalf("got %q, want how to install from a clone", line)
	}
	bin := t.TempDir()
	c := exec.CommandContext(t.Context(), "go", strings.Fields(line)[1:]...)
	c.Env = append(c.Environ(), "GOBIN="+bin, "GOFLAGS=-buildvcs=false")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(bin, "edgepurge"), "--version").Output()
	if err != nil || !strings.HasPrefix(string(out), "edgepurge ") {
		t.Errorf("got %q, %v, want a version", out, err)
	}
}

// Nothing is promised that can't be had yet: neither an image nor a module of a released version.
func TestREADME_PromisesNothingUnpublished(t *testing.T) {
	t.Parallel()
	promise := regexp.MustCompile(`go install \S+@|docker pull|docker run|ghcr\.io|brew install|apt-get install`)
	if m := promise.FindString(string(read(t, "README.md"))); m != "" {
		t.Errorf("README.md promises %q", m)
	}
}
