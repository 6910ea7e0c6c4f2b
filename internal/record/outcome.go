package record

import (
	"slices"
	"time"

	"github.com/edgepurge/edgepurge/purge"
)

// Result is what became of one target. The zero value is success.
type Result struct {
	Code           string
	Reason         string
	Retryable      bool // another attempt may succeed
	QuotaExhausted bool // its zone's day was spent: no attempt
}

// Row is what EdgeOne reports of one target, by its name there.
type Row struct {
	Target string
	Result Result
}

// Outcome is what became of a job.
type Outcome struct {
	// Rest is the result of every target that has no row.
	Rest Result
	// Rows are the job's own rows. None: Rest is the result of all.
	Rows []Row
	// Finished is when the tracker saw the job final.
	Finished time.Time
}

// Results are the results of a job's targets.
type Results struct {
	rest Result
	of   map[string]Result // by target, as it was sent
}

// For returns the result of a target of request q as its requester wrote it.
func (r *Results) For(q *Request, target string) Result {
	if r.of == nil {
		return r.rest
	}
	return r.Of(q.sent(target))
}

// Of returns the result of a target as it was sent.
func (r *Results) Of(target string) Result {
	if result, ok := r.of[target]; ok {
		return result
	}
	return r.rest
}

// Uniform are the results where all targets have one.
func (o *Outcome) Uniform() *Results { return &Results{rest: o.Rest} }

// Results finds the result of each of the targets of a job, which are given as they were sent.
//
// A row whose name fits a target is that target's ([Pair]); targets that EdgeOne lists by one name
// have their result when each has a row and these agree; where they have too few, no success among
// them is believed. Where the other rows are at least as many as the other targets and all have the
// same result, each of these targets has it, whichever row is its own. Every other target has Rest,
// or h.Refusal if EdgeOne refused as many targets by names that are none of those sent.
func (o *Outcome) Results(t purge.Type, h *Head, targets []string) *Results {
	m := match{head: h, outcome: o, at: make(map[string]int, len(targets))}
	for _, target := range targets {
		if _, ok := m.at[target]; !ok {
			m.at[target] = len(m.targets)
			m.targets = append(m.targets, target)
		}
	}
	m.pair(t)
	m.twins(t)
	m.doubt(t)
	m.count(t)
	r := &Results{rest: o.Rest, of: make(map[string]Result, len(m.targets))}
	for i, target := range m.targets {
		r.of[target] = m.results[i]
	}
	return r
}

type match struct {
	head    *Head
	outcome *Outcome

	at      map[string]int // target -> its index in targets
	targets []string
	results []Result
	found   []bool // the target has a row
	extra   []Row  // rows that are of none of the targets, as far as their names say
}

// pair returns targets the results of the rows that name them. Rows of one name that differ count
// as the failed one.
func (m *match) pair(t purge.Type) {
	m.results = make([]Result, len(m.targets))
	m.found = make([]bool, len(m.targets))
	names := make([]string, len(m.outcome.Rows))
	worst := make(map[string]Result, len(names))
	for i, row := range m.outcome.Rows {
		names[i] = row.Target
		if before, ok := worst[row.Target]; !ok || before.Code == "" {
			worst[row.Target] = row.Result
		}
	}
	for i, at := range Pair(t, m.targets, names) {
		if at >= 0 {
			m.results[at], m.found[at] = worst[names[i]], true
			continue
		}
		m.extra = append(m.extra, Row{names[i], worst[names[i]]})
	}
}

// twins returns targets that are the same by RFC 3986, and that EdgeOne lists by one name, their
// result, where that has a row for each of them and these rows agree.
func (m *match) twins(t purge.Type) {
	of := make(map[string][]int)
	for i, found := range m.found {
		if !found {
			form := Echo(t, m.targets[i])
			of[form] = append(of[form], i)
		}
	}
	if len(of) == 0 || len(m.extra) == 0 {
		return
	}
	rows := make(map[string][]Row)
	for _, row := range m.extra {
		form := Echo(t, row.Target)
		rows[form] = append(rows[form], row)
	}
	for form, at := range of {
		same := rows[form]
		if len(same) < len(at) || slices.ContainsFunc(same, func(r Row) bool { return r.Result != same[0].Result }) {
			continue
		}
		for _, i := range at {
			m.results[i], m.found[i] = same[0].Result, true
		}
	}
}

// doubt takes successes back from targets that are the same in the loosest form as one that has no
// row, if there are fewer rows of that form than targets: EdgeOne may list the other one by this
// one's name.
func (m *match) doubt(t purge.Type) {
	all := forms(t)
	if len(all) == 0 || !slices.Contains(m.found, false) {
		return
	}
	form := all[len(all)-1]
	lack := make(map[string]int) // form of a target without a row -> targets of that form less the rows of it
	for i, found := range m.found {
		if !found {
			lack[form(m.targets[i])] = 0
		}
	}
	for _, target := range m.targets {
		if f := form(target); hasKey(lack, f) {
			lack[f]++
		}
	}
	for _, row := range m.outcome.Rows {
		if f := form(row.Target); hasKey(lack, f) {
			lack[f]--
		}
	}
	for i, target := range m.targets {
		if m.found[i] && m.results[i].Code == "" && lack[form(target)] > 0 {
			m.found[i] = false
		}
	}
}

func hasKey(m map[string]int, key string) bool {
	_, ok := m[key]
	return ok
}

// count returns the targets that no row names what the rows without a target have in common, or the
// rest.
func (m *match) count(t purge.Type) {
	open := 0
	for _, found := range m.found {
		if !found {
			open++
		}
	}
	if open == 0 {
		return
	}
	result, rows := m.common(t)
	switch missing := max(0, m.head.Rows-len(m.targets)); { // those of parts that have ended
	case rows >= open+missing:
	case m.head.Unnamed > 0 && open <= m.head.Unnamed && rows == 0:
		result = Result{Code: CodeRefused, Reason: m.head.Refusal}
	default:
		result = m.outcome.Rest
	}
	for i, found := range m.found {
		if !found {
			m.results[i] = result
		}
	}
}

// common returns how many rows there are whose names are of no target, in no form, and the result
// that they share; none where they have several. A row that is one of a target's in the loosest
// form says again what another row said.
func (m *match) common(t purge.Type) (result Result, rows int) {
	form := func(s string) string { return s }
	if f := forms(t); len(f) > 0 {
		form = f[len(f)-1]
	}
	known := make(map[string]bool, len(m.targets)+len(m.extra))
	for _, target := range m.targets {
		known[form(target)] = true
	}
	for _, row := range m.extra {
		f := form(row.Target)
		if known[f] {
			continue
		}
		known[f] = true
		if rows > 0 && row.Result != result {
			return Result{}, 0
		}
		result = row.Result
		rows++
	}
	return result, rows
}
