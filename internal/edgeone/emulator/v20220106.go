package emulator

import (
	"math"
	"strings"
)

// Limits of 2022-01-06: DescribePurgeTasks lists "up to 100" domains and has a Limit of 1 to 1000, 100 by default.
const (
	oldMaxDomains   = 100
	oldDefaultTasks = 100
)

// createPurgeTask20220106 knows no Method, no CacheTag and no cache tags.
func createPurgeTask20220106(e *Emulator, c *call) (any, *refusal) {
	var p purgeParams
	r := decodeBody(c.body, func(d *decoder, name string) *refusal {
		if name == "Method" || name == "CacheTag" {
			return unknownParameter(name)
		}
		return p.member(d, name)
	})
	if r != nil {
		return nil, r
	}
	sub, r := p.submission()
	if r != nil {
		return nil, r
	}
	if sub.kind == kindTag {
		return nil, refuse(codeParameterError, "Parameter error: Type is none of the four purge types.")
	}
	return e.submit(c, e.purges, sub)
}

// createPrefetchTask20220106 knows no Mode and no media segments.
func createPrefetchTask20220106(e *Emulator, c *call) (any, *refusal) {
	var p prefetchParams
	r := decodeBody(c.body, func(d *decoder, name string) *refusal {
		if name == "Mode" || name == "PrefetchMediaSegments" {
			return unknownParameter(name)
		}
		return p.member(d, name)
	})
	if r != nil {
		return nil, r
	}
	return e.submit(c, e.prefetches, submission{zone: p.zone, kind: kindPrefetch, targets: p.targets, raw: p.encode})
}

func describePurgeTasks20220106(e *Emulator, c *call) (any, *refusal) {
	return e.describe20220106(c, e.purges, true)
}

func describePrefetchTasks20220106(e *Emulator, c *call) (any, *refusal) {
	return e.describe20220106(c, e.prefetches, false)
}

func (e *Emulator) describe20220106(c *call, s *store, kinds bool) (any, *refusal) {
	p := oldDescribeParams{limit: oldDefaultTasks, kinds: kinds}
	if r := decodeBody(c.body, p.member); r != nil {
		return nil, r
	}
	q, r := p.query()
	if r != nil {
		return nil, r
	}
	z, r := e.zones.find(q.zone)
	if r != nil {
		return nil, r
	}
	q.zone = z.id
	if e.unknown.offsetPages {
		q.offset = max(0, min(q.offset, math.MaxInt32)-1) * q.limit
	}
	total, hits := e.find(s, q)
	return tasksResponse{TotalCount: total, Tasks: e.tasks(s, hits, shortTask), meta: c.meta()}, nil
}

// oldDescribeParams are the parameters of the two actions, on top level instead of in filters.
type oldDescribeParams struct {
	kinds                               bool // has Type
	zone, job, kind, target, start, end string
	statuses, domains                   list
	offset, limit                       int
}

func (p *oldDescribeParams) member(d *decoder, name string) *refusal {
	switch name {
	case "ZoneId":
		return d.text(name, &p.zone)
	case "JobId":
		return d.text(name, &p.job)
	case "Target":
		return d.text(name, &p.target)
	case "StartTime":
		return d.text(name, &p.start)
	case "EndTime":
		return d.text(name, &p.end)
	case "Statuses":
		return d.texts(name, &p.statuses)
	case "Domains":
		return d.texts(name, &p.domains)
	case "Offset":
		return d.integer(name, &p.offset)
	case "Limit":
		return d.integer(name, &p.limit)
	}
	if name == "Type" && p.kinds {
		return d.text(name, &p.kind)
	}
	return unknownParameter(name)
}

func (p *oldDescribeParams) query() (q query, r *refusal) {
	q = query{zone: p.zone, job: p.job, kind: kindCount, target: p.target, offset: p.offset, limit: p.limit}
	if r := checkPage(p.offset, p.limit, maxTasks); r != nil {
		return q, r
	}
	if p.domains.len() > oldMaxDomains {
		return q, refuse(codeParameterError, "Parameter error: Domains has more than %d values.", oldMaxDomains)
	}
	for _, host := range p.domains.strings() {
		q.domains = append(q.domains, strings.ToLower(host))
	}
	var ok bool
	allowed := statusProcessing | statusSuccess | statusFailed | statusTimeout | statusInvalid
	if q.statuses, ok = statusSet(p.statuses.strings(), allowed); !ok {
		return q, refuse(codeParameterError, "Parameter error: Statuses has an unknown value.")
	}
	if p.kind != "" {
		if q.kind, ok = purgeKind(p.kind); !ok || q.kind == kindTag {
			return q, refuse(codeParameterError, "Parameter error: Type is none of the four purge types.")
		}
	}
	// UTC, with or without its letter: the sample of the API docs leaves it out.
	return q, q.times(p.start, p.end, "2006-01-02T15:04:05Z", "2006-01-02T15:04:05")
}

// oldZoneRow is a line of DescribeZones of 2022-01-06.
type oldZoneRow struct {
	ID     string `json:"Id"`
	Name   string
	Type   string
	Area   string
	Status string
	Paused bool
}

type oldZonesResponse struct {
	TotalCount int
	Zones      []oldZoneRow
	meta
}

// describeZones20220106 names its filters and fields otherwise, and has a Limit of up to 1000, its default.
func describeZones20220106(e *Emulator, c *call) (any, *refusal) {
	p := listParams{limit: maxTasks}
	r := decodeBody(c.body, func(d *decoder, name string) *refusal {
		if name == "Order" || name == "Direction" {
			return unknownParameter(name)
		}
		return p.member(d, name)
	})
	if r != nil {
		return nil, r
	}
	rules := map[string]filterRule{"name": {fuzzy: true}, "status": {}, "tagKey": {}, "tagValue": {}}
	if r := p.check(maxTasks, codeParameterError, rules); r != nil {
		return nil, r
	}
	response := oldZonesResponse{Zones: []oldZoneRow{}, meta: c.meta()}
	for _, z := range e.zones.list {
		if !p.passes(map[string]string{"name": z.name, "status": "active"}) {
			continue
		}
		if response.TotalCount++; response.TotalCount > p.offset && len(response.Zones) < p.limit {
			response.Zones = append(response.Zones, oldZoneRow{
				ID: z.id, Name: z.name, Type: "partial", Area: "global", Status: "active",
			})
		}
	}
	return response, nil
}
