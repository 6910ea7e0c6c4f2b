package app

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/edgepurge/edgepurge/internal/account"
	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/credentials"
)

// reloadBench is an App that has not run, and what it logs.
type reloadBench struct {
	*App

	logs  *observer.ObservedLogs
	level zap.AtomicLevel
	start config.Config
}

func newReloadBench(t *testing.T, change func(*config.Config)) *reloadBench {
	t.Helper()
	b := &reloadBench{level: zap.NewAtomicLevel(), start: config.Default()}
	b.start.NATS.URL = "nats://127.0.0.1:1" // nobody is there
	b.start.EdgeOne.SecretID, b.start.EdgeOne.SecretKey = "AKIDOLD", "old-secret-key"
	if change != nil {
		change(&b.start)
	}
	keys, err := credentials.Find(account.Keys(b.start.EdgeOne))
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(b.level)
	b.logs = logs
	if b.App, err = New(b.start, keys, zap.New(core)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.broker.Conn.Close)
	b.Level(b.level)
	return b
}

// reload loads what change makes of the configuration of the start.
func (b *reloadBench) reload(change func(*config.Config)) error {
	return b.Reload(func() (config.Config, []string, error) {
		cfg := b.start
		change(&cfg)
		return cfg, nil, cfg.Validate()
	})
}

// told gives what was logged about keys, as "key old new", and forgets it.
func (b *reloadBench) told() (live, waiting []string) {
	for _, e := range b.logs.TakeAll() {
		m := e.ContextMap()
		line := fmt.Sprint(m["key"], " ", m["old"], " ", m["new"])
		switch e.Message {
		case "configuration changed":
			live = append(live, line)
		case "configuration change waits for a restart":
			waiting = append(waiting, line)
		}
	}
	return live, waiting
}

func (b *reloadBench) tells(t *testing.T, wantLive, wantWaiting string) {
	t.Helper()
	live, waiting := b.told()
	if got := strings.Join(live, "; "); got != wantLive {
		t.Errorf("in force: got %q, want %q", got, wantLive)
	}
	if got := strings.Join(waiting, "; "); got != wantWaiting {
		t.Errorf("waiting for a restart: got %q, want %q", got, wantWaiting)
	}
}

