package purge

import (
	"strconv"
	"strings"

	"github.com/edgepurge/edgepurge/internal/canonical"
)

// check refuses what has the right kind and the wrong form, and clears it: what is told about a refused request is
// valid and bounded.
func (d *decoder) check() {
	r := &d.request
	d.checkID()
	if r.Zone != "" && !ValidZone(r.Zone) {
		d.malformed("zone", "must be a zone id of EdgeOne: zone- and letters, digits")
		r.Zone = ""
	}
	if r.Account != "" && !validAccount(r.Account) {
		d.malformed("account", "must be 1 to 64 of A-Za-z0-9_-")
		r.Account = ""
	}
	if r.Method != "" && (r.Type == URL || r.Type == Tag) {
		d.malformed("method", "is only for the types prefix, host and all; leave it out")
	}
	d.checkHosts()
	d.checkTargets()
}

func (d *decoder) checkID() {
	if r := &d.request; r.ID != "" && !ValidID(r.ID) {
		d.malformed("id", "must be 1 to 64 of A-Za-z0-9_- and not begin with _")
		r.ID = ""
	}
}

func (d *decoder) checkHosts() {
	r := &d.request
	if len(r.Hosts) > 0 && r.Type != Tag {
		d.malformed("hosts", "is only for the type tag; leave it out")
		return
	}
	if len(r.Hosts) > MaxHosts {
		d.fault(CodeTooLarge, "hosts", "hosts has "+strconv.Itoa(len(r.Hosts))+" names, more than "+strconv.Itoa(MaxHosts)+
			"; spread them over several requests")
		r.Hosts = nil
		return
	}
	for i, host := range r.Hosts {
		if d.reason != nil {
			return
		}
		if len(strings.TrimSpace(host)) > canonical.MaxHost+1 {
			d.malformed(element("hosts", i), "has more than 253 bytes, which no host name has in punycode")
			r.Hosts = nil
			return
		}
		if _, err := Canonical(Host, host); err != nil {
			d.malformed(element("hosts", i), "must be a host name, without wildcard or port")
		}
	}
}

func (d *decoder) checkTargets() {
	r := &d.request
	switch {
	case r.Type == All && len(r.Targets) > 0:
		d.malformed("targets", "type all takes no targets: it purges the whole zone; leave them out or give another type")
	case r.Type != All && len(r.Targets) == 0:
		d.malformed("targets", "must name at least one target")
	}
}
