package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	// grace is how long a worker may take to record what it was answered.
	grace = time.Second
	// settling is how long workers may take to find back to a broker that is well again.
	settling = 3 * time.Second
	// maxPeak is the memory that a worker may have resident (I5).
	maxPeak = 200 << 20
	// shown is how many faults of one sort are printed.
	shown = 5
)

// verdict is what the checker found.
type verdict struct {
	seed                   uint64
	requests, lost, double int
	twice, targets, kill   int
	facts                  []string
	wrong                  []string
}

func (v *verdict) blame(format string, args ...any) {
	v.wrong = append(v.wrong, fmt.Sprintf(format, args...))
}

func (v *verdict) fact(format string, args ...any) {
	v.facts = append(v.facts, fmt.Sprintf(format, args...))
}

// line sums the verdict up.
func (v *verdict) line() string {
	return fmt.Sprintf("seed %d: %d requests, %d lost, %d double, %d of %d targets twice, %d kills",
		v.seed, v.requests, v.lost, v.double, v.twice, v.targets, v.kill)
}

// print tells the facts, and what is wrong: of each sort, which is the text up to the first colon, only some.
func (v *verdict) print(out io.Writer) {
	for _, f := range v.facts {
		_, _ = fmt.Fprintln(out, f)
	}
	seen := make(map[string]int)
	for _, w := range v.wrong {
		sort, _, _ := strings.Cut(w, ":")
		if seen[sort]++; seen[sort] <= shown {
			_, _ = fmt.Fprintln(out, "WRONG", w)
		}
	}
	for _, sort := range slices.Sorted(maps.Keys(seen)) {
		_, _ = fmt.Fprintf(out, "WRONG in all: %s: %d\n", sort, seen[sort])
	}
}

// check holds the record of a run against the invariants.
func check(r *record) *verdict {
	v := &verdict{seed: r.meta.Setting.Seed}
	if !r.meta.Quiet {
		v.blame("rest: not everything is done: %s", r.meta.Left)
	}
	for i := range r.hits {
		v.kill += r.hits[i].Kills
		if w := r.hits[i].Wrong; w != "" {
			v.blame("fault: %s: %s", r.hits[i].Kind, w)
		}
	}
	ends := v.matchEnds(r)
	log := newLog(r)
	for _, e := range ends {
		v.checkStatus(r, e, log)
		v.checkAfter(e, log)
	}
	v.checkTwice(r, ends, log)
	v.checkPace(r)
	v.checkOwners(r)
	v.checkLives(r)
	v.tellFaults(r)
	return v
}

// checkLives holds what the processes came to against I5 and I6.
func (v *verdict) checkLives(r *record) {
	peaks := make(map[string]int64)
	logs := make(map[string]string)
	for _, l := range r.lives {
		peaks[l.Name] = max(peaks[l.Name], l.Peak)
		logs[l.Name] = l.Log
		if l.Wont != "" {
			v.blame("ended: %s", l.Wont)
		}
	}
	var text []string
	for _, name := range slices.Sorted(maps.Keys(peaks)) {
		if !strings.HasPrefix(name, "worker-") {
			continue
		}
		text = append(text, fmt.Sprintf("%s %d MiB", name, peaks[name]>>20))
		if peaks[name] > maxPeak {
			v.blame("I5: %s had %d MiB resident, want at most %d", name, peaks[name]>>20, maxPeak>>20)
		}
		if found, err := r.secretIn(logs[name]); err != nil {
			v.blame("log: %v", err)
		} else if found {
			v.blame("I6: %s has a secret in it", logs[name])
		}
	}
	v.fact("peak memory: %s", strings.Join(text, ", "))
}

func (v *verdict) tellFaults(r *record) {
	n := make(map[kind]int)
	for i := range r.hits {
		n[r.hits[i].Kind]++
	}
	v.fact("faults: %s", tally(n))
	last := r.meta.Begin.Add(r.meta.Setting.Length)
	v.fact("the machine stood still for %v at most", r.meta.Still.Round(time.Millisecond))
	v.fact("at rest %v after the last fault", r.meta.End.Sub(last).Round(time.Second))
}

func tally(n map[kind]int) string {
	var text []string
	for _, k := range slices.Sorted(maps.Keys(n)) {
		text = append(text, fmt.Sprintf("%s %d", k, n[k]))
	}
	return strings.Join(text, ", ")
}

// log is the record of the calls, to be looked things up in.
type log struct {
	byJob  map[string]*call
	byKey  map[string][]*call // executed, in the order of arrival
	status map[string]string  // of rows, by job and target
	odd    map[string]bool    // by job: it has a row that did not succeed
}

func newLog(r *record) *log {
	l := &log{make(map[string]*call), make(map[string][]*call), make(map[string]string), make(map[string]bool)}
	for i := range r.calls {
		c := &r.calls[i]
		if c.Job == "" {
			continue
		}
		l.byJob[c.Job] = c
		for _, k := range c.accepted() {
			l.byKey[k] = append(l.byKey[k], c)
		}
	}
	for _, calls := range l.byKey {
		slices.SortFunc(calls, func(a, b *call) int { return a.Arrived.Compare(b.Arrived) })
	}
	for _, t := range r.rows {
		l.status[t.Job+"\x00"+t.Target] = cmp.Or(t.Status, "unknown")
		if t.Status != "success" {
			l.odd[t.Job] = true
		}
	}
	return l
}

// accepted are the keys of the targets that EdgeOne took.
func (c *call) accepted() []string {
	keys := c.keys()
	if len(c.Refused) == 0 {
		return keys
	}
	var taken []string
	for i, k := range keys {
		if !slices.Contains(c.Refused, c.Targets[i]) {
			taken = append(taken, k)
		}
	}
	return taken
}

// done tells whether the emulator says that a target was purged by a job.
func (l *log) done(job, key string) bool {
	return l.status[job+"\x00"+key[strings.LastIndexByte(key, 0)+1:]] == "success"
}
