package main

import (
	"slices"
	"time"
)

// waiting is one request's wait for one target.
type waiting struct {
	from, to time.Time
	jobs     []string // those of its event that have the target
}

// waits finds for each target the requests that waited for it. An event tells jobs, not which target each was for: of
// several jobs that have one, any may have served the request.
func waits(ends []end, l *log) map[string][]*waiting {
	byKey := make(map[string][]*waiting)
	for _, e := range ends {
		own := make(map[string]*waiting)
		for _, k := range e.message.keys() {
			if own[k] == nil { // a target that a request has twice is one
				own[k] = &waiting{from: e.event.Data.Times.Received, to: e.event.told.Stored}
				byKey[k] = append(byKey[k], own[k])
			}
		}
		for _, job := range e.event.Data.Jobs {
			c := l.byJob[job]
			if c == nil {
				continue
			}
			for _, k := range c.accepted() {
				if own[k] != nil {
					own[k].jobs = append(own[k].jobs, job)
				}
			}
		}
	}
	return byKey
}

// needless gives those of the calls for one target that no request needed. Every request needs one job that succeeded,
// which it may share with others, and all that failed before; a job is needless when the rest could serve them all.
func needless(calls []*call, all []*waiting, l *log, k string) []*call {
	serves := make(map[*waiting]string)
	var surplus []*call
	for _, c := range calls {
		named := slices.ContainsFunc(all, func(w *waiting) bool { return slices.Contains(w.jobs, c.Job) })
		if named && !l.done(c.Job, k) {
			continue
		}
		if !named || !assign(c.Job, all, serves, make(map[*waiting]bool)) {
			surplus = append(surplus, c)
		}
	}
	return surplus
}

// assign finds a request that a job is there for, if need be by giving another job another request: an augmenting path
// of a matching in a bipartite graph.
func assign(job string, all []*waiting, serves map[*waiting]string, seen map[*waiting]bool) bool {
	for _, w := range all {
		if seen[w] || !slices.Contains(w.jobs, job) {
			continue
		}
		seen[w] = true
		if serves[w] == "" || assign(serves[w], all, serves, seen) {
			serves[w] = job
			return true
		}
	}
	return false
}

// checkTwice counts targets that were carried out once more than any request needed. Each has to be excused by a fault.
func (v *verdict) checkTwice(r *record, ends []end, l *log) {
	byKey := waits(ends, l)
	after := make(map[kind]int)
	for k, calls := range l.byKey {
		v.targets += len(calls)
		for _, c := range needless(calls, byKey[k], l, k) {
			v.twice++
			why := r.excuse(calls[:slices.Index(calls, c)+1], byKey[k])
			after[why]++
			if why == "" {
				v.blame("twice: %s: job %s at %v was not needed, and nothing had happened; %s", show(k), c.Job,
					clock(c.Arrived), times(calls))
			}
		}
	}
	v.fact("calls: %d executed, %d targets, %d twice, %d of them without an excuse", len(l.byJob), v.targets, v.twice, after[""])
	delete(after, "")
	v.fact("twice after: %s", tally(after))
}

// inLine is how long a new leader may have a request in line that it took over before its predecessor told its end.
const inLine = 5 * time.Second

// excuse names what lets the last of some calls for one target be a repeat: its answer or its record was lost, or those
// of an earlier one, and a request waited from before that until after it. It is empty when there is nothing.
func (r *record) excuse(calls []*call, all []*waiting) kind {
	last := calls[len(calls)-1]
	if why := r.touched(last); why != "" {
		return why
	}
	for _, c := range calls[:len(calls)-1] {
		waited := slices.ContainsFunc(all, func(w *waiting) bool { return !w.from.After(c.Arrived) && last.Arrived.Before(w.to.Add(inLine)) })
		if !waited {
			continue
		}
		if why := r.touched(c); why != "" {
			return why
		}
	}
	return ""
}

// touched names the fault by which a call was unanswered, or may be unrecorded. That the worker had given up is no fault
// by itself.
func (r *record) touched(c *call) kind {
	if c.Fate == apiLost || c.Fate == apiSlow {
		return c.Fate
	}
	return r.trouble(c.Worker, c.Arrived, c.Done.Add(grace))
}
