package e2e_test

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// check waits until everything is done, stops the workers, and holds what is left against the invariants,
// the same after every fault.
func (tw *twin) check() {
	tw.t.Helper()
	tw.until("an event for every request (I2)", func() bool { return tw.count("PURGE_EVENTS") >= len(tw.asked) })
	tw.settled()
	tw.until("an empty PURGE_PARKED", func() bool { return tw.count("PURGE_PARKED") == 0 && tw.consumers("PURGE_PARKED") == 0 })
	tw.until("the lanes' own AckWait", func() bool { return maps.Equal(tw.ackWaits(), ackWaits) })
	tw.until("the records of progress to be closed", func() bool { return len(tw.open()) == 0 })
	tw.stopAll()
	tw.checkEnds()
	tw.checkLeft()
}

// checkEnds wants one end of each request (I1), the right one (I2), that only tasks told which were made
// after it came (I4).
func (tw *twin) checkEnds() {
	tw.t.Helper()
	events, jobs := tw.events(), tw.api.all()
	if len(events) != len(tw.asked) {
		tw.t.Errorf("I1: %d requests have an event, want %d", len(events), len(tw.asked))
	}
	for id, a := range tw.asked {
		o, ok := events[id]
		if !ok {
			tw.t.Errorf("I2: %s has no event", id)
			continue
		}
		if o.Status != a.want || o.Targets.Succeeded+o.Targets.Failed != o.Targets.Total || o.Targets.Total != len(a.Targets) {
			tw.t.Errorf("%s: %s with %+v (%v), want %s", id, o.Status, o.Targets, o.Reason, a.want)
		}
		if received := o.Times.Received; received.Before(a.at) {
			tw.t.Errorf("%s: received %v, before it was asked for at %v", id, received, a.at)
		}
		for _, target := range a.Targets {
			if o.Status == purge.Rejected || slices.ContainsFunc(o.Failures, func(f purge.Failure) bool { return f.Target == target }) {
				continue
			}
			if !slices.ContainsFunc(jobs, func(j made) bool {
				return !j.failed && slices.Contains(o.Jobs, j.job) && j.at.After(o.Times.Received) && slices.Contains(j.targets, target)
			}) {
				tw.t.Errorf("I4: no job of %v that was made after %s came in purged %.100s", o.Jobs, id, target)
			}
		}
	}
}

// checkLeft wants nothing left over but the events, the dead letters and closed records.
func (tw *twin) checkLeft() {
	tw.t.Helper()
	want := map[string]int{"PURGE_EVENTS": len(tw.asked), "PURGE_REQUESTS": 0, "PURGE_JOBS": 0, "PURGE_PARKED": 0, "PURGE_DEAD": 0}
	for _, a := range tw.asked {
		if a.want == purge.Rejected {
			want["PURGE_DEAD"]++
		}
	}
	for stream, n := range want {
		if got := tw.count(stream); got != n {
			tw.t.Errorf("%s holds %d messages, want %d", stream, got, n)
		}
	}
	if n := tw.consumers("PURGE_PARKED"); n != 0 {
		tw.t.Errorf("%d queues are left, want none", n)
	}
	for _, lane := range []purge.Lane{purge.Interactive, purge.Bulk} {
		if i := tw.lane(lane); i.NumPending != 0 || i.NumAckPending != 0 {
			tw.t.Errorf("lane %s: %d messages wait, %d are not acked, want none", lane, i.NumPending, i.NumAckPending)
		}
	}
	for _, what := range tw.open() {
		tw.t.Errorf("%s is left open", what)
	}
}

// lane tells the state of a lane's consumer.
func (tw *twin) lane(lane purge.Lane) *jetstream.ConsumerInfo {
	tw.t.Helper()
	c, err := tw.js.Consumer(tw.t.Context(), "PURGE_REQUESTS", string(lane))
	if err != nil {
		tw.t.Fatal(err)
	}
	return c.CachedInfo()
}

// ackWaits are the lanes' own.
var ackWaits = map[purge.Lane]time.Duration{purge.Interactive: 5 * time.Second, purge.Bulk: time.Minute}

// ackWaits tells the AckWait of the lanes, which a take-over shortens for a moment.
func (tw *twin) ackWaits() map[purge.Lane]time.Duration {
	tw.t.Helper()
	return map[purge.Lane]time.Duration{
		purge.Interactive: tw.lane(purge.Interactive).Config.AckWait, purge.Bulk: tw.lane(purge.Bulk).Config.AckWait,
	}
}

// open gives the records of progress that are not closed or have no end, and the messages that are noted as
// handled alone.
func (tw *twin) open() (found []string) {
	tw.t.Helper()
	tw.each("PURGE_PROGRESS", func(m jetstream.Msg) {
		var alone struct{ Times map[string]int }
		if json.Unmarshal(m.Data(), &alone) == nil && alone.Times != nil {
			for name := range alone.Times {
				found = append(found, "the note of message "+name)
			}
			return
		}
		p, err := record.DecodeProgress(m.Data())
		if err != nil || !p.Closed || m.Headers().Get(jetstream.MsgTTLHeader) == "" {
			found = append(found, "the record on "+m.Subject())
		}
	})
	return found
}
