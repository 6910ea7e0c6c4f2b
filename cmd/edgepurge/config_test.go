package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/edgepurge/edgepurge/e2e/kit"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

func TestConfigPrint_AsJSONHasEveryKey(t *testing.T) {
	t.Setenv("EDGEPURGE_EDGEONE_ZONES", "a.example=zone-a")
	var keys map[string]any
	if err := json.Unmarshal([]byte(must(t, "config", "print", "-o", "json")), &keys); err != nil {
		t.Fatal(err)
	}
	var section string
	for line := range strings.Lines(must(t, "config", "print")) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), ":")
		if !strings.HasPrefix(line, " ") {
			section = name
			if _, ok := keys[name]; !ok {
				t.Errorf("%s is missing", name)
			}
			continue
		}
		if in, ok := keys[section].(map[string]any); ok && strings.Count(line, "  ") == 1 {
			if _, ok := in[name]; !ok {
				t.Errorf("%s.%s is missing", section, name)
			}
		}
	}
	nats, _ := keys["nats"].(map[string]any)
	edgeone, _ := keys["edgeone"].(map[string]any)
	zones, _ := edgeone["zones"].(map[string]any)
	if nats["prefix"] != "purge" || nats["max_bytes"] != "1GiB" || edgeone["timeout"] != "30s" || zones["a.example"] != "zone-a" {
		t.Errorf("got %v", keys)
	}
}

// findings gives the words of each check.
func findings(t *testing.T, out string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) < 2 {
			t.Fatalf("got the line %q", line)
		}
		all[f[0]] = strings.Join(f[1:], " ")
	}
	return all
}

func TestConfigCheck_OnlineLooksAtEverything(t *testing.T) {
	js, _ := world(t, twoZones)
	if out := must(t, "config", "check", "-o", "json"); out != `{"check":"configuration","ok":true}`+"\n" {
		t.Errorf("offline: got %s", out)
	}
	code, out, errs := command(t, "", "config", "check", "--online")
	if got := findings(t, out); code != exitNone || errs != "" || !strings.HasPrefix(got["streams"], "WRONG PURGE_REQUESTS: missing;") {
		t.Errorf("without streams: exit code %d, %v, %q", code, got, errs)
	}
	must(t, "setup")
	before, err := js.Stream(t.Context(), "PURGE_CONTROL")
	if err != nil {
		t.Fatal(err)
	}
	got := findings(t, must(t, "config", "check", "--online"))
	if got["configuration"] != "ok" || !strings.HasPrefix(got["nats"], "ok nats://***@127.0.0.1:") || !strings.Contains(got["nats"], "server 2.") ||
		got["streams"] != "ok as they should be" || got["zones"] != "ok 2 zones seen by the credentials" ||
		!strings.Contains(got["zone-b"], "purge_url 500 a call, 1000 of 1000 left today") {
		t.Errorf("got %v", got)
	}
	if after, err := js.Stream(t.Context(), "PURGE_CONTROL"); err != nil || after.CachedInfo().State.LastSeq != before.CachedInfo().State.LastSeq {
		t.Errorf("the check has changed something: %v", err)
	}
	for _, f := range decoded(t, must(t, "config", "check", "--online", "-o", "json")) {
		if f["ok"] != true || f["check"] == "" {
			t.Errorf("got %v", f)
		}
	}
	t.Setenv("EDGEPURGE_EVENTS_KEEP", "200h")
	_, out, _ = command(t, "", "config", "check", "--online")
	if got := findings(t, out)["streams"]; !strings.Contains(got, "MaxAge") || !strings.Contains(got, "edgepurge setup") || strings.Contains(got, "start a worker") {
		t.Errorf("another setting: got %q", got)
	}
}

func TestConfigCheck_OnlineTellsWhatIsAwayAndRefused(t *testing.T) {
	world(t, nil)
	t.Setenv("NATS_URL", "nats://127.0.0.1:1")
	t.Setenv("TENCENTCLOUD_SECRET_KEY", "some-other-secret")
	code, out, _ := away(t, "config", "check", "--online")
	got := findings(t, out)
	if code != exitNone || !strings.HasPrefix(got["nats"], "WRONG nats://127.0.0.1:1: nats is away") || !strings.HasPrefix(got["zones"], "WRONG call DescribeZones") {
		t.Errorf("exit code %d, %v", code, got)
	}
	t.Setenv("EDGEPURGE_TRACKER_POLLMIN", "1s")
	if code, out, _ := command(t, "", "config", "check", "--online"); code != exitUsage || out != "" {
		t.Errorf("a fault in the configuration: exit code %d, %q", code, out)
	}
}

