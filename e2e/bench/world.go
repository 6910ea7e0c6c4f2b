package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/e2e/kit"
)

// plan says what a world is made of.
type plan struct {
	emulator []string // flags
	worker   []string // variables
	taps     bool     // calls pass the bench, which notes them
}

// world is everything that runs for a scenario.
type world struct {
	b        *bench
	plan     plan
	dir      string
	url      string // of the NATS server
	api      string // address of the emulator
	nats     *program
	emulator *program
	workers  []*program
	taps     *taps
	nc       *nats.Conn
	js       jetstream.JetStream
}

// open starts a NATS server and the emulator, and makes the streams; workers come with startWorkers. What runs is
// ended by close, which is called also after an error.
func (b *bench) open(ctx context.Context, p plan) (*world, error) {
	b.worlds++
	w := &world{b: b, plan: p, dir: filepath.Join(b.dir, strconv.Itoa(b.worlds)), taps: newTaps()}
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return w, fmt.Errorf("make directory: %w", err)
	}
	if err := w.startNATS(ctx); err != nil {
		return w, err
	}
	if err := w.startEmulator(ctx); err != nil {
		return w, err
	}
	return w, w.setup(ctx)
}

func (w *world) startNATS(ctx context.Context) error {
	address, err := kit.FreeAddress()
	if err != nil {
		return err
	}
	w.url = "nats://" + address
	conf := filepath.Join(w.dir, "nats.conf")
	text := fmt.Sprintf("listen: %q\njetstream { store_dir: %q, max_file_store: 16GB }\n", address, filepath.Join(w.dir, "nats"))
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return fmt.Errorf("configure NATS server: %w", err)
	}
	if w.nats, err = start(ctx, w.dir, "nats-server", w.b.bin.nats, w.env(), "-c", conf); err != nil {
		return err
	}
	err = w.until(ctx, 20*time.Millisecond, func() (bool, error) {
		w.nc, err = nats.Connect(w.url, nats.Name("bench"), nats.MaxReconnects(0))
		return err == nil, nil
	})
	if err != nil {
		return fmt.Errorf("connect to NATS server: %w", err)
	}
	w.js, err = jetstream.New(w.nc, jetstream.WithDefaultTimeout(30*time.Second), jetstream.WithPublishAsyncMaxPending(maxPending))
	if err != nil {
		return fmt.Errorf("open jetstream: %w", err)
	}
	return nil
}

func (w *world) startEmulator(ctx context.Context) error {
	var err error
	if w.api, err = kit.FreeAddress(); err != nil {
		return err
	}
	args := append([]string{"emulator", "--listen", w.api}, w.plan.emulator...)
	if w.emulator, err = start(ctx, w.dir, "emulator", w.b.bin.edgepurge, w.env(), args...); err != nil {
		return err
	}
	return w.until(ctx, 20*time.Millisecond, func() (bool, error) {
		_, err := w.stats(ctx)
		return err == nil, nil
	})
}

func (w *world) setup(ctx context.Context, variables ...string) error {
	_, err := command(ctx, w.dir, w.b.bin.edgepurge, append(w.env(), variables...), "setup")
	return err
}

func (w *world) env() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "NATS_URL=" + w.url, "EDGEPURGE_HTTP_LISTEN=",
		"TENCENTCLOUD_SECRET_ID=AKIDEMULATOR", "TENCENTCLOUD_SECRET_KEY=emulator-secret",
	}
}

// startWorkers starts as many as the bench is for.
func (w *world) startWorkers(ctx context.Context) error {
	for i := range w.b.workers {
		p, err := w.startWorker(ctx, i)
		if err != nil {
			return err
		}
		w.workers = append(w.workers, p)
	}
	return nil
}

// startWorker starts a worker with its own way to the API, also again after its end.
func (w *world) startWorker(ctx context.Context, i int) (*program, error) {
	endpoint := "http://" + w.api
	if w.plan.taps {
		var err error
		if endpoint, err = w.taps.open(i, w.api); err != nil {
			return nil, err
		}
	}
	env := append(w.env(), "EDGEPURGE_EDGEONE_ENDPOINT="+endpoint)
	return start(ctx, w.dir, "worker-"+strconv.Itoa(i), w.b.bin.edgepurge, append(env, w.plan.worker...), "run")
}

// owner is the worker that has used the CPU most: those that stand by hardly do.
func (w *world) owner() (*program, error) {
	var most time.Duration
	var owner *program
	for _, p := range w.workers {
		cpu, err := p.cpu()
		if err != nil {
			return nil, err
		}
		if owner == nil || cpu > most {
			owner, most = p, cpu
		}
	}
	return owner, nil
}

// until asks again and again until something is so, the context ends, or a program has ended.
func (w *world) until(ctx context.Context, every time.Duration, so func() (bool, error)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		ok, err := so()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		if err := w.died(); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

func (w *world) programs() []*program {
	all := append([]*program{w.nats, w.emulator}, w.workers...)
	return slices.DeleteFunc(all, func(p *program) bool { return p == nil })
}

func (w *world) died() error {
	for _, p := range w.programs() {
		if err := p.died(); err != nil {
			return err
		}
	}
	return nil
}

// state is that of a stream.
func (w *world) state(ctx context.Context, name string) (jetstream.StreamState, error) {
	s, err := w.js.Stream(ctx, name)
	if err != nil {
		return jetstream.StreamState{}, fmt.Errorf("look at %s: %w", name, err)
	}
	return s.CachedInfo().State, nil
}

// empty waits until no request is left: each is in a job that is stored.
func (w *world) empty(ctx context.Context) error {
	return w.until(ctx, 50*time.Millisecond, func() (bool, error) {
		s, err := w.state(ctx, "PURGE_REQUESTS")
		return s.Msgs == 0, err
	})
}

// ended waits for so many events, and returns when the last was stored, by the server's clock.
func (w *world) ended(ctx context.Context, n int) (time.Time, error) {
	var last time.Time
	err := w.until(ctx, 50*time.Millisecond, func() (bool, error) {
		s, err := w.state(ctx, "PURGE_EVENTS")
		last = s.LastTime
		return s.Msgs >= uint64(n), err
	})
	return last, err
}

// stats is what the emulator tells of itself.
type stats struct {
	Creates   int `json:"create_calls"`
	Describes int `json:"describe_calls"`
	Throttled int
	Jobs      int
	Targets   int
	Distinct  int `json:"distinct_targets"`
}

func (w *world) stats(ctx context.Context) (stats, error) {
	var s stats
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.api+"/stats", http.NoBody)
	if err != nil {
		return s, fmt.Errorf("read stats: %w", err)
	}
	res, err := w.taps.client.Do(req)
	if err != nil {
		return s, fmt.Errorf("read stats: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(res.Body).Decode(&s); err != nil {
		return s, fmt.Errorf("read stats: %w", err)
	}
	return s, nil
}

// close ends everything, and tells of a program that had ended by itself.
func (w *world) close() error {
	var errs []error
	for _, p := range slices.Backward(w.programs()) {
		errs = append(errs, p.died())
		p.kill()
	}
	if w.nc != nil {
		w.nc.Close()
	}
	w.taps.close()
	return errors.Join(errs...)
}
