package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/cobra"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

// command runs one command line and gives its exit code and output.
func command(t *testing.T, stdin string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = execute(t.Context(), args, strings.NewReader(stdin), &o, &e)
	return code, o.String(), e.String()
}

// away runs a command that will find no server, and does not look for it for long.
func away(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	return command(t, "", append(args, "--connect-timeout", "1s")...)
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWrongInput_IsOneClearLineAndExitCode2(t *testing.T) {
	t.Setenv("NATS_URL", "nats://127.0.0.1:1")
	empty, bad := file(t, "\n# nothing\n"), file(t, "nats:\n  urll: x\n")
	for _, c := range []struct {
		args string
		want string // in the line
	}{
		{"nonsense", "unknown command"},
		{"sumbit", `did you mean "submit"?`},
		{"sumbit --help", `did you mean "submit"?`},
		{"help sumbit", `did you mean "submit"?`},
		{"help config chek", `did you mean "check"?`},
		{"help nonsense", "unknown command"},
		{"config chek --help", `did you mean "check"?`},
		{"statsu x", `did you mean "status"?`},
		{"event", `did you mean "events"?`},
		{"submit --tiemout 1s x", "did you mean --timeout?"},
		{"submit --timeout soon --wait x", "a duration such as"},
		{"submit --wait=maybe x", "true or false"},
		{"submit --timeout", "needs a value"},
		{"demo --rate", "needs a value"},
		{"demo --rate 99999999999999999999", "a whole number"},
		{"demo --nats-listen nonsense", "--nats-listen"},
		{"demo --nats-listen 127.0.0.1:99999", "--nats-listen"},
		{"demo --http-listen 127.0.0.1:http", "--http-listen"},
		{"demo --fault lost-answer=x", "--fault"},
		{"demo --unknown visible-after=x", "--unknown"},
		{"emulator --listen nonsense", "--listen"},
		{"--nonsense", "unknown flag"},
		{"demo extra", "takes no arguments"},
		{"demo --count x", "--count"},
		{"demo --count -1", "--count"},
		{"demo --urls /does/not/exist", "/does/not/exist"},
		{"demo --urls " + empty, "has none"},
		{"demo --rate -1", "--rate"},
		{"demo --window round", "--window"},
		{"demo --fault x=1", "--fault"},
		{"demo --unknown rows=maybe", "--unknown"},
		{"run extra", "takes no arguments"},
		{"run --config /does/not/exist", "/does/not/exist"},
		{"run --config " + bad, "urll"},
		{"submit", "nothing to purge"},
		{"submit --type x https://a.example/", "--type"},
		{"submit --method delete https://a.example/", "--method"},
		{"submit --method x --type host a.example", "--method"},
		{"submit --lane fast https://a.example/", "--lane"},
		{"submit --source UPPER https://a.example/", "--source"},
		{"submit --zone x https://a.example/", "--zone"},
		{"submit --id _x https://a.example/", "--id"},
		{"submit --id " + strings.Repeat("x", 48) + " https://a.example/", "--id"},
		{"submit --file " + empty, "has none"},
		{"submit --file /does/not/exist", "/does/not/exist"},
		{"submit --file x https://a.example/", "not both"},
		{"submit --type all", "--zone"},
		{"submit --type all --zone zone-a x", "takes no targets"},
		{"submit --timeout 1s https://a.example/", "--timeout"},
		{"submit -o yaml https://a.example/", "-o"},
		{"events extra", "takes no arguments"},
		{"events -o yaml", "-o"},
		{"events --source A", "--source"},
		{"events --since soon", "a duration back"},
		{"events --since -5m", "a duration back"},
		{"events --status done", "completed, partial"},
		{"events --status failed,", "completed, partial"},
		{"events --limit -1", "--limit"},
		{"events --limit few", "a whole number"},
		{"submit --type host www.example.com", "--yes"},
		{"submit --type all --zone zone-a", "the whole zone zone-a"},
		{"status https://www.example.com/", "edgepurge events"},
		{"emulator --zone x", "--zone"},
		{"emulator --latency 1", "--latency"},
		{"setup extra", "takes no arguments"},
		{"config nonsense", "use config check or print"},
		{"config check --config " + bad, "line 2"},
		{"version extra", "takes no arguments"},
		{"version -o yaml", "table or json"},
		{"setup -o yaml", "table or json"},
		{"config check -o yaml", "table or json"},
		{"config check --online extra", "takes no arguments"},
		{"config print -o yaml", "table or json"},
		{"status", "[SOURCE/]ID"},
		{"status a b", "[SOURCE/]ID"},
		{"status a/b/c", "a/b/c"},
		{"status UPPER/a", "a source is"},
		{"status a.b", "an id is"},
		{"status ___", "an id is"},
		{"status " + strings.Repeat("x", 65), "an id is"},
		{"status a -o xml", "table or json"},
		{"status a --nonsense", "unknown flag"},
		{"quota main", "a zone id is"},
		{"quota -o yaml", "table or json"},
		{"dead nonsense", "use dead drop, ls, replay or show"},
		{"dead ls extra", "takes no arguments"},
		{"dead ls --source A", "--source"},
		{"dead ls --reason a.b>", "--reason"},
		{"dead ls -o yaml", "table or json"},
		{"dead show", "takes one sequence"},
		{"dead show 1 2", "takes one sequence"},
		{"dead show 0", "named by its sequence"},
		{"dead show -- -1", "named by its sequence"},
		{"dead show 1 -o yaml", "table or json"},
		{"dead replay", "takes the sequence"},
		{"dead replay 1 x", "named by its sequence"},
		{"dead drop", "takes the sequence"},
		{"dead drop 18446744073709551616", "named by its sequence"},
		{"completion", "bash, zsh, fish, powershell"},
		{"completion tcsh", "bash, zsh, fish, powershell"},
		{"completion bash zsh", "bash, zsh, fish, powershell"},
	} {
		t.Run(c.args, func(t *testing.T) {
			code, out, errs := command(t, "", strings.Fields(c.args)...)
			if code != exitUsage {
				t.Errorf("exit code %d, want %d", code, exitUsage)
			}
			if out != "" {
				t.Errorf("standard output has %q", out)
			}
			if !strings.Contains(errs, c.want) {
				t.Errorf("%q does not tell of %q", errs, c.want)
			}
			if text := goText.FindString(errs); text != "" {
				t.Errorf("%q has the error text of a library: %s", errs, text)
			}
			if n := strings.Count(errs, "\n"); n > 2 {
				t.Errorf("%d lines, want one:\n%s", n, errs)
			}
		})
	}
}

func TestDemo_CompletesEveryRequest(t *testing.T) {
	t.Parallel()
	code, out, errs := command(t, "", "demo", "--json", "--count", "700", "--task-time", "100ms")
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var s map[string]any
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		t.Fatalf("last line %q: %v", out, err)
	}
	if s["requests"] != 700.0 || s["completed"] != 700.0 || s["failed"] != 0.0 || s["throttled"] != 0.0 {
		t.Errorf("got %v", s)
	}
	for _, key := range []string{"requests", "completed", "failed", "pending", "failures", "targets", "jobs", "create_calls", "describe_calls", "throttled", "seconds"} {
		if _, ok := s[key]; !ok {
			t.Errorf("%q is missing in %s", key, out)
		}
	}
}

