package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// Pipeline counts what the worker does. It is safe for concurrent use.
type Pipeline struct {
	received, redelivered map[string]prometheus.Counter // by lane
	dead                  map[string]prometheus.Counter // by reason
	targets               map[string]prometheus.Counter // by type
	joined                prometheus.Counter

	size  prometheus.Histogram
	waits map[string]prometheus.Observer // by lane

	batchRetries, targetRetries, parked, adopted, alone prometheus.Counter
}

// NewPipeline registers the worker's metrics.
func NewPipeline(reg prometheus.Registerer) *Pipeline {
	m := &Pipeline{
		received: counters(reg, "requests_received_total",
			"Deliveries of request messages, repeats included.", "lane", lanes),
		redelivered: counters(reg, "redeliveries_total",
			"Deliveries of request messages that were delivered before.", "lane", lanes),
		dead: counters(reg, "dead_letters_total",
			"Request messages that became dead letters, by why.", "reason", reasons()),
		targets: counters(reg, "targets_total",
			"Targets of requests that got in line to be sent.", "type", types),
		joined: counters(reg, "targets_deduplicated_total",
			"Targets that joined an equal one in line, and cost no place in a call.", "reason", []string{"exact"})["exact"],
		size: prometheus.NewHistogram(histogramOpts("batch_targets",
			"Targets in each batch that EdgeOne made a job of.",
			[]float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000})),
		waits: histograms(reg, "batch_wait_seconds",
			"Time from a batch's oldest target getting in line to the call that made a job of it.", "lane", lanes, waits()),
		batchRetries: counter(reg, "batches_retried_total",
			"Batches that were put in line again after a call that made no job of them."),
		targetRetries: counter(reg, "targets_retried_total",
			"Targets that got in line again because EdgeOne failed them."),
		parked: counter(reg, "requests_parked_total",
			"Requests that were put aside, for they can't be sent now."),
		adopted: counter(reg, "jobs_adopted_total",
			"Jobs that were found though the answer to their call was lost."),
		alone: counter(reg, "requests_alone_total",
			"Request messages that were handled alone, for one of them may end the process."),
	}
	reg.MustRegister(m.size)
	return m
}

// Received counts the messages that a lane delivered; redelivered of them were delivered before.
func (m *Pipeline) Received(lane purge.Lane, messages, redelivered int) {
	orOther(m.received, string(lane)).Add(float64(messages))
	orOther(m.redelivered, string(lane)).Add(float64(redelivered))
}

// Lined counts the targets of one request that got in line; joined of them found an equal one there.
func (m *Pipeline) Lined(typ purge.Type, targets, joined int) {
	orOther(m.targets, string(typ)).Add(float64(targets))
	m.joined.Add(float64(joined))
}

// Accepted counts a batch that EdgeOne made a job of.
func (m *Pipeline) Accepted(urgent bool, targets int, waited time.Duration) {
	lane := purge.Bulk
	if urgent {
		lane = purge.Interactive
	}
	m.size.Observe(float64(targets))
	m.waits[string(lane)].Observe(waited.Seconds())
}

// Adopted counts a job that was found though its answer was lost, beside Accepted.
func (m *Pipeline) Adopted() { m.adopted.Inc() }

// Retried counts a batch that was put in line again.
func (m *Pipeline) Retried() { m.batchRetries.Inc() }

// Again counts targets that are sent again because EdgeOne failed them.
func (m *Pipeline) Again(targets int) { m.targetRetries.Add(float64(targets)) }

// Parked counts requests that were put aside.
func (m *Pipeline) Parked(requests int) { m.parked.Add(float64(requests)) }

// Alone counts a message that is handled alone.
func (m *Pipeline) Alone() { m.alone.Inc() }

// Buried counts dead letters.
func (m *Pipeline) Buried(letters []record.DeadLetter) {
	for i := range letters {
		m.dead[reasonName(letters[i].Code)].Inc()
	}
}
