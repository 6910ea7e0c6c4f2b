package main

import (
	"context"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/edgepurge/edgepurge/internal/natstest"
)

func TestUsage_OfWhatIsSlightlyWrong(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"submit", "--id", "", "https://a.example/"}, "--id is empty"},
		{[]string{"submit", "--wiat", "https://a.example/"}, "did you mean --wait?"},
		{[]string{"submit", "https://a.example/caf\xe9"}, "a target is not UTF-8"},
		{[]string{"status", "--source", "ghost", "a"}, "edgepurge status ghost/post-4711-r3"},
		{[]string{"dead", "ls", "--reason", "foo"}, "use malformed, too-large, unknown-field, invalid-target, zone-not-found"},
		{[]string{"status", strings.Repeat("x", 5000)}, "xxx…\": an id is"},
	} {
		code, out, errs := command(t, "", c.args...)
		if code != exitUsage || out != "" || !strings.Contains(errs, c.want) || strings.Count(errs, "\n") != 1 || len(errs) > 600 {
			t.Errorf("%q: exit code %d, %q, %q; want %q", c.args, code, out, errs, c.want)
		}
	}
}

func TestSubmit_PublishesALineThatIsNotUTF8(t *testing.T) {
	world(t, nil)
	must(t, "setup")
	work(t)
	latin := file(t, "https://a.example/1\n# caf\u00e9\nhttps://a.example/caf\xe9\n")
	code, out, errs := command(t, "", "submit", "--file", latin, "--wait", "--timeout", "1m")
	if all := out + errs; code != exitSome || !strings.Contains(all, "the message is not UTF-8; encode it as UTF-8") {
		t.Errorf("exit code %d, %q, %q; want the line rejected, with advice", code, out, errs)
	}
}

