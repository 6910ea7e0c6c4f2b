package app

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/edgepurge/edgepurge/purge"
	"github.com/edgepurge/edgepurge/worker"
)

// metrics are those that no single part can tell.
type metrics struct {
	worker *worker.Metrics
	events *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer, a *App) *metrics {
	m := &metrics{
		worker: worker.NewMetrics(reg),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "edgepurge_events_total", Help: "Terminal events stored, by how the request ended.",
		}, []string{"status"}),
	}
	gauge := func(name, help string, read func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read)
	}
	reg.MustRegister(m.events,
		gauge("edgepurge_nats_connected", "1 while the broker can be worked with.", func() float64 { return flag(a.broker.Check() == nil) }),
		gauge("edgepurge_owner", "1 on the replica that sends.", func() float64 { return flag(a.Owner()) }),
		gauge("edgepurge_targets_waiting", "Targets held in memory that wait to be sent.", func() float64 { return a.count((*account).waiting) }),
		gauge("edgepurge_jobs_in_flight", "Jobs that are not final.", func() float64 { return a.count((*account).inFlight) }),
	)
	for _, s := range []purge.Status{purge.Completed, purge.Partial, purge.Failed, purge.Rejected, purge.Expired} {
		m.events.WithLabelValues(string(s))
	}
	return m
}

func (m *metrics) told(e purge.Event) { m.events.WithLabelValues(string(e.Data.Status)).Inc() }

func (acc *account) waiting() int { return acc.worker.Waiting() }

func (acc *account) inFlight() int { return acc.tracker.InFlight() }

func (a *App) count(of func(*account) int) float64 {
	a.mu.Lock()
	acc := a.current
	a.mu.Unlock()
	if acc == nil {
		return 0
	}
	return float64(of(acc))
}

// Owner tells whether this replica is the one that sends.
func (a *App) Owner() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.owner
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
