package account

import (
	"context"
	"time"

	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/limiter"
	"github.com/edgepurge/edgepurge/internal/metrics"
)

// Paces space the calls of an account: one for CreatePurgeTask, one for DescribePurgeTasks, and one for the helper
// actions, which have a limit each and share this one.
type Paces struct{ create, describe, helpers pace }

// NewPaces makes paces for limits in calls a second.
func NewPaces(limits config.Limits, api *metrics.API) Paces {
	of := func(name string, perSecond float64) pace { return pace{limiter.New(perSecond), name, api} }
	return Paces{
		of(metrics.Create, limits.CreatePerSecond),
		of(metrics.Look, limits.DescribePerSecond),
		of(metrics.Helpers, limits.DescribePerSecond),
	}
}

// set replaces the limits.
func (p Paces) set(limits config.Limits) {
	p.create.Set(limits.CreatePerSecond)
	p.describe.Set(limits.DescribePerSecond)
	p.helpers.Set(limits.DescribePerSecond)
}

// State returns how the calls are spaced now.
func (p Paces) State() []metrics.Pace {
	return []metrics.Pace{p.create.state(), p.describe.state(), p.helpers.state()}
}

// pace measures how long it was waited for.
type pace struct {
	*limiter.Limiter

	name string
	api  *metrics.API
}

// Wait is the Limiter's. A wait that its context cut short is not measured.
func (p pace) Wait(ctx context.Context) error {
	start := time.Now()
	err := p.Limiter.Wait(ctx)
	if err == nil {
		p.api.Waited(p.name, time.Since(start))
	}
	return err
}

func (p pace) state() metrics.Pace {
	limit, spacing, margin := p.Pace()
	s := metrics.Pace{Name: p.name, Limit: limit, Margin: margin}
	if spacing > 0 {
		s.Rate = float64(time.Second) / float64(spacing)
	}
	return s
}
