package app

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/edgepurge/edgepurge/internal/account"
	"github.com/edgepurge/edgepurge/internal/metrics"
)

// counts are what is counted from the start of the process to its end, whoever leads meanwhile.
type counts struct {
	account.Counts

	ends *metrics.Ends
}

func newCounts(reg prometheus.Registerer) *counts {
	return &counts{
		Counts: account.Counts{Pipeline: metrics.NewPipeline(reg), API: metrics.NewAPI(reg), Jobs: metrics.NewJobs(reg)},
		ends:   metrics.NewEnds(reg),
	}
}
