package docs_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/edgepurge/edgepurge/e2e/kit"
	"github.com/edgepurge/edgepurge/internal/natstest"
	"github.com/edgepurge/edgepurge/internal/tree"
)

const operatingFile = "docs/operating.md"

// trial is a shell in which the commands of a document are tried, beside a NATS server.
type trial struct {
	t   *testing.T
	dir string
	// real has the addresses that stand for those of the document, and told the way back.
	real, told *strings.Replacer

	mu  sync.Mutex
	env []string // guarded by mu
}

func newTrial(t *testing.T) *trial {
	t.Helper()
	s := natstest.Start(t, func(o *server.Options) {
		o.NoAuthUser = "all"
		o.Users = []*server.User{
			{Username: "all", Password: "all"},
			{Username: "ghost", Password: "secret", Permissions: &server.Permissions{
				Publish:   &server.SubjectPermission{Allow: []string{"purge.requests.*.ghost"}},
				Subscribe: &server.SubjectPermission{Allow: []string{"purge.events.ghost.>", "_INBOX.>"}},
			}},
		}
	})
	nats, api, away := s.Address, freeAddress(t), freeAddress(t)
	return &trial{
		t: t, dir: t.TempDir(),
		real: strings.NewReplacer("127.0.0.1:4222", nats, "127.0.0.1:7481", api, "127.0.0.1:4229", away),
		told: strings.NewReplacer(nats, "127.0.0.1:4222", api, "127.0.0.1:7481", away, "127.0.0.1:4229"),
		env: []string{
			"PATH=" + filepath.Dir(string(build(t))) + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + t.TempDir(),
			"NATS_URL=nats://" + nats, "EDGEPURGE_HTTP_LISTEN=", "EDGEPURGE_TRACKER_POLL_MIN=300ms",
		},
	}
}

// freeAddress is one that nobody listens on now.
func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := kit.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func (s *trial) command(ctx context.Context, line string) *exec.Cmd {
	c := exec.CommandContext(ctx, "sh", "-c", s.real.Replace(line))
	c.Dir = s.dir
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Env = append([]string{}, s.env...)
	return c
}

// run runs a line and gives what it prints, on both outputs, and its exit code.
func (s *trial) run(line string) (text string, code int) {
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*patience)
	defer cancel()
	out, err := s.command(ctx, line).CombinedOutput()
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		code = e.ExitCode()
	} else if err != nil {
		s.t.Errorf("%s: %v", line, err)
	}
	text = s.told.Replace(string(out))
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text, code
}

// start runs the lines of a shell of its own: variables, which the other shells have too, and a
// program that stays up.
func (s *trial) start(block string) {
	s.t.Helper()
	for line := range strings.Lines(block) {
		line = strings.TrimSpace(line)
		if pairs, ok := strings.CutPrefix(line, "export "); ok {
			s.env = append(s.env, strings.Fields(s.real.Replace(pairs))...)
			continue
		}
		c := s.command(context.WithoutCancel(s.t.Context()), "exec "+line)
		var errs strings.Builder
		c.Stderr = &errs
		if err := c.Start(); err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() {
			_ = c.Process.Kill()
			_ = c.Wait()
			if s.t.Failed() {
				s.t.Logf("%s:\n%s", line, errs.String())
			}
		})
		if _, address, ok := strings.Cut(s.real.Replace(line), "--listen "); ok {
			s.await(strings.Fields(address)[0])
		}
	}
}

// await waits until somebody listens.
func (s *trial) await(address string) {
	s.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(patience); ; {
		c, err := new(net.Dialer).DialContext(s.t.Context(), "tcp", address)
		if err == nil {
			_ = c.Close()
			return
		}
		select {
		case <-tick.C:
		case <-late:
			s.t.Fatalf("nobody listens on %s: %v", address, err)
		}
	}
}

// volatile is what differs each time.
var volatile = regexp.MustCompile(strings.Join([]string{
	`\d{4}-\d\d-\d\dT[\d:.]+Z`, `\b[\d.]+ s\b`, `\d+ DescribePurgeTasks`, `\bcli-\w{22}(-[0-9a-f]{16})?`, `server \d+\.\d+\.\d+`,
	`request [0-9a-f]{8}-[0-9a-f-]{27}`, `(?m)^jobs +\w+$`, `(?m)^edgepurge \S+$`,
}, "|"))

func settled(text string) string { return volatile.ReplaceAllString(text, "…") }