func TestConfigCheck_UsesTheContextsOfTheNATSTool(t *testing.T) {
	world(t, nil)
	s := withUsers(t)
	natsContext(t, "prod", fmt.Sprintf(`{"description":"d","url":%q,"user":"worker","password":%q}`, s.URL, workerPassword))
	t.Setenv("NATS_URL", "")
	t.Setenv("NATS_CONTEXT", "prod")
	must(t, "config", "check")
	must(t, "setup")
	if got := findings(t, must(t, "config", "check", "--online")); got["nats"] == "" || !strings.Contains(got["nats"], s.URL) {
		t.Errorf("got %v, want the server of the context", got)
	}
	t.Setenv("NATS_CONTEXT", "nope")
	if code, out, errs := command(t, "", "config", "check", "--online"); code != exitUsage || out != "" || !strings.Contains(errs, `"nope"`) {
		t.Errorf("unknown context: exit code %d, %q, %q", code, out, errs)
	}
	if code, _, errs := command(t, "", "events"); code != exitUsage || !strings.Contains(errs, `"nope"`) || strings.Count(errs, "\n") != 1 {
		t.Errorf("unknown context: exit code %d, %q", code, errs)
	}
}

func TestConfigCheck_ReadsSecretsFromFiles(t *testing.T) {
	world(t, nil)
	s := withUsers(t)
	t.Setenv("NATS_URL", s.URL)
	t.Setenv("NATS_USER", "worker")
	t.Setenv("NATS_PASSWORD_FILE", file(t, workerPassword+"\n"))
	t.Setenv("TENCENTCLOUD_SECRET_ID", "")
	t.Setenv("TENCENTCLOUD_SECRET_KEY", "")
	t.Setenv("TENCENTCLOUD_SECRET_ID_FILE", file(t, " "+emulator.DefaultSecretID))
	t.Setenv("TENCENTCLOUD_SECRET_KEY_FILE", file(t, emulator.DefaultSecretKey+"\r\n"))
	must(t, "config", "check")
	must(t, "setup")
	must(t, "config", "check", "--online")
	t.Setenv("TENCENTCLOUD_SECRET_KEY_FILE", filepath.Join(t.TempDir(), "nothing"))
	if code, _, errs := command(t, "", "config", "check"); code != exitUsage || !strings.Contains(errs, "secret_key_file") {
		t.Errorf("no file: exit code %d, %q", code, errs)
	}
}

// The secrets that TestOutput_HoldsNoSecret gives in every place that takes one.
const (
	secretPassword = "Zx81-password-Zx81"
	secretToken    = "Qy72-nats-token-Qy72"
	secretKey      = "Wv63-secret-key-Wv63"
	secretSession  = "Ut54-session-token-Ut54"
)

