package quota

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/trouble"
)

// Kind is what EdgeOne counts together, and may refuse together: one type of targets in one zone.
type Kind struct {
	Zone string
	Type string // the API's word, as "purge_url"
}

// API reads the quotas of a zone by type. A type without a row is unknown.
type API interface {
	Quotas(ctx context.Context, zone string) (map[string]edgeone.Quota, error)
}

// Config is what a Gate works with.
type Config struct {
	API  API
	Pace func(context.Context) error // waits until API may be called; its error ends Run
	Log  *zap.Logger
}

// Gate knows the quotas of all zones in use. It is safe for concurrent use; only Run blocks.
type Gate struct {
	cfg      Config
	troubles *trouble.Log
	wake     chan struct{} // capacity 1: a zone is to be read
	changed  chan struct{} // capacity 1: changes has something

	mu      sync.Mutex
	zones   map[string]*zone
	plans   plans
	changes map[Kind]time.Time
}

// New makes a Gate that knows nothing yet.
func New(cfg Config) *Gate {
	return &Gate{
		cfg: cfg, troubles: trouble.New(cfg.Log),
		wake: make(chan struct{}, 1), changed: make(chan struct{}, 1),
		zones: make(map[string]*zone), plans: make(plans), changes: make(map[Kind]time.Time),
	}
}

// Changed signals that Changes has something to return.
func (g *Gate) Changed() <-chan struct{} { return g.changed }

// Changes returns the kinds whose holds the readings since the last call may have changed, and until when
// each is held; a time that has passed means that it is not.
func (g *Gate) Changes() map[Kind]time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	changes := g.changes
	g.changes = make(map[Kind]time.Time)
	return changes
}