func TestDemo_PublishesEveryLine(t *testing.T) {
	t.Parallel()
	list := file(t, "https://a.example/1\n# a comment\n\nnonsense\nhttps://a.example/1#part\n")
	code, out, errs := command(t, "", "demo", "--json", "--urls", list, "--task-time", "100ms")
	if code != exitSome {
		t.Errorf("exit code %d, want %d: %s", code, exitSome, errs)
	}
	if !strings.HasPrefix(out, `{"requests":3,"completed":2,"failed":1,"pending":0,"targets":1,`) {
		t.Errorf("got %s", out)
	}
	if want := `"target":"nonsense","status":"rejected","code":"InvalidTarget","reason":"the URL must begin`; !strings.Contains(out, want) {
		t.Errorf("got %s, want the failure", out)
	}
	if code, out, _ := command(t, "", "demo", "-o", "json", "--urls", file(t, "nonsense\n")); code != exitNone || !strings.HasPrefix(out, `{"requests":1,"completed":0,"failed":1,"pending":0,`) {
		t.Errorf("exit code %d and %s when nothing completed, want %d", code, out, exitNone)
	}
}

func TestCommands_WithoutABroker(t *testing.T) {
	t.Setenv("NATS_URL", "nats://127.0.0.1:1")
	var all sync.WaitGroup // each looks for the server for some seconds
	for _, args := range []string{
		"submit https://a.example/", "submit https://a.example/ --wait", "events", "events --follow", "setup --dry-run",
		"status a", "dead ls", "dead show 1", "dead replay 1", "dead drop 1",
	} {
		all.Go(func() {
			code, _, errs := away(t, strings.Fields(args)...)
			if code != exitNone || !strings.Contains(errs, "nats://127.0.0.1:1: nats is away") || !strings.Contains(errs, "NATS_URL") {
				t.Errorf("%s: exit code %d, %q", args, code, errs)
			}
		})
	}
	all.Wait()
}

