package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/edgepurge/edgepurge/purge"
)

// end is a request with its event.
type end struct {
	message *message
	event   *event
}

// matcher finds the events of requests.
type matcher struct {
	v      *verdict
	byName map[string][]*event // by source and id
	used   map[*event]bool
	ends   []end
}

func name(source, id string) string { return source + "/" + id }

// made is how the event of a message without an id is found: by the message's sequence, which its id ends with.
func made(source string, sequence uint64) string {
	return source + "#" + strconv.FormatUint(sequence, 10)
}

// matchEnds finds for every request that the broker acknowledged its one event (I1).
func (v *verdict) matchEnds(r *record) []end {
	m := &matcher{v: v, byName: make(map[string][]*event), used: make(map[*event]bool)}
	for i := range r.events {
		e := &r.events[i]
		if e.fault != "" {
			v.blame("event: %s: %s", e.told.Subject, e.fault)
			continue
		}
		k := name(e.Data.Source, e.Data.Request)
		if n := sequence(e.Data.Request); n > 0 {
			k = made(e.Data.Source, n)
		}
		m.byName[k] = append(m.byName[k], e)
	}
	groups := make(map[string][]*message)
	var order []string
	for i := range r.messages {
		msg := &r.messages[i]
		k := name(msg.Source, msg.ID)
		if msg.ID == "" {
			k = made(msg.Source, msg.Sequence)
		}
		if msg.ID == "" && msg.Sequence == 0 {
			continue // nobody knows whether there is such a request
		}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], msg)
	}
	for _, k := range order {
		m.match(k, groups[k])
	}
	m.unsure(r)
	return m.ends
}

// match finds the event of the messages of one request.
func (m *matcher) match(k string, messages []*message) {
	events := m.byName[k]
	stored := false
	for _, msg := range messages {
		stored = stored || msg.Sequence > 0
		if msg.Want == wantRejected && msg.ID != "" && msg.Sequence > 0 { // its id may not be readable
			events = slices.Concat(events, m.byName[made(msg.Source, msg.Sequence)])
		}
	}
	if stored {
		m.v.requests++
	}
	switch {
	case stored && len(events) == 0:
		m.v.lost++
		m.v.blame("I1: lost: %s has no event; message %d of the load, published %v, sequence %d",
			k, messages[0].N, clock(messages[0].First), messages[0].Sequence)
	case len(events) > 1:
		m.v.double++
		m.v.blame("I1: double: %s has %d events: %s, %s", k, len(events), events[0].told.Subject, events[1].told.Subject)
	}
	for _, e := range events {
		m.used[e] = true
		m.end(e, messages)
	}
}

// end notes which of a request's messages an event is for: of two bodies with one id, one is a dead letter.
func (m *matcher) end(e *event, messages []*message) {
	var first *message
	for _, msg := range messages {
		if msg.Total != e.Data.Targets.Total && msg.Want != wantRejected {
			continue
		}
		if first == nil {
			first = msg
		}
		if at := e.Data.Times.Received; !at.Before(msg.First) && !at.After(msg.Last) || msg.Want == wantRejected {
			m.ends = append(m.ends, end{msg, e})
			return
		}
	}
	if first == nil {
		m.v.blame("event: %s: it has %d targets, no message of the request has", e.told.Subject, e.Data.Targets.Total)
		return
	}
	m.v.blame("event: %s: received %v, and was published from %v to %v", e.told.Subject, clock(e.Data.Times.Received),
		clock(first.First), clock(first.Last))
	m.ends = append(m.ends, end{first, e})
}

// unsure finds messages for the events that are left: without an id, and not acknowledged.
func (m *matcher) unsure(r *record) {
	byNumber := make(map[string]*message)
	blank := make(map[string]int) // garbage by source
	for i := range r.messages {
		if msg := &r.messages[i]; msg.ID == "" && msg.Sequence == 0 {
			byNumber[name(msg.Source, strconv.Itoa(msg.N))] = msg
			if msg.Want == wantRejected {
				blank[msg.Source]++
			}
		}
	}
	for i := range r.events {
		e := &r.events[i]
		if m.used[e] || e.fault != "" {
			continue
		}
		k := name(e.Data.Source, e.Data.Labels["n"])
		if msg := byNumber[k]; msg != nil {
			delete(byNumber, k)
			m.ends = append(m.ends, end{msg, e})
			continue
		}
		if blank[e.Data.Source]--; blank[e.Data.Source] < 0 || e.Data.Status != purge.Rejected {
			m.v.blame("I1: stranger: %s is the event of no request", e.told.Subject)
		}
	}
}

// checkStatus holds the way a request ended against what its message asked for.
func (v *verdict) checkStatus(r *record, e end, l *log) {
	d, m := &e.event.Data, e.message
	if want := (purge.Subjects{Prefix: prefix}).Event(d.Source, d.Status, d.Request); purge.ValidSource(d.Source) && e.event.told.Subject != want {
		v.blame("event: %s: its data belong to %s", e.event.told.Subject, want)
	}
	right := false
	switch m.Want {
	case wantCompleted:
		right = d.Status == purge.Completed
	case wantPartial:
		right = d.Status == purge.Partial && d.Targets.Succeeded == len(m.Targets)
	case wantRejected:
		right = d.Status == purge.Rejected
		if !slices.ContainsFunc(r.letters, func(l letter) bool { return l.Request == name(d.Source, d.Request) }) {
			v.blame("letter: %s was rejected and has no dead letter", name(d.Source, d.Request))
		}
	case wantRefused:
		right = d.Status == purge.Partial && d.Targets.Failed == 1 && m.Total > 1 || d.Status == purge.Failed && m.Total == 1
	case wantInTime:
		right = d.Status != purge.Rejected // failed: it was sent, no answer came, and then it was too late
	}
	if right || m.Want != wantRejected && failedAtEdgeOne(d, l) {
		return
	}
	v.blame("I7: %s: message %d wants %s and is %s: %s", e.event.told.Subject, m.N, m.Want, d.Status, failures(d))
}

// failedAtEdgeOne tells whether a task of the request did not succeed.
func failedAtEdgeOne(d *purge.Outcome, l *log) bool {
	return slices.ContainsFunc(d.Jobs, func(job string) bool { return l.odd[job] })
}

func failures(d *purge.Outcome) string {
	text := []string{fmt.Sprintf("%d of %d succeeded, jobs %v", d.Targets.Succeeded, d.Targets.Total, d.Jobs)}
	for _, f := range d.Failures[:min(3, len(d.Failures))] {
		text = append(text, fmt.Sprintf("%s %s %q", f.Target, f.Code, f.Reason))
	}
	if d.Reason != nil {
		text = append(text, d.Reason.Error())
	}
	return strings.Join(text, ", ")
}

// clock writes a time so that it can be found in the logs.
func clock(t time.Time) string { return t.UTC().Format("15:04:05.000") }
