package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/e2e/proc"
)

const (
	workers = 3
	// rate is the API's limit of calls a second, the emulator's default.
	rate = 20
	// apiTimeout is how long a worker waits for an answer, and drainTime what it has after SIGTERM.
	apiTimeout = 5 * time.Second
	drainTime  = 5 * time.Second
)

// world is everything that runs.
type world struct {
	set      setting
	dir      string
	secrets  []string // key and password
	servers  *servers
	emulator *program
	api      *api
	workers  []*program
	links    [][]*link // by worker, by server
	lives    *notes
	calls    *notes
	nc       *nats.Conn // past the links
	js       jetstream.JetStream
}

// binaries are the programs under test.
type binaries struct{ edgepurge, nats string }

// newWorld starts everything, and waits until the streams are there. What it has started is to be ended by close,
// also after an error.
func newWorld(ctx context.Context, set setting, dir string, bin binaries) (*world, error) {
	w := &world{set: set, dir: dir, secrets: []string{rand.Text(), rand.Text()}}
	var err error
	if w.lives, err = newNotes(dir, livesFile); err != nil {
		return w, err
	}
	if w.calls, err = newNotes(dir, callsFile); err != nil {
		return w, err
	}
	if w.servers, err = newServers(bin.nats, dir, w.secrets[1], set.Nodes, w.lives); err != nil {
		return w, err
	}
	for _, p := range w.servers.programs {
		if err := p.start(); err != nil {
			return w, err
		}
	}
	if err := w.startEmulator(bin.edgepurge); err != nil {
		return w, err
	}
	for i := range workers {
		if err := w.addWorker(i, bin.edgepurge); err != nil {
			return w, err
		}
	}
	return w, w.connect(ctx)
}

func (w *world) startEmulator(binary string) error {
	address, err := proc.FreeAddress()
	if err != nil {
		return err
	}
	args := []string{
		"emulator", "--listen", address, "--rate", strconv.Itoa(rate), "--latency", "20ms", "--task-time", "1s",
		"--window", w.set.Window, "--daily-quota", strconv.Itoa(w.set.DailyQuota), "--day", w.set.Day.String(),
		"--fault", fmt.Sprintf("task-failed=%v", w.set.TaskFailed),
	}
	for _, z := range zones() {
		args = append(args, "--zone", z)
	}
	w.emulator = &program{name: "emulator", path: binary, args: args, env: w.env(), dir: w.dir, lives: w.lives}
	w.api = newAPI(address, w.set.Seed, w.calls)
	return w.emulator.start()
}

const secretID = "AKIDTORTURE"

// env is what the emulator and every worker have in common.
func (w *world) env() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir,
		"TENCENTCLOUD_SECRET_ID=" + secretID, "TENCENTCLOUD_SECRET_KEY=" + w.secrets[0],
	}
}

// addWorker starts a worker with ways of its own to every server and to the API.
func (w *world) addWorker(i int, binary string) error {
	if err := w.api.open(); err != nil {
		return err
	}
	var links []*link
	var urls []string
	for _, port := range w.servers.ports {
		l, err := newLink(port)
		if err != nil {
			return err
		}
		links, urls = append(links, l), append(urls, "nats://"+l.address())
	}
	w.links = append(w.links, links)
	listen, err := proc.FreeAddress()
	if err != nil {
		return err
	}
	env := append(w.env(),
		"NATS_URL="+strings.Join(urls, ","), "NATS_USER="+user, "NATS_PASSWORD="+w.secrets[1],
		"EDGEPURGE_NATS_REPLICAS="+strconv.Itoa(w.set.Nodes), "EDGEPURGE_NATS_MAX_BYTES=256MiB",
		"EDGEPURGE_NATS_PARKED_MAX_BYTES=64MiB", "EDGEPURGE_NATS_PROGRESS_MAX_BYTES=64MiB", // reserved on each server
		"EDGEPURGE_EDGEONE_ENDPOINT="+w.api.urls[i], "EDGEPURGE_EDGEONE_TIMEOUT="+apiTimeout.String(),
		"EDGEPURGE_WORKER_DRAIN="+drainTime.String(), "EDGEPURGE_HTTP_LISTEN="+listen,
		"EDGEPURGE_TRACKER_POLL_MIN=300ms", "EDGEPURGE_TRACKER_POLL_MAX=2s", "EDGEPURGE_LOG_LEVEL=debug",
	)
	p := &program{name: "worker-" + strconv.Itoa(i), path: binary, args: []string{"run"}, env: env, dir: w.dir, lives: w.lives}
	w.workers = append(w.workers, p)
	return p.start()
}

// connect opens the load's own connection, and waits for the streams that a worker makes.
func (w *world) connect(ctx context.Context) error {
	var err error
	w.nc, err = nats.Connect(w.servers.urls(), nats.UserInfo(user, w.secrets[1]), nats.MaxReconnects(-1),
		nats.RetryOnFailedConnect(true), nats.ReconnectWait(100*time.Millisecond), nats.IgnoreDiscoveredServers(),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		return fmt.Errorf("connect to nats: %w", err)
	}
	if w.js, err = jetstream.New(w.nc, jetstream.WithDefaultTimeout(5*time.Second)); err != nil {
		return fmt.Errorf("open jetstream: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for !w.healthy(ctx) {
		if !w.alive() || !pause(ctx, 100*time.Millisecond) {
			return errors.New("wait for the streams: they do not come; see the logs")
		}
	}
	return nil
}

func streams() []string {
	return []string{"PURGE_REQUESTS", "PURGE_EVENTS", "PURGE_DEAD", "PURGE_JOBS", "PURGE_PROGRESS", "PURGE_PARKED", "PURGE_CONTROL"}
}

// healthy tells whether every stream and the consumers of the workers answer.
func (w *world) healthy(ctx context.Context) bool {
	for _, name := range streams() {
		if w.state(ctx, name) == nil {
			return false
		}
	}
	for _, c := range [][2]string{{"PURGE_REQUESTS", "interactive"}, {"PURGE_REQUESTS", "bulk"}, {"PURGE_CONTROL", "owner"}} {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		_, err := w.js.Consumer(ctx, c[0], c[1])
		cancel()
		if err != nil {
			return false
		}
	}
	return true
}

// alive tells whether everything that was started still runs.
func (w *world) alive() bool {
	for _, p := range slices.Concat(w.servers.programs, w.workers, []*program{w.emulator}) {
		if !p.running() {
			return false
		}
	}
	return true
}

// state is that of a stream, nil when the broker can't tell within a second.
func (w *world) state(ctx context.Context, name string) *jetstream.StreamState {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	s, err := w.js.Stream(ctx, name)
	if err != nil {
		return nil
	}
	return &s.CachedInfo().State
}

// close ends everything that was started.
func (w *world) close() error {
	if w.nc != nil {
		w.nc.Close()
	}
	all := w.workers
	if w.emulator != nil {
		all = append(all, w.emulator)
	}
	if w.servers != nil {
		all = append(all, w.servers.programs...)
	}
	for _, p := range all {
		p.kill()
	}
	for _, links := range w.links {
		for _, l := range links {
			l.close()
		}
	}
	if w.api != nil {
		w.api.close()
	}
	var errs []error
	for _, n := range []*notes{w.lives, w.calls} {
		if n != nil {
			errs = append(errs, n.close())
		}
	}
	return errors.Join(errs...)
}
