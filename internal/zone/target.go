package zone

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/edgepurge/edgepurge/purge"
)

// OfTarget returns the zone of a canonical target whose request names no zone. find returns that of
// a host. A tag implies no zone: the hosts of its request do. Errors are a [purge.Reason], those of
// find, and [ErrAmbiguous] when the hosts belong to several zones.
func OfTarget(find func(host string) (string, error), r *purge.Request, canonical string) (string, error) {
	names := r.Hosts
	switch r.Type {
	case purge.URL, purge.Prefix:
		u, err := url.Parse(canonical)
		if err != nil {
			return "", fmt.Errorf("read host: %w", err)
		}
		names = []string{u.Hostname()}
	case purge.Host:
		names = []string{canonical}
	case purge.Tag:
		if len(names) == 0 {
			return "", &purge.Reason{
				Code: purge.CodeZoneNotFound, Message: "a tag does not imply a zone; give zone or hosts",
			}
		}
	case purge.All:
	}
	found := ""
	for _, name := range names {
		id, err := find(Host(name))
		if err != nil {
			return "", err
		}
		if found != "" && id != found {
			return "", ErrAmbiguous
		}
		found = id
	}
	if found == "" {
		return "", ErrUnknown
	}
	return found, nil
}

// Host returns the form in which EdgeOne knows a host: in lower case, as punycode, without the
// root's dot.
func Host(name string) string {
	c, err := purge.Canonical(purge.Host, name)
	if err != nil {
		c = strings.ToLower(name)
	}
	return strings.TrimSuffix(c, ".")
}
