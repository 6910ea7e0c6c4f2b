package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/e2e/kit"
	"github.com/edgepurge/edgepurge/internal/tree"
	"github.com/edgepurge/edgepurge/purge"
)

// guide is a document that leads from nothing to an end: its shells are started, its scripts and
// its program are made, and its sessions are run, all in its order.
type guide struct {
	*trial

	file    string
	workers int // that were started
}

// fewer makes lists shorter than they are in the guides, and the quotas with them.
var fewer = strings.NewReplacer("200000", "2000", "250000", "2500", "50000", "500")

// passing is what a guide shows of one run: how far it had come, and how what came was cut.
var passing = regexp.MustCompile(strings.Join([]string{
	`(?m)^\d+ of \d+ requests have ended.*\n`, `; \d+ had ended before`, `, in \d+ jobs?`, `stored: \S+`, ` {2,}`,
}, "|"))

func newGuide(t *testing.T, file string) *guide {
	t.Helper()
	s := newTrial(t)
	s.env = slices.DeleteFunc(s.env, func(v string) bool { return strings.HasPrefix(v, "EDGEPURGE_HTTP_LISTEN") })
	var here, told []string
	for _, address := range []string{"127.0.0.1:4222", "127.0.0.1:7481", "127.0.0.1:7480", "127.0.0.1:7482"} {
		free := s.real.Replace(address)
		if free == address {
			free = freeAddress(t)
		}
		here, told = append(here, address, free), append(told, free, address)
	}
	s.real, s.told = strings.NewReplacer(here...), strings.NewReplacer(told...)
	s.env = append(s.env, "EDGEPURGE_HTTP_LISTEN="+s.real.Replace("127.0.0.1:7480"))
	return &guide{trial: s, file: file}
}

func TestDocsGuides_LeadWhereTheySay(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"cms", "backlog", "microservice", "operator"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newGuide(t, "docs/guides/"+name+".md").follow(t)
		})
	}
}

func (g *guide) follow(t *testing.T) {
	for program, from := range map[string]string{
		"curl": "Debian's package curl", "jq": "Debian's package jq", "seq": "Debian's package coreutils",
	} {
		kit.Need(t, program, from)
	}
	fences := regexp.MustCompile("(?ms)^```(sh|go|console)\n(.*?)^```$").FindAllStringSubmatch(string(tree.Read(t, g.file)), -1)
	if len(fences) < 4 {
		t.Fatalf("%s: got %d blocks, want those of the guide", g.file, len(fences))
	}
	for _, fence := range fences {
		text := fewer.Replace(fence[2])
		switch {
		case fence[1] == "console":
			g.session(text)
		case fence[1] == "go":
			g.install("shop", contents(t, buildProgram(t, g.file, text)))
		case strings.HasPrefix(text, "#!"):
			g.script(text)
		case strings.HasPrefix(text, "nats "):
			g.publishes(text)
		default:
			g.shell(text)
		}
	}
}

func (g *guide) install(name string, data []byte) {
	g.t.Helper()
	file, err := os.OpenFile(filepath.Join(g.dir, name), os.O_CREATE|os.O_WRONLY, 0o700)
	if err != nil {
		g.t.Fatal(err)
	}
	if _, err := file.Write(data); err != nil {
		g.t.Error(err)
	}
	if err := file.Close(); err != nil {
		g.t.Error(err)
	}
}

// script has its name at the beginning of its second line.
func (g *guide) script(text string) {
	g.t.Helper()
	words := strings.Fields(strings.Split(text, "\n")[1])
	g.install(words[1], []byte(text))
}

// publishes wants a subject and a request that are valid: the nats CLI itself may not be here.
func (g *guide) publishes(line string) {
	g.t.Helper()
	m := regexp.MustCompile(`^nats pub -J (\S+) '(.+)'\n$`).FindStringSubmatch(line)
	if m == nil {
		g.t.Fatalf("%s: can't read %q", g.file, line)
	}
	if _, _, ok := (purge.Subjects{Prefix: "purge"}).ParseRequest(m[1]); !ok {
		g.t.Errorf("%s: %s is no subject of requests", g.file, m[1])
	}
	if _, err := purge.Decode([]byte(m[2]), ""); err != nil {
		g.t.Errorf("%s: %s: %v", g.file, m[2], err)
	}
}

// shell starts what stays up, and waits until a worker of it can work. The demo's parts are started
// one by one, since its NATS listens where that of somebody else may.
func (g *guide) shell(block string) {
	g.t.Helper()
	if flags, ok := strings.CutPrefix(block, "edgepurge demo --serve --count 1 "); ok {
		g.start("edgepurge emulator --listen 127.0.0.1:7481 " + flags)
		block = "export EDGEPURGE_EDGEONE_ENDPOINT=http://127.0.0.1:7481 TENCENTCLOUD_SECRET_ID=AKIDEMULATOR TENCENTCLOUD_SECRET_KEY=emulator-secret\n" +
			"edgepurge run\n"
	}
	g.start(block)
	if !strings.Contains(block, "edgepurge run") {
		return
	}
	want := "edgepurge_leader 1\n"
	if g.workers++; g.workers > 1 {
		want = "edgepurge_ready 1\n"
	}
	listen := regexp.MustCompile(`EDGEPURGE_HTTP_LISTEN=(\S+)`).FindStringSubmatch(block)
	address := "127.0.0.1:7480"
	if listen != nil {
		address = listen[1]
	}
	g.await(g.real.Replace(address))
	g.until("a worker", func() bool { return strings.Contains(g.get("http://"+g.real.Replace(address)+"/metrics"), want) })
}

// session runs a console's lines one after the other. What only looks is asked again for a while,
// since what it looks for takes its time.
func (g *guide) session(console string) {
	g.t.Helper()
	code := 0
	for _, part := range strings.Split("\n"+console, "\n$ ")[1:] {
		line, want, _ := strings.Cut(part, "\n")
		if want != "" && !strings.HasSuffix(want, "\n") {
			want += "\n"
		}
		if line == "echo $?" {
			if got := strconv.Itoa(code) + "\n"; got != want {
				g.t.Errorf("%s: got exit code %s, want %s", g.file, got, want)
			}
			continue
		}
		looks := strings.HasPrefix(line, "edgepurge events ") || strings.HasPrefix(line, "curl ")
		var diff string
		tick := time.NewTicker(100 * time.Millisecond)
		for late := time.Now().Add(patience); ; <-tick.C {
			var got string
			got, code = g.run(line)
			diff = cmp.Diff(steady(want), steady(got))
			if diff == "" || !looks || time.Now().After(late) {
				break
			}
		}
		tick.Stop()
		if diff != "" {
			g.t.Errorf("%s: $ %s (-told +real):\n%s", g.file, line, diff)
		}
	}
}

// steady is what is the same in every run. Both outputs come together, in either order.
func steady(text string) string {
	lines := strings.Split(passing.ReplaceAllString(settled(text), " "), "\n")
	slices.SortStableFunc(lines, func(a, b string) int {
		return strings.Count(a, "edgepurge: ") - strings.Count(b, "edgepurge: ")
	})
	return strings.TrimSpace(strings.Join(lines, "\n"))
}
