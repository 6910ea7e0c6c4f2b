package zone

import (
	"context"
	"slices"
	"strings"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
)

// list reads the zones and their domains. An error says that nothing was learned, and that it is worth
// to try again soon. Zones that refuse to tell their domains are no reason to know nothing of the
// others (I7); what was known of them stays, as everything does where the list itself is refused.
func (f *Finder) list(ctx context.Context) (map[string][]string, *refusedError, error) {
	zones, err := f.api.Zones(ctx, f.pace)
	switch {
	case passing(err) || edgeone.Classify(err) == edgeone.Unknown:
		return nil, nil, err
	case err != nil:
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.known, refusalOf(err), nil
	}
	known := make(map[string][]string)
	var gaps []gap
	for _, z := range zones {
		domains, err := f.api.Domains(ctx, z.ID, f.pace)
		if passing(err) {
			return nil, nil, err
		}
		if err != nil {
			gaps = append(gaps, gap{z.ID, err})
			f.keep(known, z.ID)
			continue
		}
		for _, d := range domains {
			add(known, canonical(d.Name), z.ID)
		}
	}
	return known, refusalOfSome(gaps), nil
}

// keep takes over what was known of a zone.
func (f *Finder) keep(known map[string][]string, zone string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for host, zones := range f.known {
		if slices.Contains(zones, zone) {
			add(known, host, zone)
		}
	}
}

// add notes that a zone serves a name, once however often it says so.
func add(known map[string][]string, name, zone string) {
	if !slices.Contains(known[name], zone) {
		known[name] = append(known[name], zone)
	}
}

// canonical is the form in which hosts are asked for, of a name that may be a wildcard.
func canonical(name string) string {
	rest, wild := strings.CutPrefix(name, "*.")
	host, err := purge.Canonical(purge.Host, rest)
	if err != nil {
		return strings.ToLower(name)
	}
	if wild {
		return "*." + host
	}
	return host
}
