package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/edgepurge/edgepurge/purge"
)

// maxLag bounds what one request adds to the time from change to purged: producers write the time of the
// change, and a wrong year would spoil the sum of all. Requests of more than a week are told as of one.
const maxLag = 7 * 24 * time.Hour

// Ends counts how requests ended. It is safe for concurrent use.
type Ends struct {
	published map[end]prometheus.Counter
	rejected  map[string]prometheus.Counter  // by reason
	lag       map[string]prometheus.Observer // by lane
}

type end struct{ lane, status string }

// NewEnds registers the metrics of requests that ended.
func NewEnds(reg prometheus.Registerer) *Ends {
	published := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: prefix + "events_published_total", Help: "Requests that ended: terminal events stored, by the status in them.",
	}, []string{"lane", "status"})
	m := &Ends{
		published: make(map[end]prometheus.Counter),
		rejected: counters(reg, "requests_rejected_total",
			"Requests that ended as rejected, by why.", "reason", reasons()),
		lag: histograms(reg, "purge_end_to_end_seconds",
			"Time from the change that a request tells to all its targets being purged; from its arrival where it tells none.",
			"lane", lanes, ends()),
	}
	reg.MustRegister(published)
	for _, lane := range lanes {
		for _, status := range statuses {
			m.published[end{lane, status}] = published.WithLabelValues(lane, status)
		}
	}
	return m
}

// Told counts a terminal event that is stored.
func (m *Ends) Told(e purge.Event) {
	o := &e.Data
	lane := string(o.Lane)
	if _, known := m.lag[lane]; !known {
		lane = other
	}
	if c := m.published[end{lane, string(o.Status)}]; c != nil {
		c.Inc()
	}
	switch o.Status {
	case purge.Completed:
		m.lag[lane].Observe(lagOf(&o.Times).Seconds())
	case purge.Rejected:
		code := ""
		if o.Reason != nil {
			code = o.Reason.Code
		}
		m.rejected[reasonName(code)].Inc()
	case purge.Partial, purge.Failed, purge.Expired:
	}
}

// lagOf is the time from the change to the end, as far as it can be believed.
func lagOf(t *purge.Times) time.Duration {
	since := t.Requested
	if since.IsZero() {
		since = t.Received
	}
	return min(max(t.Finished.Sub(since), 0), maxLag)
}
