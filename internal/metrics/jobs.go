package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// The results of a job.
const (
	success  = "success"  // every target was purged
	failure  = "failure"  // some were not
	deadline = "deadline" // it was given up
)

// Jobs counts how EdgeOne's jobs ended. It is safe for concurrent use.
type Jobs struct {
	durations map[job]prometheus.Observer
}

type job struct{ typ, result string }

// NewJobs registers the metrics of jobs.
func NewJobs(reg prometheus.Registerer) *Jobs {
	durations := prometheus.NewHistogramVec(histogramOpts("task_duration_seconds",
		"Time from the submission of a job to its end, as the polls saw it.", ends()), []string{"type", "result"})
	reg.MustRegister(durations)
	m := &Jobs{durations: make(map[job]prometheus.Observer)}
	for _, typ := range types {
		for _, result := range []string{success, failure, deadline} {
			m.durations[job{typ, result}] = durations.WithLabelValues(typ, result)
		}
	}
	return m
}

// Final counts a job that has ended.
func (m *Jobs) Final(typ purge.Type, submitted time.Time, out *record.Outcome) {
	if o, ok := m.durations[job{typeLabel(typ), resultOf(out)}]; ok {
		o.Observe(out.Finished.Sub(submitted).Seconds())
	}
}

func resultOf(out *record.Outcome) string {
	switch {
	case out.Rest.Code == purge.CodeDeadline:
		return deadline
	case len(out.Rows) == 0 && out.Rest.Code != "":
		return failure
	}
	for _, row := range out.Rows {
		if row.Result.Code != "" {
			return failure
		}
	}
	return success
}
