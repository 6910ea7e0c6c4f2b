package batcher_test

import (
	"slices"
	"time"

	"github.com/edgepurge/edgepurge/batcher"
)

// entry is a target of the model, with its waiters by number.
type entry struct {
	target  string
	waiters []int
	since   time.Time
	urgent  bool
}

// line is a group of the model: two slices in their order.
type line struct {
	urgent, bulk []entry
	lastAdd      time.Time
}

// model is the batcher in slices: slow and plain.
type model struct {
	limit, maxBytes int
	lines           map[batcher.Group]*line
	held            map[batcher.Group]time.Time
}

func find(entries []entry, target string) int {
	return slices.IndexFunc(entries, func(e entry) bool { return e.target == target })
}

func (m *model) add(now time.Time, g batcher.Group, urgent bool, target string, w int) {
	l := m.lines[g]
	l.lastAdd = now
	i, j := find(l.urgent, target), find(l.bulk, target)
	switch {
	case i >= 0:
		l.urgent[i].waiters = append(l.urgent[i].waiters, w)
	case j >= 0 && !urgent:
		l.bulk[j].waiters = append(l.bulk[j].waiters, w)
	case j >= 0:
		l.urgent = append(l.urgent, entry{target, append(l.bulk[j].waiters, w), now, true})
		l.bulk = slices.Delete(l.bulk, j, j+1)
	case urgent:
		l.urgent = append(l.urgent, entry{target, []int{w}, now, true})
	default:
		l.bulk = append(l.bulk, entry{target, []int{w}, now, false})
	}
}

// take is what a call of the line would carry.
func (m *model) take(l *line, urgentFirst bool) []entry {
	order := slices.Concat(l.urgent, l.bulk)
	if !urgentFirst {
		order = slices.Concat(l.bulk, l.urgent)
	}
	room := m.maxBytes
	for i, e := range order {
		if room -= len(e.target); i == m.limit || i > 0 && room < 0 {
			return order[:i]
		}
	}
	return order
}

func (m *model) full(l *line) bool {
	bytes := 0
	for _, e := range slices.Concat(l.urgent, l.bulk) {
		bytes += len(e.target)
	}
	return len(l.urgent)+len(l.bulk) >= m.limit || bytes >= m.maxBytes
}

// urgentSince is since when the line has had an interactive target that may be sent now; ok is false
// where it has none.
func (m *model) urgentSince(now time.Time, g batcher.Group) (since time.Time, ok bool) {
	l := m.lines[g]
	if len(l.urgent) == 0 || m.holds(now, g) {
		return time.Time{}, false
	}
	since = l.urgent[0].since
	return since, m.full(l) || !since.Add(linger).After(now)
}

// bulkMay reports whether bulk of the line may be sent now in a call of its own.
func (m *model) bulkMay(now time.Time, g batcher.Group) bool {
	l := m.lines[g]
	fills := len(l.urgent) > 0 && len(m.take(l, true)) > len(l.urgent)
	if len(l.bulk) == 0 || fills || m.holds(now, g) {
		return false
	}
	return m.full(l) || !l.lastAdd.Add(quiet).After(now) || !l.bulk[0].since.Add(maxQuiet).After(now)
}

func (m *model) holds(now time.Time, g batcher.Group) bool {
	return m.held[batcher.Group{Account: g.Account, Zone: g.Zone, Type: g.Type}].After(now)
}

// drop takes out waiters and then targets without one; it returns how many targets that were.
func drop(entries []entry, gone func(int) bool) (left []entry, dropped int) {
	for _, e := range entries {
		if e.waiters = slices.DeleteFunc(slices.Clone(e.waiters), gone); len(e.waiters) > 0 {
			left = append(left, e)
		}
	}
	return left, len(entries) - len(left)
}

// pressing is the most pressing of entries: the oldest interactive one, else the oldest.
func pressing(entries []entry) entry {
	return slices.MinFunc(entries, func(a, b entry) int {
		if a.urgent != b.urgent {
			return map[bool]int{true: -1, false: 1}[a.urgent]
		}
		return a.since.Compare(b.since)
	})
}
