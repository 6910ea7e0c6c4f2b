package emulator

import (
	"slices"
	"strings"
)

const (
	maxZones   = 100
	maxDomains = 200
)

// zoneRow is a line of DescribeZones of 2022-09-01, as far as it is of use.
type zoneRow struct {
	ZoneID        string `json:"ZoneId"`
	ZoneName      string
	AliasZoneName string
	Type          string
	Area          string
	Status        string
	ActiveStatus  string
	LockStatus    string
	CnameStatus   string
	Paused        bool
}

type zonesResponse struct {
	TotalCount int
	Zones      []zoneRow
	meta
}

// describeZones is the action of 2022-09-01. Zones come in the order of their ids.
func describeZones(e *Emulator, c *call) (any, *refusal) {
	p := listParams{limit: 20}
	if r := decodeBody(c.body, p.member); r != nil {
		return nil, r
	}
	if r := p.check(maxZones, codeParameterError, map[string]filterRule{
		"zone-name": {fuzzy: true}, "zone-id": {}, "zone-type": {}, "status": {}, "tag-key": {}, "tag-value": {},
		"alias-zone-name": {fuzzy: true},
	}); r != nil {
		return nil, r
	}
	response := zonesResponse{Zones: []zoneRow{}, meta: c.meta()}
	for _, z := range e.zones.list {
		row := z.row()
		of := map[string]string{
			"zone-name": row.ZoneName, "zone-id": row.ZoneID, "zone-type": row.Type, "status": row.Status,
			"alias-zone-name": row.AliasZoneName,
		}
		if !p.passes(of) {
			continue
		}
		if response.TotalCount++; response.TotalCount > p.offset && len(response.Zones) < p.limit {
			response.Zones = append(response.Zones, row)
		}
	}
	return response, nil
}

func (z *zone) row() zoneRow {
	return zoneRow{
		ZoneID: z.id, ZoneName: z.name, Type: "partial", Area: "global", Status: "active", ActiveStatus: "active",
		LockStatus: "enable", CnameStatus: "finished",
	}
}

// domainRow is a line of DescribeAccelerationDomains, as far as it is of use.
type domainRow struct {
	ZoneID       string `json:"ZoneId"`
	DomainName   string
	DomainStatus string
}

type domainsResponse struct {
	TotalCount          int
	AccelerationDomains []domainRow
	meta
}

// describeAccelerationDomains is the action of that name, 2022-09-01 only. Domains come in the order of their names.
func describeAccelerationDomains(e *Emulator, c *call) (any, *refusal) {
	p := listParams{limit: 20, zoned: true}
	if r := decodeBody(c.body, p.member); r != nil {
		return nil, r
	}
	if r := p.check(maxDomains, codeTooManyFilterValues, map[string]filterRule{
		"domain-name": {fuzzy: true}, "origin-type": {}, "origin": {}, "backup-origin": {}, "domain-cname": {},
		"share-cname": {},
	}); r != nil {
		return nil, r
	}
	z, r := e.zones.find(p.zone)
	if r != nil {
		return nil, r
	}
	response := domainsResponse{AccelerationDomains: []domainRow{}, meta: c.meta()}
	for _, host := range z.hosts {
		if !p.passes(map[string]string{"domain-name": host}) {
			continue
		}
		if response.TotalCount++; response.TotalCount > p.offset && len(response.AccelerationDomains) < p.limit {
			response.AccelerationDomains = append(response.AccelerationDomains, domainRow{z.id, host, "online"})
		}
	}
	return response, nil
}

// listParams are the parameters of the two actions. Order and Direction are read and not followed: all zones are
// equally old.
type listParams struct {
	zoned                         bool // has ZoneId and Match
	zone, match, order, direction string
	offset, limit                 int
	filters                       []filter
}

func (p *listParams) member(d *decoder, name string) *refusal {
	switch name {
	case "Offset":
		return d.integer(name, &p.offset)
	case "Limit":
		return d.integer(name, &p.limit)
	case "Filters":
		return d.filters(name, &p.filters)
	case "Order":
		return d.text(name, &p.order)
	case "Direction":
		return d.text(name, &p.direction)
	}
	switch {
	case p.zoned && name == "ZoneId":
		return d.text(name, &p.zone)
	case p.zoned && name == "Match":
		return d.text(name, &p.match)
	}
	return unknownParameter(name)
}

func (p *listParams) check(most int, tooMany string, rules map[string]filterRule) *refusal {
	if p.direction != "" && p.direction != "asc" && p.direction != "desc" {
		return refuse(codeParameterError, "Parameter error: Direction is neither asc nor desc.")
	}
	if p.match != "" && p.match != "all" && p.match != "any" {
		return refuse(codeParameterError, "Parameter error: Match is neither all nor any.")
	}
	if r := checkPage(p.offset, p.limit, most); r != nil {
		return r
	}
	return checkFilters(p.filters, rules, tooMany)
}

// passes holds a row's values, by filter, against the filters. A filter by what no row has passes nothing.
func (p *listParams) passes(values map[string]string) bool {
	if len(p.filters) == 0 {
		return true
	}
	fits := func(f filter) bool {
		return slices.ContainsFunc(f.values, func(want string) bool {
			value := values[f.name]
			return value != "" && (value == want || f.fuzzy && strings.Contains(value, want))
		})
	}
	if p.match == "any" {
		return slices.ContainsFunc(p.filters, fits)
	}
	return !slices.ContainsFunc(p.filters, func(f filter) bool { return !fits(f) })
}
