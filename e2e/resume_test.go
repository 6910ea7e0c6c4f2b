package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// submission is one run of submit.
type submission struct {
	cmd       *exec.Cmd
	out, errs bytes.Buffer
}

func startSubmit(t *testing.T, bin string, env []string, args ...string) *submission {
	t.Helper()
	s := &submission{cmd: command(t, bin, env, append([]string{"submit"}, args...)...)}
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.errs
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return s
}

// end waits for the run, and gives its exit code and the numbers on its last line.
func (s *submission) end(t *testing.T) (code int, sum struct{ Requests, Completed, Failed, Pending int }) {
	t.Helper()
	_ = exit(s.cmd) // the exit code says it all
	if err := json.Unmarshal([]byte(lastLine(s.out.String())), &sum); err != nil {
		t.Fatalf("last line of %q: %v\n%s", s.out.String(), err, s.errs.String())
	}
	return s.cmd.ProcessState.ExitCode(), sum
}

func TestSubmit_GoesOnAfterAnInterrupt(t *testing.T) {
	t.Parallel()
	bin := build(t)
	w := newWorld(t, nil) // its emulator is not used: this one is a process too
	api := freeAddress(t)
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(),
		"NATS_URL=" + w.nats.URL, "EDGEPURGE_EDGEONE_ENDPOINT=http://" + api,
		"TENCENTCLOUD_SECRET_ID=AKIDTEST", "TENCENTCLOUD_SECRET_KEY=test",
		"EDGEPURGE_TRACKER_POLL_MIN=300ms", "EDGEPURGE_HTTP_LISTEN=",
	}
	process(t, bin, env, "emulator", "--listen", api, "--task-time", "200ms", "--batch-quota", "100")
	w.until("the emulator", func() bool {
		status, err := get(t, "http://"+api+"/stats")
		return err == nil && status == 200
	})
	process(t, bin, env, "run")
	w.until("the streams", func() bool { return w.count("PURGE_CONTROL") > 0 })

	var list bytes.Buffer
	const requests = 3000
	for i := range requests {
		_, _ = fmt.Fprintln(&list, url(i))
	}
	file := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(file, list.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"--file", file, "--id", "release-42", "--wait", "-o", "json"}
	first := startSubmit(t, bin, env, args...)
	w.until("some ends", func() bool { return w.count("PURGE_EVENTS") >= 200 })
	if err := first.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	code, sum := first.end(t)
	if code != 130 || sum.Requests != requests || sum.Completed >= requests || sum.Failed != 0 || sum.Completed+sum.Pending != requests {
		t.Errorf("interrupted: exit code %d, %+v; want 130 before the end, and the rest pending", code, sum)
	}
	if told := first.errs.String(); !strings.Contains(told, "interrupted: ") || !strings.Contains(told, "--id release-42") {
		t.Errorf("got %q, want how to go on", told)
	}

	code, sum = startSubmit(t, bin, env, append(args, "--timeout", "60s")...).end(t)
	if code != 0 || sum.Requests != requests || sum.Completed != requests || sum.Failed != 0 {
		t.Errorf("again: exit code %d, %+v; want %d completed", code, sum, requests)
	}
	w.completed(requests)
	again := startSubmit(t, bin, env, args[:len(args)-2]...)
	if err := exit(again.cmd); err != nil || !strings.Contains(again.out.String(), fmt.Sprintf("%d had ended before", requests)) {
		t.Errorf("a third time: %v, %q; want the ends that are stored", err, again.out.String())
	}
	checkOnce(t, w, api, requests)
}

// checkOnce wants every request submitted once and with one event, however often it was asked for. Those that have not
// ended are published again, and join the first message.
func checkOnce(t *testing.T, w *world, api string, requests int) {
	t.Helper()
	s, err := w.js.Stream(t.Context(), "PURGE_REQUESTS")
	if err != nil {
		t.Fatal(err)
	}
	if n := s.CachedInfo().State.LastSeq; n < uint64(requests) || n >= 2*uint64(requests) {
		t.Errorf("%d requests were published, want %d, and those again that had not ended", n, requests)
	}
	var stats struct{ Targets, DistinctTargets int }
	_, body := read(t, "http://"+api+"/stats")
	if err := json.Unmarshal([]byte(strings.ReplaceAll(body, "distinct_targets", "distinctTargets")), &stats); err != nil {
		t.Fatal(err)
	}
	if stats.Targets != requests || stats.DistinctTargets != requests {
		t.Errorf("%+v submitted, want %d, none twice", stats, requests)
	}
}
