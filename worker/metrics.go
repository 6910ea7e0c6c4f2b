package worker

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// Metrics are the worker's counters. All labels are bounded.
type Metrics struct {
	requests *prometheus.CounterVec
	dead     *prometheus.CounterVec
	calls    *prometheus.CounterVec
	targets  prometheus.Counter
	parked   prometheus.Counter
	adopted  prometheus.Counter
	latency  prometheus.Histogram
}

// NewMetrics registers the worker's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "edgepurge_requests_received_total", Help: "Request messages delivered, repeats included.",
		}, []string{"lane"}),
		dead: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "edgepurge_dead_letters_total", Help: "Request messages that became dead letters.",
		}, []string{"code"}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "edgepurge_create_calls_total", Help: "CreatePurgeTask calls by what their answer means.",
		}, []string{"class"}),
		targets: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "edgepurge_targets_submitted_total", Help: "Targets in batches that EdgeOne accepted.",
		}),
		parked: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "edgepurge_requests_parked_total", Help: "Requests that were put aside until their zone's next day.",
		}),
		adopted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "edgepurge_jobs_adopted_total", Help: "Jobs that were found though the answer to their call was lost.",
		}),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "edgepurge_create_call_duration_seconds", Help: "Time that CreatePurgeTask calls took.",
			Buckets:                         prometheus.ExponentialBuckets(0.01, 2, 12),
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  160,
			NativeHistogramMinResetDuration: time.Hour,
		}),
	}
	reg.MustRegister(m.requests, m.dead, m.calls, m.targets, m.parked, m.adopted, m.latency)
	for _, lane := range []purge.Lane{purge.Interactive, purge.Bulk} {
		m.requests.WithLabelValues(string(lane))
	}
	for c := edgeone.Done; c <= edgeone.Unknown; c++ {
		m.calls.WithLabelValues(c.String())
	}
	return m
}

func (m *Metrics) received(lane purge.Lane, n int) {
	m.requests.WithLabelValues(string(lane)).Add(float64(n))
}

func (m *Metrics) called(c edgeone.Class, targets int, took time.Duration) {
	m.calls.WithLabelValues(c.String()).Inc()
	m.latency.Observe(took.Seconds())
	if c == edgeone.Done {
		m.targets.Add(float64(targets))
	}
}

func (m *Metrics) adopt(targets int) {
	m.adopted.Inc()
	m.targets.Add(float64(targets))
}

func (m *Metrics) buried(letters []record.DeadLetter) {
	for _, d := range letters {
		m.dead.WithLabelValues(d.Code).Inc()
	}
}
