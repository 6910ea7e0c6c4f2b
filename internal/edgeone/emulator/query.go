package emulator

import (
	"iter"
	"slices"
	"sort"
	"strings"
	"time"
)

// query is what a Describe action asks of the store, whatever version it came by.
type query struct {
	zone     string
	job      string // "": all
	kind     kind   // kindCount: all
	from, to *time.Time
	statuses status // 0: all
	target   string // "": all
	fuzzy    bool   // target is a part of the row's
	domains  []string
	offset   int
	limit    int
}

// hit is a row that a query found.
type hit struct {
	job    *job
	row    int
	status status
}

// moment is the time of a query, as bounds on a job's creation in Unix nanoseconds.
type moment struct {
	kept    int64 // created before: forgotten
	visible int64 // created after: hidden
	final   int64 // created after: processing
}

func (e *Emulator) moment() moment {
	now := time.Now().UnixNano()
	return moment{
		kept:    now - int64(e.cfg.Retention),
		visible: now - int64(e.unknown.visibleAfter),
		final:   now - int64(e.cfg.TaskTime),
	}
}

// find returns how many rows the query has, and those of its page: newest job first, and within a job in the order
// of its targets.
func (e *Emulator) find(s *store, q query) (total int, page []hit) {
	var v view
	if q.job != "" {
		v = s.job(q.zone, q.job)
	} else {
		v = s.view(q.zone, q.kind)
	}
	m := e.moment()
	v = q.narrow(v, m)
	if q.kind < kindCount && len(v.jobs) > 0 && v.jobs[0].kind != q.kind {
		return 0, nil // a job by id that is of another kind
	}
	sc := scan{query: q, view: v, final: v.until(m.final), faults: e.faults}
	if q.target == "" && len(q.domains) == 0 {
		total = sc.count(0, len(v.jobs))
		return total, sc.page(min(q.limit, total-q.offset))
	}
	return sc.walk()
}

// narrow keeps the jobs that the query may see at that moment.
func (q query) narrow(v view, m moment) view {
	lo, hi := v.until(m.kept-1), v.until(m.visible)
	if q.from != nil {
		first := q.from.Unix()
		if q.from.Nanosecond() > 0 {
			first++
		}
		lo = max(lo, sort.Search(len(v.jobs), func(i int) bool { return v.jobs[i].second() >= first }))
	}
	if q.to != nil {
		last := q.to.Unix()
		hi = min(hi, sort.Search(len(v.jobs), func(i int) bool { return v.jobs[i].second() > last }))
	}
	return v.span(lo, hi)
}

// second is the CreateTime that rows tell.
func (j *job) second() int64 { return j.created / int64(time.Second) }

// scan runs a query over a view of which jobs[:final] are final.
type scan struct {
	query
	view
	final  int
	faults *faults
}

// count tells the rows of jobs[lo:hi] that have a status the query wants. It walks nothing.
func (sc *scan) count(lo, hi int) int {
	set := sc.statuses
	if set == 0 {
		return int(sc.total(lo, hi).rows)
	}
	mid := min(max(sc.final, lo), hi)
	n := sc.total(lo, mid).of(set)
	if set&statusProcessing != 0 {
		n += int(sc.total(mid, hi).rows)
	}
	return n
}

// page reads the size rows of the query's page: it finds the job in which it begins by halving.
func (sc *scan) page(size int) (hits []hit) {
	if size <= 0 {
		return nil
	}
	n := len(sc.jobs)
	back := sort.Search(n, func(back int) bool { return sc.count(n-1-back, n) > sc.offset })
	skip := sc.offset - sc.count(n-back, n)
	for i := n - 1 - back; len(hits) < size; i-- {
		if sc.count(i, i+1) == 0 {
			continue
		}
		for h := range sc.rows(i) {
			if skip > 0 {
				skip--
				continue
			}
			if hits = append(hits, h); len(hits) == size {
				break
			}
		}
	}
	return hits
}

// walk looks at each row, for filters that only the text of a row can answer.
func (sc *scan) walk() (total int, hits []hit) {
	for i := range slices.Backward(sc.jobs) {
		// One search of a job's whole text spares most of them the look at each row.
		if !strings.Contains(sc.jobs[i].rows.text, sc.target) {
			continue
		}
		for h := range sc.rows(i) {
			if !sc.matches(h) {
				continue
			}
			if total++; total > sc.offset && len(hits) < sc.limit {
				hits = append(hits, h)
			}
		}
	}
	return total, hits
}

// rows yields the rows of jobs[i] that have a status the query wants.
func (sc *scan) rows(i int) iter.Seq[hit] {
	j := sc.jobs[i]
	return func(yield func(hit) bool) {
		for row := range j.rows.len() {
			s := statusProcessing
			if i < sc.final {
				s = sc.faults.end(j.luck, row)
			}
			if (sc.statuses == 0 || sc.statuses&s != 0) && !yield(hit{job: j, row: row, status: s}) {
				return
			}
		}
	}
}

func (sc *scan) matches(h hit) bool {
	target := h.job.rows.at(h.row)
	if sc.target != "" && target != sc.target && (!sc.fuzzy || !strings.Contains(target, sc.target)) {
		return false
	}
	if len(sc.domains) == 0 {
		return true
	}
	read := h.job.kind.rule().host
	if read == nil {
		return false
	}
	host, ok := read(target, true)
	return ok && host != "" && slices.Contains(sc.domains, host)
}
