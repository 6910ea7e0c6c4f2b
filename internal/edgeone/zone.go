package edgeone

import "context"

const (
	actionZones   = "DescribeZones"
	actionDomains = "DescribeAccelerationDomains"
	// domainsLimit is the most rows of a page (EdgeOne API docs). That of zones is the version's.
	domainsLimit = 200
)

// Zone is a site. Two zones may share a Name; Alias tells them apart. The words are the API's.
type Zone struct {
	ID, Name, Alias string
	// Type is full, partial, noDomainAccess, dnsPodAccess, pages or ai.
	Type string
	// Status is active, pending, moved, deactivated or initializing.
	Status string
	// ActiveStatus is active, inactive or paused.
	ActiveStatus string
	// LockStatus is enable, disable or plan_migrate.
	LockStatus string
	Paused     bool
}

// Domain is a host name that a zone serves.
type Domain struct {
	// Name may be a wildcard, as *.example.com.
	Name string
	// Status is online, process, offline, forbidden or init.
	Status string
}

// Zones reads all zones that the credentials may see, 100 a call (2022-01-06: 1,000). before, if not
// nil, is called ahead of each call, and its error ends the list. The error is an *Error; a list of
// more than 100,000 is of class TooLarge.
func (c *Client) Zones(ctx context.Context, before func(context.Context) error) ([]Zone, error) {
	limit := c.api.traits().zonesLimit
	l := listing[Zone, string]{
		action: actionZones,
		limit:  limit,
		vague:  c.api.traits().vagueOffset,
		before: before,
		key:    func(z Zone) string { return z.ID },
	}
	l.fetch = func(ctx context.Context, offset int) (p page[Zone], err error) {
		_, err = c.call(ctx, actionZones, func(ctx context.Context) (err error) {
			p, err = c.api.zones(ctx, offset, limit)
			return err
		})
		return p, err
	}
	return collect(l.all(ctx, c))
}

// Domains reads all host names of a zone, 200 a call, as Zones does. 2022-01-06 can't tell them: the
// error is of class Misconfigured then, and nothing is sent.
func (c *Client) Domains(ctx context.Context, zone string, before func(context.Context) error) ([]Domain, error) {
	l := listing[Domain, string]{
		action: actionDomains,
		limit:  domainsLimit,
		before: before,
		key:    func(d Domain) string { return d.Name },
	}
	l.fetch = func(ctx context.Context, offset int) (p page[Domain], err error) {
		_, err = c.call(ctx, actionDomains, func(ctx context.Context) (err error) {
			p, err = c.api.domains(ctx, zone, offset, domainsLimit)
			return err
		})
		return p, err
	}
	return collect(l.all(ctx, c))
}
