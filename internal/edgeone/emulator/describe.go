package emulator

import (
	"strings"
	"time"
)

const (
	// maxSpan is the longest time between StartTime and EndTime.
	maxSpan = 7 * 24 * time.Hour
	// maxTasks is the largest Limit of a Describe action of tasks.
	maxTasks = 1000
)

// describeForm is how an action of 2022-09-01 that describes tasks differs from its like.
type describeForm struct {
	statuses    status // that may be asked for
	kinds       bool   // has the filter type
	fuzzyTarget bool
}

// describePurgeTasks is the action of 2022-09-01.
func describePurgeTasks(e *Emulator, c *call) (any, *refusal) {
	return e.describe(c, e.purges, describeForm{
		statuses:    statusProcessing | statusSuccess | statusFailed | statusTimeout | statusCanceled,
		kinds:       true,
		fuzzyTarget: true,
	})
}

func (e *Emulator) describe(c *call, s *store, form describeForm) (any, *refusal) {
	p := describeParams{limit: 20}
	if r := decodeBody(c.body, p.member); r != nil {
		return nil, r
	}
	q, r := p.query(form)
	if r != nil {
		return nil, r
	}
	z, r := e.zones.find(q.zone)
	if r != nil {
		return nil, r
	}
	q.zone = z.id
	total, hits := e.find(s, q)
	return tasksResponse{TotalCount: total, Tasks: e.tasks(s, hits, fullTask), meta: c.meta()}, nil
}

// describeParams are the parameters of DescribePurgeTasks and DescribePrefetchTasks.
type describeParams struct {
	zone, start, end string
	offset, limit    int
	filters          []filter
}

func (p *describeParams) member(d *decoder, name string) *refusal {
	switch name {
	case "ZoneId":
		return d.text(name, &p.zone)
	case "StartTime":
		return d.text(name, &p.start)
	case "EndTime":
		return d.text(name, &p.end)
	case "Offset":
		return d.integer(name, &p.offset)
	case "Limit":
		return d.integer(name, &p.limit)
	case "Filters":
		return d.filters(name, &p.filters)
	}
	return unknownParameter(name)
}

func (p *describeParams) query(form describeForm) (q query, r *refusal) {
	q = query{zone: p.zone, kind: kindCount, offset: p.offset, limit: p.limit}
	if r := checkPage(p.offset, p.limit, maxTasks); r != nil {
		return q, r
	}
	rules := map[string]filterRule{
		"job-id":   {single: true},
		"target":   {single: true, fuzzy: form.fuzzyTarget},
		"domains":  {},
		"statuses": {},
	}
	if form.kinds {
		rules["type"] = filterRule{single: true}
	}
	if r := checkFilters(p.filters, rules, codeParameterError); r != nil {
		return q, r
	}
	for _, f := range p.filters {
		if r := q.apply(f, form); r != nil {
			return q, r
		}
	}
	return q, q.times(p.start, p.end, time.RFC3339)
}

// apply puts a checked filter into the query.
func (q *query) apply(f filter, form describeForm) *refusal {
	ok := true
	switch f.name {
	case "job-id":
		q.job, ok = f.values[0], f.values[0] != ""
	case "target":
		q.target, q.fuzzy, ok = f.values[0], f.fuzzy, f.values[0] != ""
	case "domains":
		for _, host := range f.values {
			q.domains = append(q.domains, strings.ToLower(host))
		}
	case "statuses":
		q.statuses, ok = statusSet(f.values, form.statuses)
	case "type":
		q.kind, ok = purgeKind(f.values[0])
	}
	if !ok {
		return refuse(codeParameterError, "Parameter error: the filter `%s` can't have that value.", f.name)
	}
	return nil
}

// times puts the pair of times into the query: both or, with a job id, none.
func (q *query) times(start, end string, layouts ...string) *refusal {
	if start == "" && end == "" {
		if q.job == "" {
			return refuse(codeParameterError, "Parameter error: give StartTime and EndTime, or a job id.")
		}
		return nil
	}
	from, ok1 := parseTime(start, layouts)
	to, ok2 := parseTime(end, layouts)
	switch {
	case !ok1:
		return refuse(codeParameterError, "Parameter error: Invalid \"Start time\".")
	case !ok2 || to.Before(from):
		return refuse(codeParameterError, "Parameter error: Invalid \"End time\".")
	case to.Sub(from) > maxSpan:
		return refuse(codeParameterError, "Parameter error: Invalid \"End time\". The interval between the start "+
			"and end time cannot exceed 7 days.")
	}
	q.from, q.to = &from, &to
	return nil
}

func parseTime(s string, layouts []string) (t time.Time, ok bool) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return t, false
}
