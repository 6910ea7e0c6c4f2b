package worker

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/adopt"
	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/metrics"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/zonewait"
	"github.com/edgepurge/edgepurge/purge"
)

// API is what the worker asks of EdgeOne. Errors are classified by [edgeone.Classify].
type API interface {
	CreatePurge(ctx context.Context, p edgeone.Purge) (edgeone.Created, error)
	Quotas(ctx context.Context, zone string) (map[purge.Type]edgeone.Quota, error)
	adopt.API
}

// Pace keeps CreatePurgeTask below its limit.
type Pace interface {
	Wait(ctx context.Context) error
	Throttled(sent time.Time) // a call of that time was refused as too fast
	Hold(d time.Duration)
}

// Lease tells whether this replica may send now (I3).
type Lease interface{ Valid() bool }

// Zones tells the zone of a host, or package zone's errors.
type Zones interface {
	Find(host string) (string, error)
	zonewait.Zones
}

// Queues are where parked requests wait. OpenQueue makes one if there is none, CloseQueue removes
// one that is empty and reports whether it was.
type Queues interface {
	OpenQueue(ctx context.Context, q record.Queue) (inbox.Consumer, error)
	CloseQueue(ctx context.Context, q record.Queue) (bool, error)
}

// Tracker takes over a job that is stored.
type Tracker interface{ Track(job record.InFlight) }

// Deps are what a Worker works with.
type Deps struct {
	Lanes   map[purge.Lane]inbox.Consumer
	Acker   inbox.Acker
	API     API
	Pace    Pace
	Look    Pace                        // of DescribePurgeTasks
	Aside   func(context.Context) error // paces DescribeContentQuota
	Lease   Lease
	Zones   Zones
	Queues  Queues
	Paused  func(context.Context) (map[purge.Lane]time.Time, error) // the lanes that are paused, since when
	Ledger  *ledger.Ledger
	Tracker Tracker
	Metrics *metrics.Pipeline
	Log     *zap.Logger
}
