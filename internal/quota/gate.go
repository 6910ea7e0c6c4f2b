package quota

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/trouble"
	"github.com/edgepurge/edgepurge/purge"
)

// Kind is what EdgeOne counts together, and may refuse together: one type of targets in one zone.
type Kind struct {
	Zone string
	Type purge.Type
}

// API reads the quotas of a zone by type. A type without a row is unknown.
type API interface {
	Quotas(ctx context.Context, zone string) (map[purge.Type]edgeone.Quota, error)
}

// Config is what a Gate works with.
type Config struct {
	API  API
	Pace func(context.Context) error // waits until API may be called; its error ends Run
	Log  *zap.Logger
}

// Gate knows what EdgeOne takes of the zones in use. It is safe for concurrent use; only Run
// blocks.
type Gate struct {
	cfg      Config
	troubles *trouble.Log
	wake     chan struct{} // capacity 1: a zone is to be read
	changed  chan struct{} // capacity 1: a hold may have changed

	mu      sync.Mutex
	zones   map[string]*zone
	plans   plans             // kinds that the plan of their zone lacks
	denied  denied            // kinds that the credentials may not purge
	blocks  blocks            // kinds whose calls are refused for a while
	flights map[Kind]flight   // calls without an answer yet
	changes map[Kind]struct{} // whose holds may have changed
}

// New makes a Gate that knows nothing yet.
func New(cfg Config) *Gate {
	return &Gate{
		cfg: cfg, troubles: trouble.New(cfg.Log),
		wake: make(chan struct{}, 1), changed: make(chan struct{}, 1),
		zones: make(map[string]*zone), plans: make(plans), denied: denied{until: make(map[Kind]time.Time)},
		blocks: make(blocks), flights: make(map[Kind]flight), changes: make(map[Kind]struct{}),
	}
}