func TestConfig_CheckAndPrint(t *testing.T) {
	t.Setenv("TENCENTCLOUD_SECRET_ID", "AKIDtest")
	t.Setenv("TENCENTCLOUD_SECRET_KEY", "verysecret")
	if code, out, errs := command(t, "", "config", "check"); code != exitOK || out != "ok\n" {
		t.Errorf("check: exit code %d, %q, %q", code, out, errs)
	}
	code, out, _ := command(t, "", "config", "print")
	if code != exitOK || !strings.Contains(out, "secret_key: '***'") || strings.Contains(out, "verysecret") {
		t.Errorf("print: exit code %d, %s", code, out)
	}
	t.Setenv("EDGEPURGE_TRACKER_POLLMIN", "1s")
	if code, _, errs := command(t, "", "config", "check"); code != exitUsage || !strings.Contains(errs, "EDGEPURGE_TRACKER_POLL_MIN") {
		t.Errorf("an unknown variable: exit code %d, %q", code, errs)
	}
}

// The emulator takes the key pair by whatever variables the worker takes it.
func TestEmulator_TakesTheWorkersKeys(t *testing.T) {
	for _, begin := range []string{"TENCENTCLOUD_", "EDGEPURGE_EDGEONE_"} {
		t.Run(begin, func(t *testing.T) {
			t.Setenv(begin+"SECRET_ID", "AKIDtest")
			t.Setenv(begin+"SECRET_KEY", "verysecret")
			var cfg emulator.Config
			if err := keys(&cfg); err != nil || cfg.SecretID != "AKIDtest" || cfg.SecretKey != "verysecret" {
				t.Errorf("got %q and %q, %v", cfg.SecretID, cfg.SecretKey, err)
			}
		})
	}
}

func TestHelp_HasAnExampleForEveryCommand(t *testing.T) {
	n := 0
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		n++
		path := strings.Fields(cmd.CommandPath())[1:]
		code, out, _ := command(t, "", append(path, "--help")...)
		if code != exitOK || !strings.Contains(out, "Usage:") || !strings.Contains(out, cmd.Short) && cmd.Long == "" {
			t.Errorf("%s --help: exit code %d, %q", cmd.CommandPath(), code, out)
		}
		if !strings.Contains(out, "Examples:\n") || !strings.Contains(cmd.Example, cmd.CommandPath()) {
			t.Errorf("%s --help has no example of it", cmd.CommandPath())
		}
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				walk(c)
			}
		}
	}
	for _, c := range newRoot().Commands() {
		if c.IsAvailableCommand() {
			walk(c)
		}
	}
	if n < 18 {
		t.Errorf("%d commands, want all", n)
	}
}

func TestCompletion_PrintsAScriptForEveryShell(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		code, out, errs := command(t, "", "completion", shell)
		if code != exitOK || !strings.Contains(out, "edgepurge") || errs != "" {
			t.Errorf("%s: exit code %d, %d bytes, %q", shell, code, len(out), errs)
		}
	}
	if _, out, _ := command(t, "", "__complete", "dead", "ls", "-o", ""); !strings.HasPrefix(out, "table\njson\n") {
		t.Errorf("values of -o: got %q", out)
	}
}
