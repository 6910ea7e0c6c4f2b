package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// gauge is a value of a State, one for each of its label's values.
type gauge struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(s *State, tell func(value float64, labels ...string))
}

// collector reads a State when it is asked.
type collector struct {
	state  func() State
	gauges []gauge
}

// NewState registers what is read of a state, which must not block.
func NewState(reg prometheus.Registerer, state func() State) {
	c := &collector{state: state}
	c.replica()
	c.waiting()
	c.calls()
	reg.MustRegister(c)
}

// Describe is for the registry.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for i := range c.gauges {
		out <- c.gauges[i].desc
	}
}

// Collect is for the registry.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	s := c.state()
	s.Quotas, s.omitted = s.Bounded()
	for i := range c.gauges {
		g := &c.gauges[i]
		g.read(&s, func(value float64, labels ...string) {
			m, err := prometheus.NewConstMetric(g.desc, g.kind, value, labels...)
			if err != nil {
				m = prometheus.NewInvalidMetric(g.desc, err)
			}
			out <- m
		})
	}
}

// many adds a gauge with labels.
func (c *collector) many(name, help string, labels []string, read func(*State, func(float64, ...string))) {
	desc := prometheus.NewDesc(prefix+name, help, labels, nil)
	c.gauges = append(c.gauges, gauge{desc, prometheus.GaugeValue, read})
}

// one adds a gauge without labels.
func (c *collector) one(name, help string, read func(*State) float64) {
	c.many(name, help, nil, func(s *State, tell func(float64, ...string)) { tell(read(s)) })
}

// byLane adds a gauge of each lane.
func (c *collector) byLane(name, help string, read func(*State, *Lane) float64) {
	c.many(name, help, []string{"lane"}, func(s *State, tell func(float64, ...string)) {
		for i := range s.Lanes {
			tell(read(s, &s.Lanes[i]), s.Lanes[i].Name)
		}
	})
}

// replica adds what is known of the process and its place among the replicas.
func (c *collector) replica() {
	c.one("ready", "1 while this replica can do its part, as /readyz tells.",
		func(s *State) float64 { return flag(s.Ready) })
	c.one("leader", "1 on the replica that is the leader, and sends.",
		func(s *State) float64 { return flag(s.Owner) })
	c.one("nats_connected", "1 while NATS can be worked with.",
		func(s *State) float64 { return flag(s.Connected) })
	c.one("nats_reconnects_total", "Times that the connection to NATS was made again.",
		func(s *State) float64 { return float64(s.Reconnects) })
	c.gauges[len(c.gauges)-1].kind = prometheus.CounterValue
	c.one("circuit_state", "1 while EdgeOne refuses the credentials and calls are held back, 0 while they go.",
		func(s *State) float64 { return flag(s.Refused) })
	c.one("config_last_reload_successful", "0 after a reload of the configuration that was refused.",
		func(s *State) float64 { return flag(s.Reload.OK) })
	c.one("config_last_reload_success_timestamp_seconds", "When the configuration was last loaded.",
		func(s *State) float64 { return float64(s.Reload.At.UnixMilli()) / 1000 })
}

// waiting adds what is not done yet.
func (c *collector) waiting() {
	c.byLane("consumer_pending", "Request messages in the broker that were not delivered yet.",
		func(_ *State, l *Lane) float64 { return float64(l.Pending) })
	c.byLane("consumer_ack_pending", "Request messages that were delivered and are not acked yet.",
		func(_ *State, l *Lane) float64 { return float64(l.Unacked) })
	c.byLane("oldest_pending_seconds", "Age of the oldest request message that is not acked yet; 0 when there is none.",
		func(s *State, l *Lane) float64 { return age(s, l.Oldest) })
	c.byLane("lane_paused", "1 while the lane is paused.",
		func(_ *State, l *Lane) float64 { return flag(l.Paused) })
	c.byLane("requests_waiting", "Requests that the leader holds in memory.",
		func(_ *State, l *Lane) float64 { return float64(l.Requests) })
	c.byLane("targets_waiting", "Targets of these requests that are in no job yet.",
		func(_ *State, l *Lane) float64 { return float64(l.Targets) })
	c.byLane("window_used_targets", "Room that requests take in the lane's window.",
		func(_ *State, l *Lane) float64 { return float64(l.Held) })
	c.byLane("window_limit_targets", "Size of the lane's window, as configured.",
		func(_ *State, l *Lane) float64 { return float64(l.Window) })
	c.one("parked_pending", "Requests in the broker that were put aside.",
		func(s *State) float64 { return float64(s.Parked) })
	c.one("retries_pending", "Failed jobs whose targets wait for their next attempt.",
		func(s *State) float64 { return float64(s.Left) })
	c.many("tasks_inflight", "Jobs that are not final.", []string{"type"}, jobsInFlight)
	c.one("oldest_task_seconds", "Age of the oldest job that is not final; 0 when there is none.",
		func(s *State) float64 { return age(s, s.OldestJob) })
}

func jobsInFlight(s *State, tell func(float64, ...string)) {
	open := make(map[string]int)
	for typ, n := range s.Jobs {
		open[typeLabel(typ)] += n
	}
	for _, typ := range types {
		tell(float64(open[typ]), typ)
	}
}

// calls adds what bounds the calls.
func (c *collector) calls() {
	byPace := func(name, help string, read func(*Pace) float64) {
		c.many(name, help, []string{"action"}, func(s *State, tell func(float64, ...string)) {
			for i := range s.Paces {
				tell(read(&s.Paces[i]), s.Paces[i].Name)
			}
		})
	}
	byPace("api_rate_limit", "Calls a second that the configuration allows; 0: no limit.",
		func(p *Pace) float64 { return p.Limit })
	byPace("api_rate", "Calls a second that the pace lets through now; 0: no limit.",
		func(p *Pace) float64 { return p.Rate })
	byPace("api_rate_margin_seconds", "What the pace adds to the time between two calls now.",
		func(p *Pace) float64 { return p.Margin.Seconds() })

	byQuota := func(name, help string, read func(*Quota) int) {
		c.many(name, help, []string{"zone", "type"}, func(s *State, tell func(float64, ...string)) {
			for i := range s.Quotas {
				tell(float64(read(&s.Quotas[i])), s.Quotas[i].Zone, typeLabel(s.Quotas[i].Type))
			}
		})
	}
	byQuota("quota_limit", "Targets that EdgeOne takes a day.", func(q *Quota) int { return q.Daily })
	byQuota("quota_remaining", "Targets that are left of the day now: as read last, less what was submitted since.",
		func(q *Quota) int { return q.Available })
	byQuota("quota_batch_limit", "Targets that EdgeOne takes in one call.", func(q *Quota) int { return q.Batch })
	c.many("quota_read_timestamp_seconds", "When the zone's quotas were read last.", []string{"zone"}, quotaReadings)
	c.one("quota_zones_omitted", "Zones in use whose quotas are not told, for there are too many.",
		func(s *State) float64 { return float64(s.omitted) })
}

func quotaReadings(s *State, tell func(float64, ...string)) {
	for i := range s.Quotas { // sorted by zone
		if q := &s.Quotas[i]; i == 0 || s.Quotas[i-1].Zone != q.Zone {
			tell(float64(q.Read.UnixMilli())/1000, q.Zone)
		}
	}
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func age(s *State, since time.Time) float64 {
	if since.IsZero() {
		return 0
	}
	return max(0, s.At.Sub(since)).Seconds()
}
