package app

import (
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/edgepurge/edgepurge/internal/account"
	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/credentials"
	"github.com/edgepurge/edgepurge/internal/metrics"
)

// reloads is what is known of the configuration in force.
type reloads struct {
	mu    sync.Mutex
	cfg   config.Config // that of the start, with the live keys of the last reload
	last  metrics.Reload
	level *zap.AtomicLevel // nil: it can't be changed
}

// Level lets log.level change while the App runs. It must be called before Run.
func (a *App) Level(level zap.AtomicLevel) { a.reloads.level = &level }

// Reload loads the configuration again and puts those of its keys in force that can change while the App
// runs. Every change is told in the log, and so is which of them wait for the next start. One that is
// refused changes nothing.
func (a *App) Reload(load func() (config.Config, []string, error)) error {
	cfg, warnings, err := load()
	a.reloads.mu.Lock()
	defer a.reloads.mu.Unlock()
	for _, w := range warnings {
		a.log.Warn("configuration", zap.String("warning", w))
	}
	changes, next, err := a.weigh(cfg, err)
	if err != nil {
		a.reloads.last.OK = false
		a.log.Error("configuration refused, nothing was changed", zap.Error(err))
		return err
	}
	a.tell(changes, next.Log.Level)
	a.reloads.cfg, a.reloads.last = next, metrics.Reload{OK: true, At: time.Now()}
	if keys, ok := a.keys.(*credentials.Static); ok {
		keys.Set(account.Keys(next.EdgeOne))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current != nil {
		a.current.account.Set(a.accountConfig(next))
	}
	return nil
}

// weigh gives what changes, and the configuration to be in force then. What is sound as a whole need not
// be with the keys that stay as they are until the next start.
func (a *App) weigh(cfg config.Config, err error) ([]config.Change, config.Config, error) {
	now := a.reloads.cfg
	if err != nil {
		return nil, now, err
	}
	next, kept := now.Adopt(cfg), false
	if _, ok := a.keys.(*credentials.Static); !ok || cfg.EdgeOne.SecretID == "" {
		// Keys of a provider are renewed by themselves, and are another thing than those of a configuration.
		kept = true
		n, o := &next.EdgeOne, now.EdgeOne
		n.SecretID, n.SecretKey, n.Token = o.SecretID, o.SecretKey, o.Token
		n.SecretIDFile, n.SecretKeyFile, n.TokenFile = o.SecretIDFile, o.SecretKeyFile, o.TokenFile
	}
	if err := next.Validate(); err != nil {
		return nil, now, fmt.Errorf("it needs a restart as a whole: %w", err)
	}
	changes := now.Changes(cfg)
	for i := range changes {
		changes[i].Live = changes[i].Live && (!kept || !ofKeys(changes[i].Key))
	}
	return changes, next, nil
}

// ofKeys tells whether a key of the configuration is about credentials.
func ofKeys(key string) bool {
	switch key {
	case "edgeone.secret_id", "edgeone.secret_key", "edgeone.token",
		"edgeone.secret_id_file", "edgeone.secret_key_file", "edgeone.token_file":
		return true
	}
	return false
}

// tell logs the changes, whatever the level was and is to be, and sets that.
func (a *App) tell(changes []config.Change, name string) {
	level, err := zapcore.ParseLevel(name)
	if set := a.reloads.level; err == nil && set != nil {
		set.SetLevel(min(set.Level(), level, zapcore.InfoLevel))
		defer set.SetLevel(level)
	}
	for _, c := range changes {
		key, before, after := zap.String("key", c.Key), zap.String("old", c.Old), zap.String("new", c.New)
		if c.Live {
			a.log.Info("configuration changed", key, before, after)
			continue
		}
		a.log.Warn("configuration change waits for a restart", key, before, after)
	}
	a.log.Info("configuration reloaded", zap.Int("changes", len(changes)))
}

// config is the configuration in force.
func (a *App) config() config.Config {
	a.reloads.mu.Lock()
	defer a.reloads.mu.Unlock()
	return a.reloads.cfg
}

func (a *App) lastReload() metrics.Reload {
	a.reloads.mu.Lock()
	defer a.reloads.mu.Unlock()
	return a.reloads.last
}

// catchUp puts the configuration in force for an account that was made while it may have been reloaded.
func (a *App) catchUp(acc *account.Account) {
	a.reloads.mu.Lock()
	defer a.reloads.mu.Unlock()
	acc.Set(a.accountConfig(a.reloads.cfg))
}

// accountConfig is the part of a configuration that an account takes.
func (a *App) accountConfig(cfg config.Config) account.Config {
	return account.Config{
		EdgeOne: cfg.EdgeOne, Limits: cfg.Limits, Batch: cfg.Batch, Tracker: cfg.Tracker, Worker: cfg.Worker,
		Subjects: a.broker.Conn.Subjects(),
	}
}
