package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/edgepurge/edgepurge/internal/edgeone"
)

// API counts the calls of EdgeOne's API. It is safe for concurrent use.
type API struct {
	requests  map[call]prometheus.Counter
	errors    *prometheus.CounterVec         // by action and code; made when they come, for most never do
	throttled map[string]prometheus.Counter  // by action
	durations map[string]prometheus.Observer // by action
	waits     map[string]prometheus.Observer // by pace
}

// call is an action and the class of its end.
type call struct{ action, class string }

// NewAPI registers the metrics of calls.
func NewAPI(reg prometheus.Registerer) *API {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: prefix + "api_requests_total", Help: "Calls of EdgeOne's API, by what their end means.",
	}, []string{"action", "class"})
	m := &API{
		requests: make(map[call]prometheus.Counter),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "api_errors_total", Help: "Calls that EdgeOne answered with an error code, by the code or its family.",
		}, []string{"action", "code"}),
		throttled: counters(reg, "api_throttled_total",
			"Calls that EdgeOne refused as too fast.", "action", actions),
		durations: histograms(reg, "api_request_duration_seconds",
			"Time that calls took, whatever their end.", "action", actions, calls()),
		waits: histograms(reg, "api_rate_limit_wait_seconds",
			"Time that calls waited for their place in the pace.", "action", paces, waits()),
	}
	reg.MustRegister(requests, m.errors)
	for _, action := range actions {
		for _, class := range classes() {
			m.requests[call{action, class}] = requests.WithLabelValues(action, class)
		}
	}
	return m
}

// Called counts a call and how it ended.
func (m *API) Called(action string, err error, took time.Duration) {
	if _, known := m.durations[action]; !known {
		action = other
	}
	class := edgeone.Classify(err)
	m.requests[call{action, class.String()}].Inc()
	m.durations[action].Observe(took.Seconds())
	if class == edgeone.Throttled {
		m.throttled[action].Inc()
	}
	if code := edgeone.KnownCode(err); code != "" {
		m.errors.WithLabelValues(action, code).Inc()
	}
}

// Waited counts the time that a call waited for its place in a pace: Create, Look or Helpers.
func (m *API) Waited(pace string, d time.Duration) {
	m.waits[pace].Observe(d.Seconds())
}
