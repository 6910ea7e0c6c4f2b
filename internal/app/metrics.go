package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/edgepurge/edgepurge/internal/limiter"
	"github.com/edgepurge/edgepurge/internal/metrics"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/tracker"
)

// counts are what is counted from the start of the process to its end, whoever owns meanwhile.
type counts struct {
	pipeline *metrics.Pipeline
	api      *metrics.API
	jobs     *metrics.Jobs
	ends     *metrics.Ends
}

func newCounts(reg prometheus.Registerer) *counts {
	return &counts{
		pipeline: metrics.NewPipeline(reg), api: metrics.NewAPI(reg), jobs: metrics.NewJobs(reg), ends: metrics.NewEnds(reg),
	}
}

// timedPace is a pace that tells how long it was waited for.
type timedPace struct {
	*limiter.Limiter

	name string
	api  *metrics.API
}

// Wait is the Limiter's. A wait that the end of its context cut short is not told.
func (p timedPace) Wait(ctx context.Context) error {
	start := time.Now()
	err := p.Limiter.Wait(ctx)
	if err == nil {
		p.api.Waited(p.name, time.Since(start))
	}
	return err
}

// state is how the calls are spaced now.
func (p timedPace) state() metrics.Pace {
	limit, spacing, margin := p.Pace()
	s := metrics.Pace{Name: p.name, Limit: limit, Margin: margin}
	if spacing > 0 {
		s.Rate = float64(time.Second) / float64(spacing)
	}
	return s
}

// countedEnds are the books, telling how jobs end.
type countedEnds struct {
	tracker.Ledger

	jobs *metrics.Jobs
}

// End is the Ledger's.
func (c countedEnds) End(ctx context.Context, job record.InFlight, out record.Outcome) error {
	err := c.Ledger.End(ctx, job, out)
	if err == nil {
		c.jobs.Final(job.Type, job.Submitted, &out)
	}
	return err
}
