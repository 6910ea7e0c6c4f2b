package metrics_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/metrics"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// bench is a registry with all metrics.
type bench struct {
	*metrics.Pipeline
	*metrics.API
	*metrics.Jobs
	*metrics.Ends

	reg   *prometheus.Registry
	state metrics.State
}

func newBench() *bench {
	reg := metrics.NewRegistry("v1")
	b := &bench{
		reg:      reg,
		Pipeline: metrics.NewPipeline(reg), API: metrics.NewAPI(reg), Jobs: metrics.NewJobs(reg), Ends: metrics.NewEnds(reg),
		state: metrics.State{
			At: time.Now(), Lanes: []metrics.Lane{{Name: "interactive"}, {Name: "bulk"}},
			Paces: []metrics.Pace{{Name: metrics.Create}, {Name: metrics.Look}, {Name: metrics.Helpers}},
		},
	}
	metrics.NewState(reg, func() metrics.State { return b.state })
	return b
}

// each hands over every series, with its family's name and its labels' values.
func (b *bench) each(t *testing.T, do func(name string, labels []string, m one)) {
	t.Helper()
	families, err := b.reg.Gather()
	if err != nil {
		t.Fatalf("gather: %v", err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			h := m.GetHistogram()
			do(f.GetName(), labels, one{m.GetCounter().GetValue() + m.GetGauge().GetValue(), h.GetSampleSum(), h.GetSampleCount()})
		}
	}
}

// one is what a series says.
type one struct {
	value, sum float64
	count      uint64 // of a histogram
}

// series counts those of edgepurge.
func (b *bench) series(t *testing.T) int {
	t.Helper()
	n := 0
	b.each(t, func(name string, _ []string, _ one) {
		if strings.HasPrefix(name, "edgepurge_") {
			n++
		}
	})
	return n
}

// get gives the series with these values of its labels, in the order of the labels' names.
func (b *bench) get(t *testing.T, name string, labels ...string) one {
	t.Helper()
	var found []one
	b.each(t, func(family string, has []string, m one) {
		if family == "edgepurge_"+name && slices.Equal(has, labels) {
			found = append(found, m)
		}
	})
	if len(found) != 1 {
		t.Fatalf("there are %d series %s%q, want 1", len(found), name, labels)
	}
	return found[0]
}

// value gives what a series says: the number of observations for a histogram.
func (b *bench) value(t *testing.T, name string, labels ...string) float64 {
	t.Helper()
	m := b.get(t, name, labels...)
	return m.value + float64(m.count)
}

// use counts everything that can be counted, as of many zones, sources and codes.
func (b *bench) use(n int) {
	now := time.Now()
	for i := range n {
		text := fmt.Sprint("made-up-", i)
		b.Received(purge.Bulk, 1, 1)
		b.Received(purge.Lane(text), 1, 0)
		b.Lined(purge.Type(text), 2, 1)
		b.Accepted(true, 1, time.Second)
		b.Buried([]record.DeadLetter{{Code: text}})
		b.Called(text, &edgeone.Error{Code: text}, time.Second)
		b.Called(metrics.Create, &edgeone.Error{Code: "InternalError." + text}, time.Second)
		b.Final(purge.Type(text), now, &record.Outcome{Finished: now})
		b.Told(purge.Event{Data: purge.Outcome{
			Request: text, Source: text, Status: purge.Rejected, Zones: []string{text}, Reason: &purge.Reason{Code: text},
		}})
		b.Told(purge.Event{Data: purge.Outcome{Lane: purge.Lane(text), Status: purge.Status(text)}})
		b.state.Quotas = append(b.state.Quotas,
			metrics.Quota{Zone: text, Type: purge.URL}, metrics.Quota{Zone: text, Type: purge.Type(text)},
			metrics.Quota{Zone: text, Type: purge.Type(text + "2")})
	}
}

// It is what promtool check metrics says of /metrics.
func TestMetrics_KeepToTheConventions(t *testing.T) {
	b := newBench()
	b.use(3)
	families, err := b.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestMetrics_AreBoundedWhateverComes(t *testing.T) {
	b := newBench()
	b.use(1000)
	// 100 zones with four series each and the codes of two actions are what may come on top of the start.
	before, most := newBench().series(t), 4*100+10
	if got := b.series(t); got > before+most {
		t.Errorf("got %d series after 1000 zones, sources and codes, %d at the start, want at most %d more", got, before, most)
	}
	if got := b.value(t, "quota_zones_omitted"); got != 900 {
		t.Errorf("got %v zones left out, want 900", got)
	}
}

func TestMetrics_AreThereFromTheStart(t *testing.T) {
	b := newBench()
	for _, c := range []struct {
		name   string
		labels []string
	}{
		{"requests_received_total", []string{"bulk"}},
		{"dead_letters_total", []string{"poison"}},
		{"events_published_total", []string{"interactive", "completed"}},
		{"api_requests_total", []string{"CreatePurgeTask", "permission"}},
		{"api_throttled_total", []string{"DescribePurgeTasks"}},
		{"purge_end_to_end_seconds", []string{"bulk"}},
		{"task_duration_seconds", []string{"deadline", "tag"}},
		{"tasks_inflight", []string{"url"}},
		{"targets_deduplicated_total", []string{"exact"}},
	} {
		if got := b.value(t, c.name, c.labels...); got != 0 {
			t.Errorf("%s%q: got %v at the start, want 0", c.name, c.labels, got)
		}
	}
}
