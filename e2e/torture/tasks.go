package main

import (
	"slices"
	"strings"

	"github.com/edgepurge/edgepurge/purge"
)

// checkAfter holds a request that was purged against I4: for each of its targets a task was created after the broker
// had taken the request, and succeeded.
func (v *verdict) checkAfter(e end, l *log) {
	d, m := &e.event.Data, e.message
	for _, job := range d.Jobs {
		if l.byJob[job] == nil {
			v.blame("job: %s names job %s, which the API did not make", e.event.told.Subject, job)
		}
	}
	if d.Status != purge.Completed && (d.Status != purge.Partial || m.Want == wantInTime || failedAtEdgeOne(d, l)) {
		return
	}
	for _, k := range m.keys() {
		calls := l.byKey[k]
		if !slices.ContainsFunc(calls, func(c *call) bool { return !c.Arrived.Before(d.Times.Received) && l.done(c.Job, k) }) {
			v.blame("I4: %s: received %v, no task after it for %s; %s", e.event.told.Subject, clock(d.Times.Received), show(k), times(calls))
		}
	}
}

func show(key string) string { return strings.ReplaceAll(key, "\x00", " ") }

func times(calls []*call) string {
	text := []string{"calls:"}
	for _, c := range calls {
		text = append(text, clock(c.Arrived), c.Job)
	}
	return strings.Join(text, " ")
}
