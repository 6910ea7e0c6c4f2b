package e2e_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/e2e/kit"
	"github.com/edgepurge/edgepurge/purge"
)

// build gives the program under test, which the first test that asks for it makes.
func build(t *testing.T) string {
	t.Helper()
	return program.Path(t)
}

// command is a run of the program that doesn't outlast its test.
func command(t *testing.T, bin string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), bin, args...)
	cmd.Env = env
	return cmd
}

// exit waits for a program that is to end by itself, and kills it when it does not.
func exit(cmd *exec.Cmd) error {
	defer time.AfterFunc(patience, func() { _ = cmd.Process.Kill() }).Stop()
	return cmd.Wait()
}

// process starts the program; the end of the test kills it.
func process(t *testing.T, bin string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := command(t, bin, env, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", strings.Join(args, " "), errs.String())
		}
	})
	return cmd
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

func TestProcesses_StandbyTakesOverFromAKilledOwner(t *testing.T) {
	t.Parallel()
	bin := build(t)
	w := newWorld(t, nil) // its emulator is not used: this one is a process too
	api := freeAddress(t)
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(),
		"NATS_URL=" + w.nats.URL, "EDGEPURGE_EDGEONE_ENDPOINT=http://" + api,
		"TENCENTCLOUD_SECRET_ID=AKIDTEST", "TENCENTCLOUD_SECRET_KEY=test",
		"EDGEPURGE_TRACKER_POLL_MIN=300ms",
	}
	process(t, bin, env, "emulator", "--listen", api, "--task-time", "200ms", "--batch-quota", "100")
	w.until("the emulator", func() bool {
		status, err := get(t, "http://"+api+"/stats")
		return err == nil && status == 200
	})
	health := []string{freeAddress(t), freeAddress(t)}
	var workers []*exec.Cmd
	for i, address := range health {
		workers = append(workers, process(t, bin, append(env, "EDGEPURGE_HTTP_LISTEN="+address), "run"))
		w.until(fmt.Sprintf("worker %d", i), func() bool {
			status, err := get(t, "http://"+address+"/readyz")
			return err == nil && status == 200
		})
	}

	var list bytes.Buffer
	const requests = 3000
	for i := range requests {
		_, _ = fmt.Fprintln(&list, url(i))
	}
	file := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(file, list.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	submit := command(t, bin, env, "submit", "--file", file, "--wait", "-o", "json", "--timeout", "60s")
	var out bytes.Buffer
	submit.Stdout = &out
	if err := submit.Start(); err != nil {
		t.Fatal(err)
	}
	w.until("the first ends", func() bool { return w.count("PURGE_EVENTS") >= 100 })
	if err := workers[0].Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := exit(submit); err != nil {
		t.Errorf("submit: %v", err)
	}
	var sum struct{ Requests, Completed, Failed int }
	if err := json.Unmarshal([]byte(lastLine(out.String())), &sum); err != nil {
		t.Fatalf("last line of %q: %v", out.String(), err)
	}
	if sum.Requests != requests || sum.Completed != requests {
		t.Errorf("got %+v, want %d completed", sum, requests)
	}
	w.completed(requests)

	if err := workers[1].Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := exit(workers[1]); err != nil {
		t.Errorf("after SIGTERM: %v, want exit code 0", err)
	}
}

func lastLine(s string) string {
	last := ""
	for lines := bufio.NewScanner(strings.NewReader(s)); lines.Scan(); {
		last = lines.Text()
	}
	return last
}

func TestProcess_KeepsTryingWhileNATSIsAway(t *testing.T) {
	t.Parallel()
	bin := build(t)
	address := freeAddress(t)
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "NATS_URL=nats://" + freeAddress(t),
		"TENCENTCLOUD_SECRET_ID=AKIDTEST", "TENCENTCLOUD_SECRET_KEY=test", "EDGEPURGE_HTTP_LISTEN=" + address,
	}
	cmd := process(t, bin, env, "run")
	w := &world{t: t}
	w.until("the listener", func() bool {
		status, err := get(t, "http://"+address+"/livez")
		return err == nil && status == 200
	})
	if status, body := read(t, "http://"+address+"/readyz"); status != 503 || !strings.Contains(body, "nats is away") {
		t.Errorf("/readyz: %d %q, want 503 with the reason", status, body)
	}
	if _, body := read(t, "http://"+address+"/metrics"); !strings.Contains(body, "edgepurge_nats_connected 0") {
		t.Errorf("/metrics does not tell that nats is away")
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := exit(cmd); err != nil {
		t.Errorf("after SIGTERM: %v, want exit code 0", err)
	}
}

func TestPlainSubscription_ReadsEveryEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.provision()
	sub, err := w.nc.SubscribeSync("purge.events.>")
	if err != nil {
		t.Fatal(err)
	}
	w.load(50)
	w.start()
	seen := make(map[string]bool)
	for range 50 {
		m, err := sub.NextMsg(patience)
		if err != nil {
			t.Fatal(err)
		}
		e, err := purge.DecodeEvent(m.Data)
		if err != nil {
			t.Fatal(err)
		}
		seen[e.Subject] = true
	}
	if len(seen) != 50 {
		t.Errorf("%d events, want 50", len(seen))
	}
	w.completed(50)
	if n, _, err := sub.Pending(); err != nil || n != 0 {
		t.Errorf("%d more events, want none", n)
	}
}
