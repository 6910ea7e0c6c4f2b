package evil_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/e2e/kit"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/internal/natstest"
)

// atOnce bounds the modes that run side by side with two processes each.
const atOnce = 6

// healthyWithin is how long a healthy zone's request may take, whatever goes on in the other.
const healthyWithin = 10 * time.Second

// With each mode and seed, the leader is killed in the middle of it: still nothing is lost, ended twice or claimed, and a
// healthy zone's requests are done in time, before and after.
func TestModes_SurviveAKilledLeader(t *testing.T) {
	if *seeds == 0 {
		t.Skip("takes minutes: -evil.seeds 3")
	}
	bin, err := kit.Build(t.Context(), t.TempDir(), "edgepurge", kit.Edgepurge)
	if err != nil {
		t.Fatal(err)
	}
	srv := natstest.Start(t, nil)
	places := make(chan struct{}, atOnce)
	for seed := range *seeds {
		for i, mode := range modes(t) {
			t.Run(fmt.Sprintf("%s/%d", mode.Name, seed), func(t *testing.T) {
				t.Parallel()
				places <- struct{}{}
				defer func() { <-places }()
				w := newWorld(t, srv, fmt.Sprintf("evil-%d-%d", seed, i), mode, uint64(1000*seed+i))
				w.killed(bin, rand.New(rand.NewPCG(uint64(seed), uint64(i))))
				w.await()
				w.judge()
			})
		}
	}
}

// killed loads two replicas and kills the leader somewhere in the time that the load takes.
func (w *world) killed(bin string, r *rand.Rand) {
	w.t.Helper()
	leader := w.process(bin)
	w.process(bin)
	w.load()
	w.inTime("before")
	time.Sleep(time.Duration(r.IntN(3000)) * time.Millisecond)
	if err := leader.Process.Kill(); err != nil {
		w.t.Fatal(err)
	}
	w.inTime("after")
}

func (w *world) inTime(id string) {
	w.t.Helper()
	if took := w.healthy(id); took > healthyWithin {
		w.t.Errorf("%s the leader was killed: a healthy zone's request took %v, want %v at most", id, took, healthyWithin)
	}
}

// process starts the program and returns when it is ready; the end of the test kills it.
func (w *world) process(bin string) *exec.Cmd {
	w.t.Helper()
	listen, err := kit.FreeAddress()
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.CommandContext(w.t.Context(), bin, "run")
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.t.TempDir()},
		"NATS_URL="+string(w.cfg.NATS.URL), "NATS_TOKEN="+string(w.cfg.NATS.Token), "EDGEPURGE_NATS_PREFIX="+w.cfg.NATS.Prefix,
		"EDGEPURGE_NATS_MAX_BYTES="+fmt.Sprint(w.cfg.NATS.MaxBytes), "EDGEPURGE_HTTP_LISTEN="+listen,
		"EDGEPURGE_NATS_PARKED_MAX_BYTES="+fmt.Sprint(w.cfg.NATS.ParkedMaxBytes),
		"EDGEPURGE_NATS_PROGRESS_MAX_BYTES="+fmt.Sprint(w.cfg.NATS.ProgressMaxBytes),
		"TENCENTCLOUD_SECRET_ID="+emulator.DefaultSecretID, "TENCENTCLOUD_SECRET_KEY="+emulator.DefaultSecretKey,
		"EDGEPURGE_EDGEONE_ENDPOINT="+w.cfg.EdgeOne.Endpoint, "EDGEPURGE_EDGEONE_TIMEOUT="+w.cfg.EdgeOne.Timeout.String(),
		"EDGEPURGE_TRACKER_POLL_MIN="+w.cfg.Tracker.PollMin.String(), "EDGEPURGE_TRACKER_POLL_MAX="+w.cfg.Tracker.PollMax.String(),
		"EDGEPURGE_TRACKER_DEADLINE="+w.cfg.Tracker.Deadline.String(),
		"EDGEPURGE_LIMITS_DESCRIBE_PER_SECOND="+fmt.Sprint(w.cfg.Limits.DescribePerSecond),
	)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if w.t.Failed() {
			w.t.Logf("the end of what a worker said:\n%s", last(errs.String(), 40))
		}
	})
	w.until("a worker that is ready", func() bool {
		res, err := http.Get("http://" + listen + "/readyz") //nolint:noctx // bounded by the test
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	return cmd
}

func last(text string, lines int) string {
	all := strings.Split(text, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
