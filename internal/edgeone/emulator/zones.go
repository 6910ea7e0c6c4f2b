package emulator

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	// DefaultZone is the id of the zone that is listed where none are configured.
	DefaultZone = "zone-emulator"
	// defaultZoneName is its name, and the name of every other zone that is accepted then.
	defaultZoneName = "emulator.test"
	zonePrefix      = "zone-"
	everyHost       = "*"
)

// zone is a site of the account and the acceleration domains it has.
type zone struct {
	id    string
	name  string
	hosts []string // acceleration domains as configured, in order
}

// owns tells whether a host, in lower case, is one of the zone's.
func (z *zone) owns(host string) bool {
	for _, domain := range z.hosts {
		if domain == host || domain == everyHost {
			return true
		}
		if suffix, ok := strings.CutPrefix(domain, "*"); ok && strings.HasSuffix(host, suffix) && host != suffix {
			return true
		}
	}
	return false
}

// zones are the sites that the account may see. Read-only once made.
type zones struct {
	open bool // every well-formed id is a zone
	list []*zone
}

func newZones(hosts map[string][]string) zones {
	if len(hosts) == 0 {
		return zones{open: true, list: []*zone{openZone(DefaultZone)}}
	}
	var zs zones
	for _, id := range slices.Sorted(maps.Keys(hosts)) {
		z := &zone{id: id}
		for _, host := range hosts[id] {
			z.hosts = append(z.hosts, strings.ToLower(host))
		}
		slices.Sort(z.hosts)
		z.hosts = slices.Compact(z.hosts)
		z.name = siteName(z.hosts)
		zs.list = append(zs.list, z)
	}
	return zs
}

func openZone(id string) *zone {
	return &zone{id: id, name: defaultZoneName, hosts: []string{everyHost}}
}

// find returns the zone of that id, or why there is none.
func (zs zones) find(id string) (*zone, *refusal) {
	if id == "" {
		return nil, missing("ZoneId")
	}
	for _, z := range zs.list {
		if z.id == id {
			return z, nil
		}
	}
	if zs.open && properZone(id) {
		return openZone(id), nil
	}
	return nil, refuse(codeZoneNotFound, "The zone does not exist or is not belong to this account.")
}

// siteName guesses the name of a site from its hosts: the labels that all share, or else the first host; without
// its first label where that is all of a host of three labels or more.
func siteName(hosts []string) string {
	shared := strings.Split(strings.TrimPrefix(hosts[0], "*."), ".")
	for _, host := range hosts[1:] {
		labels := strings.Split(strings.TrimPrefix(host, "*."), ".")
		n := 0
		for n < min(len(labels), len(shared)) && labels[len(labels)-1-n] == shared[len(shared)-1-n] {
			n++
		}
		shared = shared[len(shared)-n:]
	}
	name := strings.Join(shared, ".")
	if len(shared) < 2 {
		name = strings.TrimPrefix(hosts[0], "*.")
	}
	if slices.Contains(hosts, name) && strings.Count(name, ".") >= 2 {
		_, name, _ = strings.Cut(name, ".")
	}
	return name
}

func checkZone(id string, hosts []string) error {
	if !properZone(id) {
		return fmt.Errorf("--zone %s: want an id of zone- and letters or digits", id)
	}
	if len(hosts) == 0 {
		return fmt.Errorf("--zone %s: want at least one host", id)
	}
	for _, host := range hosts {
		name := strings.TrimPrefix(strings.ToLower(host), "*.")
		if host != everyHost && !properHost(name) {
			return fmt.Errorf("--zone %s: %q is no host; want www.example.com, *.example.com or *", id, host)
		}
	}
	return nil
}

func properZone(id string) bool {
	rest, ok := strings.CutPrefix(id, zonePrefix)
	return ok && rest != "" && strings.Trim(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}