func TestSubmit_SaysWhatToWrite(t *testing.T) {
	world(t, nil)
	must(t, "setup")
	work(t)
	t.Chdir(t.TempDir())
	if err := os.WriteFile("urls.txt", []byte("https://a.example/\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	long := "https://a.example/" + strings.Repeat("x", 9000)
	for _, c := range []struct{ typ, target, want string }{
		{"url", "www.example.com/x", "www.example.com/x: rejected: InvalidTarget: the URL must begin with http:// or https://; write https://www.example.com/x\n"},
		{"url", "urls.txt", "urls.txt is a file; to purge the targets in it, use --file urls.txt\n"},
		{"host", "https://WWW.example.com/", "a host has no scheme, port or path; write www.example.com\n"},
		{"url", long, long[:200] + "… (9018 bytes): rejected: InvalidTarget: the target has more than 8192 bytes\n"},
	} {
		code, _, errs := command(t, "", "submit", "--yes", "--wait", "--type", c.typ, c.target)
		if code != exitNone || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit code %d, %q; want %q", short(c.target), code, errs, c.want)
		}
	}
}

func TestDemo_NamesWhatFailed(t *testing.T) {
	t.Parallel()
	list := file(t, "https://a.example/1\nnonsense\n"+strings.Repeat("x", longestLine+1)+"\n")
	code, _, errs := command(t, "", "demo", "--urls", list, "--task-time", "100ms")
	for _, want := range []string{"nonsense: rejected: InvalidTarget: the URL must begin", "x… (64 KiB or more): rejected: InvalidTarget: the target has more than 8192 bytes\n"} {
		if code != exitSome || !strings.Contains(errs, want) {
			t.Errorf("exit code %d, %q; want %q", code, errs, want)
		}
	}
	if _, _, errs := command(t, "", "demo", "--json", "--urls", list, "--task-time", "100ms"); strings.Contains(errs, "nonsense") {
		t.Errorf("got %q, want the failures in the object alone", errs)
	}
}

// What the banner says reaches every part of the demo.
func TestDemo_SaysHowToReachIt(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	var out, errs shared
	ctx, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	args := strings.Fields("demo --serve --count 1 --task-time 100ms --nats-listen 127.0.0.1:0 --http-listen 127.0.0.1:0")
	done.Go(func() {
		if code := execute(ctx, args, strings.NewReader(""), &out, &errs); code != exitOK {
			t.Errorf("exit code %d, %q", code, errs.String())
		}
	})
	defer done.Wait()
	defer stop()
	until(t, "the banner", func() bool { return strings.Contains(errs.String(), "/stats") })
	line := regexp.MustCompile(`(?m)^  export (.*)$`).FindStringSubmatch(errs.String())
	if line == nil {
		t.Fatalf("got %q, want a line to export", errs.String())
	}
	for variable := range strings.FieldsSeq(line[1]) {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	if out := must(t, "quota"); !strings.Contains(out, "zone-") {
		t.Errorf("quota: got %q", out)
	}
	must(t, "config", "check", "--online")
	must(t, "health")
	must(t, "events")
}

func TestLooks_ThatFindNothingSaySo(t *testing.T) {
	world(t, nil)
	must(t, "setup")
	for _, args := range []string{"events --source nosuch", "events", "events -o json", "dead ls --reason Malformed", "dead ls --source nosuch"} {
		code, out, errs := command(t, "", strings.Fields(args)...)
		if code != exitOK || out != "" || errs != "none\n" {
			t.Errorf("%s: exit code %d, %q, %q; want none", args, code, out, errs)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	var out, errs shared
	var done sync.WaitGroup
	done.Go(func() {
		execute(ctx, []string{"events", "--follow", "--source", "nosuch"}, strings.NewReader(""), &out, &errs)
	})
	until(t, "that nothing came", func() bool { return strings.HasPrefix(errs.String(), "none yet; waits for what comes") })
	stop()
	done.Wait()
}

func TestStatus_SaysWhatAnIDIs(t *testing.T) {
	world(t, nil)
	must(t, "setup")
	must(t, "submit", "--id", "release-42", "https://a.example/")
	code, out, errs := command(t, "", "status", "release-42")
	want := "cli/release-42 is not known"
	if code != exitNone || out != "unknown\n" || !strings.Contains(errs, want) || !strings.Contains(errs, "release-42- and 16 hex digits") {
		t.Errorf("exit code %d, %q, %q; want %q, and how ids look", code, out, errs, want)
	}
	code, out, errs = command(t, "", "status", "release-42-0123456789abcdef", "-o", "json")
	if code != exitNone || !strings.Contains(out, `"status":"unknown"`) || strings.Contains(errs, "16 hex digits") {
		t.Errorf("exit code %d, %q, %q", code, out, errs)
	}
}

// Who waits hears that the lane is paused, that NATS is away, and that it is back: each once.
func TestSubmit_SaysWhatItWaitsFor(t *testing.T) {
	s := natstest.Start(t, nil)
	t.Setenv("NATS_URL", s.URL)
	must(t, "setup")
	must(t, "pause", "interactive")
	var out, errs shared
	ctx, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		execute(ctx, []string{"submit", "--wait", "https://a.example/"}, strings.NewReader(""), &out, &errs)
	})
	defer done.Wait()
	defer stop()
	has := func(text string) func() bool { return func() bool { return strings.Count(errs.String(), text) == 1 } }
	until(t, "the pause", has("the lane interactive is paused since 2"))
	s.Stop()
	until(t, "the loss", has("the connection to NATS (nats://"))
	s.Start()
	until(t, "the return", has("connected to NATS again"))
	stop()
	done.Wait()
	if n := strings.Count(errs.String(), "\n"); n != 5 || strings.Contains(errs.String(), s.Token) || strings.Contains(errs.String(), nats.ErrConnectionClosed.Error()) {
		t.Errorf("got %q, want the name, three lines, and how it ended", errs.String())
	}
}

func TestQuota_WhereNobodyListens(t *testing.T) {
	world(t, nil)
	for _, endpoint := range []string{"http://127.0.0.1:1", "http://" + stranger(t, answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"))} {
		t.Setenv("EDGEPURGE_EDGEONE_ENDPOINT", endpoint)
		code, _, errs := command(t, "", "quota")
		if code != exitNone || strings.Contains(errs, "name the zones") || !strings.Contains(errs, "check the endpoint, EDGEPURGE_EDGEONE_ENDPOINT") {
			t.Errorf("%s: exit code %d, %q; want the endpoint named", endpoint, code, errs)
		}
	}
}
