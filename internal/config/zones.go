package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

var zoneForm = regexp.MustCompile(`^zone-[A-Za-z0-9]+$`)

// Zones maps a host, in lower case and punycode, to the id of its zone. A host *.example.com stands for every host
// below example.com. In a variable it is host=zone,host=zone.
type Zones map[string]string

// String returns the form that UnmarshalText reads, sorted by host.
func (z Zones) String() string {
	entries := make([]string, 0, len(z))
	for _, host := range slices.Sorted(maps.Keys(z)) {
		entries = append(entries, host+"="+z[host])
	}
	return strings.Join(entries, ",")
}

// UnmarshalText replaces z by what host=zone,host=zone says. White space around hosts and ids and empty entries don't
// matter; a host given twice is an error.
func (z *Zones) UnmarshalText(text []byte) error {
	zones, err := parseZones(string(text))
	if err != nil {
		return err
	}
	*z = zones
	return nil
}

func parseZones(text string) (Zones, error) {
	zones := Zones{}
	for entry := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(entry) == "" {
			continue
		}
		host, id, found := strings.Cut(entry, "=")
		host, id = strings.TrimSpace(host), strings.TrimSpace(id)
		if !found || host == "" || id == "" {
			return nil, fmt.Errorf("%s is not host=zone; write www.example.com=zone-…, separated by commas", show(entry))
		}
		if _, twice := zones[host]; twice {
			return nil, fmt.Errorf("host %s is given twice; keep one", show(host))
		}
		zones[host] = id
	}
	return zones, nil
}

// zones checks every entry of the map.
func (k *checker) zones(zones Zones) {
	for _, host := range slices.Sorted(maps.Keys(zones)) {
		name := strings.TrimPrefix(host, "*.")
		switch {
		case name != strings.ToLower(name):
			k.fault("edgeone.zones", "host "+show(host)+" has capitals; write it in lower case")
		case !validHost(name):
			k.fault("edgeone.zones", "host "+show(host)+" is not a host name; write www.example.com or *.example.com, "+
				"without scheme, port and path, and non-ASCII names in punycode (xn--…)")
		case !zoneForm.MatchString(zones[host]):
			k.fault("edgeone.zones", "host "+show(host)+": "+show(zones[host])+
				" is not a zone id; the console shows it as zone-… with letters and digits")
		}
	}
}