func TestReload_PutsInForceWhatItCan(t *testing.T) {
	b := newReloadBench(t, nil)
	err := b.reload(func(c *config.Config) {
		c.Limits.CreatePerSecond, c.Batch.MaxTargets = 5, 100
		c.EdgeOne.SecretKey = "new-secret-key"
		c.Worker.Window, c.NATS.Prefix = 1000, "other"
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range b.logs.All() {
		if text := fmt.Sprint(e.Message, e.ContextMap()); strings.Contains(text, "secret-key") || strings.Contains(text, "AKID") {
			t.Errorf("a secret is logged: %s", text)
		}
	}
	b.tells(t, "edgeone.secret_key *** ***; limits.create_per_second 20 5; batch.max_targets 0 100",
		"nats.prefix purge other; worker.window 50000 1000")
	if c := b.config(); c.Limits.CreatePerSecond != 5 || c.Batch.MaxTargets != 100 || c.Worker.Window != b.start.Worker.Window || c.NATS.Prefix != "purge" {
		t.Errorf("got %+v in force", c)
	}
	if _, key, _ := b.keys.GetCredential(); key != "new-secret-key" {
		t.Error("the keys are still the old ones")
	}
	if paces := b.State().Paces; paces[0].Limit != 5 || paces[1].Limit != 20 {
		t.Errorf("got paces %+v, want 5 and 20 calls a second", paces)
	}
	// Once more: nothing is new, but for what still waits.
	if err := b.reload(func(c *config.Config) { c.Worker.Window = 1000 }); err != nil {
		t.Fatal(err)
	}
	b.tells(t, "edgeone.secret_key *** ***; limits.create_per_second 5 20; batch.max_targets 100 0", "worker.window 50000 1000")
}

func TestReload_RefusesWhatCantWork(t *testing.T) {
	b := newReloadBench(t, nil)
	if s := b.State().Reload; !s.OK || s.At.IsZero() {
		t.Errorf("got %+v at the start, want it to be good", s)
	}
	before := b.lastReload().At
	tests := map[string]func(*config.Config){
		"a value that can't work": func(c *config.Config) { c.Batch.MaxTargets, c.Limits.CreatePerSecond = -1, 5 },
		// Sound as a whole; but the endpoint changes with a restart only, and the limit would be gone at once.
		"no limit, for an endpoint that is not in force": func(c *config.Config) {
			c.EdgeOne.Endpoint, c.Limits.CreatePerSecond = "http://127.0.0.1:7481", 0
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			if err := b.reload(change); err == nil {
				t.Fatal("got no error")
			}
			if c := b.config(); c.Limits.CreatePerSecond != 20 || c.Batch.MaxTargets != 0 {
				t.Errorf("got %+v in force, want what was", c)
			}
			if s := b.lastReload(); s.OK || !s.At.Equal(before) {
				t.Errorf("got %+v, want a refusal, and the time of the last success", s)
			}
			refused := b.logs.FilterMessage("configuration refused, nothing was changed").All()
			if len(refused) != 1 || refused[0].Level != zapcore.ErrorLevel {
				t.Errorf("got %d errors in the log, want one", len(refused))
			}
			b.tells(t, "", "")
		})
	}
	if err := b.reload(func(*config.Config) {}); err != nil || !b.lastReload().OK {
		t.Errorf("got %v and %+v after a good one", err, b.lastReload())
	}
	if err := b.Reload(func() (config.Config, []string, error) { return config.Config{}, nil, errors.New("no such file") }); err == nil {
		t.Error("got no error for a file that is gone")
	}
}

func TestReload_SetsTheLevelSoThatTheChangeIsTold(t *testing.T) {
	b := newReloadBench(t, nil)
	for _, tt := range []struct {
		level string
		told  string
	}{
		{"error", "log.level info error"},
		{"debug", "log.level error debug"},
		{"error", "log.level debug error"},
		{"warn", "log.level error warn"},
	} {
		if err := b.reload(func(c *config.Config) { c.Log.Level = tt.level }); err != nil {
			t.Fatal(err)
		}
		b.tells(t, tt.told, "")
		if got := b.level.String(); got != tt.level {
			t.Errorf("got level %s, want %s", got, tt.level)
		}
	}
	b.level.SetLevel(zapcore.DebugLevel) // by hand, until the next reload
	if err := b.reload(func(c *config.Config) { c.Log.Level = "warn" }); err != nil || b.level.String() != "warn" {
		t.Errorf("got %v and level %s, want that of the configuration", err, b.level)
	}
}

// Keys of a provider are renewed by themselves. They don't give way to others while the worker runs, nor
// do those of a configuration to a provider.
func TestReload_LeavesTheKindOfCredentials(t *testing.T) {
	b := newReloadBench(t, nil)
	if err := b.reload(func(c *config.Config) { c.EdgeOne.SecretID, c.EdgeOne.SecretKey = "", "" }); err != nil {
		t.Fatal(err)
	}
	b.tells(t, "", "edgeone.secret_id *** ; edgeone.secret_key *** ")
	if id, key, _ := b.keys.GetCredential(); id != "AKIDOLD" || key != "old-secret-key" {
		t.Errorf("got %s, %s, want the keys kept", id, key)
	}

	b = newReloadBench(t, nil)
	b.keys = credentials.NewProvided(func() (common.CredentialIface, error) { return common.NewCredential("AKIDROLE", "role-key"), nil })
	if err := b.reload(func(c *config.Config) { c.EdgeOne.SecretID, c.EdgeOne.SecretKey = "AKIDNEW", "new-secret-key" }); err != nil {
		t.Fatal(err)
	}
	if id, _, _ := b.keys.GetCredential(); id != "AKIDROLE" {
		t.Errorf("got %s, want that of the role", id)
	}
}