func TestOutput_HoldsNoSecret(t *testing.T) {
	world(t, nil)
	s := withUsers(t) // and refuses what follows
	address := s.Address
	yaml := "nats:\n  url: nats://x:%[1]s@" + address + "\n  token: [%[2]s\nedgeone: {secret_key: '%[3]s', token: %[4]s}\n"
	badURL := "nats://worker:" + secretPassword + "%zz@" + address
	for _, c := range []struct {
		name string
		env  map[string]string
	}{
		{"user and password", map[string]string{"NATS_USER": "worker", "NATS_PASSWORD": workerPassword}},
		{"url", map[string]string{"NATS_URL": "nats://worker:" + workerPassword + "@" + address}},
		{"wrong token", map[string]string{"NATS_TOKEN": secretToken}},
		{"wrong password in url", map[string]string{"NATS_URL": "nats://worker:" + secretPassword + "@" + address}},
		{"server away", map[string]string{"NATS_URL": "nats://worker:" + secretPassword + "@127.0.0.1:1"}},
		{"bad url", map[string]string{"NATS_URL": badURL}},
		{"bad context", map[string]string{"NATS_URL": "", "NATS_CONTEXT": "bad"}},
		{"files", map[string]string{"NATS_USER": "worker", "NATS_PASSWORD_FILE": file(t, workerPassword), "TENCENTCLOUD_SECRET_KEY": "", "TENCENTCLOUD_SECRET_KEY_FILE": file(t, secretKey)}},
		{"too many", map[string]string{"NATS_USER": "worker", "NATS_PASSWORD": secretPassword, "NATS_TOKEN": secretToken, "NATS_CREDS": secretPassword}},
		{"secrets for paths", map[string]string{"NATS_PASSWORD_FILE": secretPassword, "TENCENTCLOUD_SECRET_KEY_FILE": secretKey, "TENCENTCLOUD_SECRET_KEY": ""}},
		{"half a key pair", map[string]string{"TENCENTCLOUD_SECRET_ID": ""}},
		{"in the endpoint", map[string]string{"EDGEPURGE_EDGEONE_ENDPOINT": "https://me:" + secretPassword + "@teo.example"}},
		{"unknown variable", map[string]string{"EDGEPURGE_NATS_PASS": secretPassword}},
		{"broken file", map[string]string{"EDGEPURGE_CONFIG": file(t, fmt.Sprintf(yaml, secretPassword, secretToken, secretKey, secretSession))}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("NATS_URL", s.URL)
			t.Setenv("TENCENTCLOUD_SECRET_KEY", secretKey)
			t.Setenv("TENCENTCLOUD_TOKEN", secretSession)
			natsContext(t, "bad", fmt.Sprintf(`{"url":%q,"password":%q,"token":%q}`, badURL, secretPassword, secretToken))
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			var all sync.WaitGroup // some look for the server for some seconds
			for _, args := range []string{
				"config check", "config check --online", "config check --online -o json", "config print", "config print -o json",
				"quota zone-a", "dead show 1", "submit x --id n",
			} {
				all.Go(func() { tellsNoSecret(t, args) })
			}
			all.Wait()
		})
	}
}

func TestRun_TellsNoSecretWhenItCanNotStart(t *testing.T) {
	world(t, nil)
	natsContext(t, "bad", fmt.Sprintf(`{"url":"nats://worker:%s%%zz@127.0.0.1:1"}`, secretPassword))
	t.Setenv("NATS_URL", "")
	t.Setenv("NATS_CONTEXT", "bad")
	tellsNoSecret(t, "run")
	if code, _, errs := command(t, "", "run"); code != exitUsage || !strings.Contains(errs, "the url in the context") {
		t.Errorf("exit code %d, %q", code, errs)
	}
}

func tellsNoSecret(t *testing.T, args string) {
	t.Helper()
	_, out, errs := command(t, "", append(strings.Fields(args), "--connect-timeout", "500ms")...)
	for _, secret := range []string{workerPassword, secretPassword, secretToken, secretKey, secretSession} {
		if strings.Contains(out+errs, secret) {
			t.Errorf("%s tells %s:\n%s%s", args, secret, out, errs)
		}
	}
	if out+errs == "" {
		t.Errorf("%s tells nothing", args)
	}
}

func TestMain(m *testing.M) {
	// The machine's own settings are no part of a test.
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if strings.HasPrefix(name, "EDGEPURGE_") || strings.HasPrefix(name, "NATS_") || strings.HasPrefix(name, "TENCENTCLOUD_") {
			_ = os.Unsetenv(name)
		}
	}
	kit.Parallel(12)
	os.Exit(m.Run())
}

func TestConfigCheck_TellsFaultsAsJSONToo(t *testing.T) {
	t.Setenv("EDGEPURGE_LOG_LEVEL", "loud")
	code, out, errs := command(t, "", "config", "check", "-o", "json")
	var got finding
	if err := json.Unmarshal([]byte(out), &got); err != nil || got.OK || !strings.Contains(got.Detail, "EDGEPURGE_LOG_LEVEL") {
		t.Errorf("got %q, %v, want the fault", out, err)
	}
	if code != exitUsage || !strings.Contains(errs, "EDGEPURGE_LOG_LEVEL") {
		t.Errorf("exit code %d, %q", code, errs)
	}
}
