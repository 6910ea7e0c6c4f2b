package deploy_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/e2e/kit"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/internal/natstest"
)

// patience bounds every wait: long enough for two loaded cores.
const patience = 2 * time.Minute

// program is edgepurge, built once for all tests.
var program = kit.NewOnce("edgepurge", kit.Edgepurge)

func TestMain(m *testing.M) { os.Exit(program.Main(m)) }

// The users of nats.conf, and the variables with their passwords.
var passwords = map[string]string{
	"worker": "WORKER_PASSWORD", "operator": "OPERATOR_PASSWORD", "ghost": "GHOST_PASSWORD",
	"sys": "SYS_PASSWORD",
}

// natsOptions loads nats.conf as it is, and changes only where the server listens and stores. A test that calls it is not
// parallel: the file reads variables.
func natsOptions(t *testing.T) *server.Options {
	t.Helper()
	for user, variable := range passwords {
		t.Setenv(variable, "password-of-"+user)
	}
	opts, err := server.ProcessConfigFile("nats/nats.conf")
	if err != nil {
		t.Fatal(err)
	}
	opts.Host, opts.Port, opts.HTTPPort, opts.StoreDir = "127.0.0.1", server.RANDOM_PORT, 0, t.TempDir()
	opts.NoSigs, opts.NoLog = true, true
	return opts
}

// town is a NATS server with the users of nats.conf, the emulator, and a look at everything from inside.
type town struct {
	t                       *testing.T
	bin                     string
	address                 string // of the server
	api                     *emulator.Emulator
	apiURL                  string
	gate                    sync.RWMutex        // held for reading by each call of the API
	admin                   jetstream.JetStream // a user of no file, who may do everything in the account PURGE
	worker, operator, ghost *tap
}

func newTown(t *testing.T, change func(*emulator.Config)) *town {
	t.Helper()
	bin := program.Path(t)
	opts := natsOptions(t)
	for _, account := range opts.Accounts {
		if account.Name == "PURGE" {
			opts.Users = append(opts.Users, &server.User{Username: "admin", Password: "admin", Account: account})
		}
	}
	s := natstest.Start(t, func(o *server.Options) { *o = *opts })
	w := &town{t: t, bin: bin, address: s.Address}
	w.worker, w.operator, w.ghost = newTap(t, w.address), newTap(t, w.address), newTap(t, w.address)
	var err error
	if w.admin, err = jetstream.New(w.connect("admin", "admin")); err != nil {
		t.Fatal(err)
	}
	cfg := emulator.Default()
	cfg.TaskTime, cfg.Latency, cfg.Rate = 200*time.Millisecond, 5*time.Millisecond, 0
	change(&cfg)
	if w.api, err = emulator.New(cfg); err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.gate.RLock()
		defer w.gate.RUnlock()
		w.api.ServeHTTP(rw, r)
	}))
	t.Cleanup(front.Close)
	w.apiURL = front.URL
	return w
}

func (w *town) connect(user, password string, opts ...nats.Option) *nats.Conn {
	w.t.Helper()
	return w.dial("nats://"+w.address, user, password, opts...)
}

func (w *town) dial(url, user, password string, opts ...nats.Option) *nats.Conn {
	w.t.Helper()
	nc, err := nats.Connect(url, append(opts, nats.UserInfo(user, password))...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(nc.Close)
	return nc
}

// env are the variables of a user's program; the connection goes through the user's tap.
func (w *town) env(user string, p *tap, more ...string) []string {
	return append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.t.TempDir(),
		"NATS_URL=" + p.url, "NATS_USER=" + user, "NATS_PASSWORD=password-of-" + user, "EDGEPURGE_NATS_INBOX=_INBOX_" + user,
		"EDGEPURGE_EDGEONE_ENDPOINT=" + w.apiURL,
		"TENCENTCLOUD_SECRET_ID=" + emulator.DefaultSecretID, "TENCENTCLOUD_SECRET_KEY=" + emulator.DefaultSecretKey,
	}, more...)
}

// operate runs a command as the operator, and wants it to end well.
func (w *town) operate(args ...string) string {
	w.t.Helper()
	out, code := w.try(w.env("operator", w.operator, append(small, "EDGEPURGE_HTTP_LISTEN=")...), args...)
	if code != 0 {
		w.t.Errorf("edgepurge %s: got exit code %d, want 0\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

// try runs a command; what it prints is on both outputs.
func (w *town) try(env []string, args ...string) (text string, code int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, w.bin, args...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(out), e.ExitCode()
	}
	if err != nil {
		w.t.Errorf("edgepurge %s: %v", strings.Join(args, " "), err)
	}
	return string(out), 0
}

// replica is a worker's process.
type replica struct {
	cmd *exec.Cmd
	url string
}

// start runs a worker and waits until it is ready.
func (w *town) start() *replica {
	w.t.Helper()
	address, err := kit.FreeAddress()
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(w.t.Context()), w.bin, "run")
	cmd.Env = w.env("worker", w.worker, append(small, "EDGEPURGE_HTTP_LISTEN="+address)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if w.t.Failed() {
			w.t.Logf("a worker said:\n%s", last(errs.String(), 4000))
		}
	})
	r := &replica{cmd, "http://" + address}
	w.until("a worker that is ready", func() bool {
		status, _ := w.get(r.url + "/readyz")
		return status == http.StatusOK
	})
	return r
}

func last(s string, n int) string { return s[max(0, len(s)-n):] }

// leads tells whether a replica is the leader.
func (w *town) leads(r *replica) bool {
	_, text := w.get(r.url + "/metrics")
	return strings.Contains(text, "\nedgepurge_leader 1\n")
}

// get asks a worker; 0 when nobody answers.
func (w *town) get(url string) (status int, body string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		w.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, ""
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, ""
	}
	return res.StatusCode, string(text)
}

// hold keeps the API from answering until the function is called.
func (w *town) hold() (release func()) {
	w.gate.Lock()
	release = sync.OnceFunc(w.gate.Unlock)
	w.t.Cleanup(release)
	return release
}

// stop ends a replica by a signal, and waits for it.
func (w *town) stop(r *replica, by os.Signal) {
	w.t.Helper()
	if err := r.cmd.Process.Signal(by); err != nil {
		w.t.Fatal(err)
	}
	_ = r.cmd.Wait() // a killed one has no exit code of its own
}

// count is how many messages a stream has; -1 when it can't be told.
func (w *town) count(stream string) int {
	s, err := w.admin.Stream(w.t.Context(), stream)
	if err != nil {
		return -1
	}
	return int(s.CachedInfo().State.Msgs)
}

func (w *town) until(what string, ok func() bool) {
	w.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(patience); !ok(); {
		select {
		case <-tick.C:
		case <-late:
			w.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// put stores a message as somebody who may write everywhere.
func (w *town) put(subject string) {
	w.t.Helper()
	if _, err := w.admin.Publish(w.t.Context(), subject, []byte(`{"stream":"PURGE_REQUESTS","seq":7}`)); err != nil {
		w.t.Fatalf("publish to %s: %v", subject, err)
	}
}
