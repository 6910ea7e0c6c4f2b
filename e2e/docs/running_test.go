package docs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/e2e/kit"
	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/tree"
)

// running is a worker beside an emulator, with a configuration file and a log that can be looked
// at.
type running struct {
	*trial

	url  string
	cmd  *exec.Cmd
	conf string // the file
	log  string // the file
}

const secretKey = "a-key-that-nobody-may-see"

func newRunning(t *testing.T) *running {
	t.Helper()
	s := newTrial(t)
	address := freeAddress(t)
	s.env = slices.DeleteFunc(s.env, func(v string) bool { return strings.HasPrefix(v, "EDGEPURGE_HTTP_LISTEN") })
	r := &running{trial: s, url: "http://" + address, conf: filepath.Join(s.dir, "edgepurge.yaml"), log: filepath.Join(s.dir, "log")}
	s.env = append(s.env, "EDGEPURGE_HTTP_LISTEN="+address, "EDGEPURGE_EDGEONE_ENDPOINT=http://"+s.real.Replace("127.0.0.1:7481"),
		"TENCENTCLOUD_SECRET_ID=AKIDRUNNING", "TENCENTCLOUD_SECRET_KEY="+secretKey, "NATS_USER=all", "NATS_PASSWORD=all")
	r.write("log: {level: info}\n")
	s.start("edgepurge emulator --listen 127.0.0.1:7481 --task-time 200ms --fault throttle=0.3")
	file, err := os.Create(r.log)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	r.cmd = s.command(context.WithoutCancel(t.Context()), "exec edgepurge run --config "+r.conf)
	r.cmd.Stderr = file
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		_ = r.cmd.Wait()
		if t.Failed() {
			t.Logf("the log:\n%s", contents(t, r.log))
		}
	})
	r.until("a worker", func() bool { return strings.Contains(r.get(r.url+"/metrics"), "\nedgepurge_leader 1\n") })
	return r
}

func (r *running) write(conf string) {
	r.t.Helper()
	if err := os.WriteFile(r.conf, []byte(conf), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// lines are those of the log, as far as it is written.
func (r *running) lines() []map[string]any {
	r.t.Helper()
	var all []map[string]any
	for line := range bytes.Lines(contents(r.t, r.log)) {
		var m map[string]any
		if !bytes.HasSuffix(line, []byte("\n")) {
			break
		}
		if err := json.Unmarshal(line, &m); err != nil {
			r.t.Errorf("no JSON in the log: %s", line)
		}
		all = append(all, m)
	}
	return all
}

// told counts the lines with a message.
func (r *running) told(message string) int {
	n := 0
	for _, m := range r.lines() {
		if m["msg"] == message {
			n++
		}
	}
	return n
}

// hup changes the file, has it loaded, and gives what the log says of that, line by line.
func (r *running) hup(conf, end string) []string {
	r.t.Helper()
	before := len(r.lines())
	n := r.told(end)
	r.write(conf)
	if err := r.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		r.t.Fatal(err)
	}
	r.until(end, func() bool { return r.told(end) > n })
	var said []string
	for _, m := range r.lines()[before:] {
		if text, ok := m["msg"].(string); ok && strings.HasPrefix(text, "configuration change") {
			said = append(said, strings.TrimPrefix(text, "configuration ")+": "+m["key"].(string)+" "+m["old"].(string)+" -> "+m["new"].(string))
		}
	}
	return said
}

func (r *running) setLevel(level string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, r.url+"/loglevel", strings.NewReader(`{"level":"`+level+`"}`))
	if err != nil {
		r.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
		r.t.Errorf("PUT /loglevel: %d %s", res.StatusCode, body)
	}
}

// ofWorker is a session of the document that needs a worker which runs.
var ofWorker = regexp.MustCompile(`^\$ (kill -HUP|curl -s .*127\.0\.0\.1:7480)`)

// console runs the sessions of the document that change a worker which runs, and wants each of them
// noticed.
func (r *running) console(t *testing.T) {
	r.t = t
	kit.Need(t, "curl", "the package curl")
	n := 0
	here := strings.NewReplacer("http://127.0.0.1:7480", r.url, "$(pidof edgepurge)", strconv.Itoa(r.cmd.Process.Pid))
	for _, block := range tree.Blocks(t, operatingFile, "console") {
		if !ofWorker.MatchString(block) {
			continue
		}
		n++
		reloads := r.told("configuration reloaded")
		r.session(here.Replace(block))
		if strings.Contains(block, "kill -HUP") {
			r.until("the reload", func() bool { return r.told("configuration reloaded") > reloads })
		}
	}
	if n != 2 {
		t.Errorf("got %d sessions, want those with kill and with curl", n)
	}
}

