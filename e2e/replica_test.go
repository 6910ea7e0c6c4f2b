package e2e_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

// replica is a worker process with a front of its own to the world's API.
type replica struct {
	*front

	w   *world
	cmd *exec.Cmd

	logs sync.Mutex
	log  []map[string]any // guarded by logs
}

// replica starts a worker process and returns when it is the leader, or stands by.
func (w *world) replica(bin string, env ...string) *replica {
	w.t.Helper()
	health := freeAddress(w.t)
	r := &replica{w: w, front: w.front(nil)}
	r.cmd = command(w.t, bin, append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.t.TempDir(),
		"NATS_URL=nats://" + w.nats.Address, "NATS_TOKEN=" + w.nats.Token, "EDGEPURGE_HTTP_LISTEN=" + health,
		"TENCENTCLOUD_SECRET_ID=" + emulator.DefaultSecretID, "TENCENTCLOUD_SECRET_KEY=" + emulator.DefaultSecretKey,
		"EDGEPURGE_TRACKER_POLL_MIN=300ms", "EDGEPURGE_EDGEONE_ENDPOINT=" + r.url,
	}, env...), "run") // of two for one variable the last counts
	from, to := io.Pipe()
	r.cmd.Stderr = to
	var reading sync.WaitGroup
	reading.Go(func() { r.read(from) })
	if err := r.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		_ = r.cmd.Wait()
		_ = to.Close()
		reading.Wait()
	})
	w.until("a worker process to be ready", func() bool {
		status, err := get(w.t, "http://"+health+"/readyz")
		return err == nil && status == http.StatusOK
	})
	return r
}

func (r *replica) read(from io.Reader) {
	for lines := bufio.NewReader(from); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var entry map[string]any
		if json.Unmarshal(line, &entry) != nil {
			continue // no line of the log
		}
		r.logs.Lock()
		r.log = append(r.log, entry)
		r.logs.Unlock()
	}
}

// said gives the last line of the log with this message, nil when there is none.
func (r *replica) said(message string) (last map[string]any) {
	r.logs.Lock()
	defer r.logs.Unlock()
	for _, entry := range r.log {
		if entry["msg"] == message {
			last = entry
		}
	}
	return last
}

func (r *replica) signal(s syscall.Signal) {
	r.w.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.w.t.Errorf("signal %v: %v", s, err)
	}
}
