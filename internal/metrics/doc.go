// Package metrics is what edgepurge tells Prometheus: every name, label and bucket stands here, and in
// docs/metrics.md.
//
// What happens is counted by those who do it: [Pipeline] by the worker, [API] by the client of EdgeOne,
// [Jobs] and [Ends] where jobs and requests end. What holds at a moment is read when it is asked for:
// [State], which the status page shows too.
//
// It promises that a label has one of a list of values that is bounded, whatever producers, zones and
// servers make up, that every series with no zone in it is there from the start, at 0, and that to count
// costs no look-up of labels. It does not serve anything; the registry is its caller's.
package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// prefix begins every name.
const prefix = "edgepurge_"

// counters registers a counter with one label and gives its series by the label's values.
func counters(reg prometheus.Registerer, name, help, label string, values []string) map[string]prometheus.Counter {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + name, Help: help}, []string{label})
	reg.MustRegister(vec)
	all := make(map[string]prometheus.Counter, len(values))
	for _, v := range values {
		all[v] = vec.WithLabelValues(v)
	}
	return all
}

func counter(reg prometheus.Registerer, name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + name, Help: help})
	reg.MustRegister(c)
	return c
}

// histograms is counters for times and sizes.
func histograms(reg prometheus.Registerer, name, help, label string, values []string, buckets []float64) map[string]prometheus.Observer {
	vec := prometheus.NewHistogramVec(histogramOpts(name, help, buckets), []string{label})
	reg.MustRegister(vec)
	all := make(map[string]prometheus.Observer, len(values))
	for _, v := range values {
		all[v] = vec.WithLabelValues(v)
	}
	return all
}

// histogramOpts gives a histogram that old servers read by its buckets and new ones as a native one, if
// they are told to.
func histogramOpts(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Name: prefix + name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  160,
		NativeHistogramMinResetDuration: time.Hour,
	}
}

// calls are the buckets for the time of a call, waits those for the time until one may go, ends those for
// what takes as long as EdgeOne needs, up to a day that is spent. All are in seconds.
func calls() []float64 { return []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30} }

func waits() []float64 {
	return []float64{.001, .01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800}
}

func ends() []float64 {
	return []float64{.5, 1, 2, 3, 4, 5, 7.5, 10, 15, 20, 30, 45, 60, 120, 300, 600, 1800, 3600, 14400, 86400}
}