func TestDocsOperating_IsWhatAWorkerDoes(t *testing.T) {
	t.Parallel()
	r := newRunning(t)
	r.setLevel("debug")
	for !t.Failed() && (r.told("batch not accepted") == 0 || r.told("job final") == 0) {
		if text, code := r.run("edgepurge submit --wait https://a.example/"); code != 0 {
			t.Fatalf("submit: exit code %d: %s", code, text)
		}
	}
	r.until("a debug line", func() bool { return r.told("job stored") > 0 })
	t.Run("log", r.checkLog)
	t.Run("console", r.console)
	t.Run("reload", r.checkReload)
	t.Run("listener", r.checkPaths)
	for _, secret := range []string{secretKey, "AKIDRUNNING"} {
		if strings.Contains(string(contents(t, r.log)), secret) {
			t.Errorf("the log has %s in it", secret)
		}
	}
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v, want exit code 0", err)
	}
}

// checkLog wants each line of a kind with the keys that the document tells, and no others.
func (r *running) checkLog(t *testing.T) {
	want := make(map[string][]string)
	for _, cells := range tree.Table(t, operatingFile, "message") {
		keys := []string{cells[1], "msg", "ts", "logger"}
		for _, k := range quoted.FindAllStringSubmatch(cells[2], -1) {
			keys = append(keys, k[1])
		}
		want[tree.Unquote(cells[0])] = keys
	}
	seen := make(map[string]bool)
	for _, m := range r.lines() {
		message, ok := m["msg"].(string)
		if at, err := time.Parse(time.RFC3339Nano, m["ts"].(string)); !ok || err != nil || at.IsZero() {
			t.Errorf("got %v, want a message and a time", m)
		}
		for k := range m {
			if strings.ContainsAny(k, " .-") || strings.ToLower(k) != k {
				t.Errorf("%s: got key %q, want lower case with _", message, k)
			}
		}
		keys, known := want[message]
		if !known {
			continue
		}
		seen[message] = true
		if m["level"] != keys[0] {
			t.Errorf("%s: got level %v, want %s", message, m["level"], keys[0])
		}
		delete(m, "level")
		if got := slices.Sorted(maps.Keys(m)); !slices.Equal(got, slices.Sorted(slices.Values(keys[1:]))) {
			t.Errorf("%s: got keys %q, want %q", message, got, keys[1:])
		}
	}
	if len(want) != 3 || len(seen) != len(want) {
		t.Errorf("got %v in the log, want %v", seen, slices.Collect(maps.Keys(want)))
	}
}

func (r *running) checkReload(t *testing.T) {
	r.t = t
	const reloaded, refused = "configuration reloaded", "configuration refused, nothing was changed"
	limit := `edgepurge_api_rate_limit{action="CreatePurgeTask"} `
	got := r.hup("log: {level: warn}\nlimits: {create_per_second: 7}\nbatch: {max_targets: 50}\nworker: {window: 1000}\n", reloaded)
	want := []string{
		"changed: log.level info -> warn", "changed: limits.create_per_second 20 -> 7", "changed: batch.max_targets 0 -> 50",
		"change waits for a restart: worker.window 50000 -> 1000",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the log says %q, want %q", got, want)
	}
	r.until("the limit", func() bool { return strings.Contains(r.get(r.url+"/metrics"), limit+"7\n") })
	if text := r.get(r.url + "/loglevel"); strings.TrimSpace(text) != `{"level":"warn"}` {
		t.Errorf("got level %s, want that of the file", text)
	}

	if got := r.hup("limits: {create_per_second: 9, nope: 1}\nbatch: {max_targets: -1}\n", refused); len(got) > 0 {
		t.Errorf("a bad file: the log says %q, want nothing changed", got)
	}
	lines := r.lines()
	if why, _ := lines[len(lines)-1]["error"].(string); !strings.Contains(why, "limits.nope") || !strings.Contains(why, "batch.max_targets") {
		t.Errorf("got %q, want all that is wrong", why)
	}
	r.until("the refusal", func() bool {
		text := r.get(r.url + "/metrics")
		return strings.Contains(text, "edgepurge_config_last_reload_successful 0\n") && strings.Contains(text, limit+"7\n")
	})
	if got := r.hup("log: {level: info}\n", reloaded); len(got) != 3 {
		t.Errorf("the log says %q, want the three keys back", got)
	}
	r.until("the pace", func() bool { return strings.Contains(r.get(r.url+"/metrics"), limit+"20\n") })
}

// checkPaths wants the document's paths answered, and its table of keys that change at once to be
// that of the configuration.
func (r *running) checkPaths(t *testing.T) {
	r.t = t
	paths := tree.Table(t, operatingFile, "path")
	if len(paths) != 5 {
		t.Errorf("got %d paths, want 5", len(paths))
	}
	for _, cells := range paths {
		if text := r.get(r.url + tree.Unquote(cells[0])); text == "" || strings.Contains(text, "404 page not found") {
			t.Errorf("%s: got %q", cells[0], text)
		}
	}
	var told, live []string
	for _, cells := range tree.Table(t, operatingFile, "key") {
		for _, key := range quoted.FindAllStringSubmatch(cells[0], -1) {
			told = append(told, key[1])
		}
	}
	for _, key := range config.Reference() {
		if key.Live {
			live = append(live, key.Path)
		}
	}
	if !slices.Equal(told, live) {
		t.Errorf("%s: got %q to change at once, want %q", operatingFile, told, live)
	}
}