// session runs a console's lines one after the other, and compares what they print.
func (s *trial) session(console string) {
	s.t.Helper()
	code := 0
	for _, part := range strings.Split("\n"+console, "\n$ ")[1:] {
		line, want, _ := strings.Cut(part, "\n")
		if want != "" && !strings.HasSuffix(want, "\n") {
			want += "\n"
		}
		var got string
		if line == "echo $?" {
			got = strconv.Itoa(code) + "\n"
		} else {
			got, code = s.run(line)
		}
		if diff := cmp.Diff(settled(want), settled(got)); diff != "" {
			s.t.Errorf("%s: $ %s (-told +real):\n%s", operatingFile, line, diff)
		}
	}
}

// each runs something for all rows of a table at once: some commands wait for seconds.
func each(t *testing.T, rows [][]string, do func(line, cell string)) {
	t.Helper()
	if len(rows) < 10 {
		t.Errorf("got %d rows, want those of the document", len(rows))
	}
	var all sync.WaitGroup
	for _, row := range rows {
		all.Go(func() { do(tree.Unquote(row[0]), tree.Unquote(row[1])) })
	}
	all.Wait()
}

func TestDocsOperating_IsWhatTheCommandsSay(t *testing.T) {
	t.Parallel()
	s := newTrial(t)
	t.Run("help", s.help)
	t.Run("mistakes", s.mistakes)
	t.Run("sessions", s.sessions)
}

func (s *trial) help(t *testing.T) {
	each(t, tree.Table(t, operatingFile, "command"), func(line, begin string) {
		text, _ := s.run(line + " --help")
		if text = strings.Join(strings.Fields(text), " "); !strings.HasPrefix(text, begin) {
			t.Errorf("%s: got %.200q, want it to begin with %q", line, text, begin)
		}
		want := "edgepurge: unknown flag: --nope; see " + line + " --help\n"
		if text, code := s.run(line + " --nope"); text != want || code != 2 {
			t.Errorf("%s --nope: got %q, exit code %d, want %q, 2", line, text, code, want)
		}
	})
}

func (s *trial) mistakes(t *testing.T) {
	each(t, tree.Table(t, operatingFile, "command line | says"), func(line, says string) {
		if text, code := s.run(line); text != "edgepurge: "+says+"\n" || code != 2 {
			t.Errorf("%s: got %q, exit code %d, want %q, 2", line, text, code, says)
		}
	})
}

// sessions runs those of the document in its order, but for those with another NATS or user: they,
// and the commands that are refused, wait for seconds, and do it together.
func (s *trial) sessions(t *testing.T) {
	s.t = t
	parts := regexp.MustCompile("(?ms)^```(sh|console)\n(.*?)^```$").FindAllStringSubmatch(string(tree.Read(t, operatingFile)), -1)
	if len(parts) < 10 {
		t.Fatalf("got %d sessions, want those of the document", len(parts))
	}
	var waiting sync.WaitGroup
	for _, part := range parts {
		switch {
		case part[1] == "sh":
			s.start(part[2])
		case ofWorker.MatchString(part[2]): // see TestDocsOperating_IsWhatAWorkerDoes
		case strings.HasPrefix(part[2], "$ NATS_"):
			waiting.Go(func() { s.session(part[2]) })
		default:
			s.session(part[2])
		}
	}
	rows := tree.Table(t, operatingFile, "command line | is refused")
	waiting.Go(func() {
		each(t, rows, func(line, permission string) {
			want := "edgepurge: nats refuses this user: Permissions Violation for " + strings.TrimSuffix(permission, "…")
			if text, code := s.run("NATS_USER=ghost NATS_PASSWORD=secret " + line + " --connect-timeout 3s"); !strings.Contains(text, want) || code != 1 {
				t.Errorf("%s: got %q, exit code %d, want %q, 1", line, text, code, want)
			}
		})
	})
	waiting.Go(func() {
		each(t, rows, func(line, _ string) {
			const want = "edgepurge: nats://127.0.0.1:4229: nats is away: nobody listens on 127.0.0.1:4229; start a NATS server there"
			if text, code := s.run("NATS_URL=nats://127.0.0.1:4229 " + line + " --connect-timeout 500ms"); !strings.Contains(text, want) || code != 1 {
				t.Errorf("%s: got %q, exit code %d, want %q, 1", line, text, code, want)
			}
		})
	})
	waiting.Wait()
}
