package edgeone

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/edgepurge/edgepurge/purge"
)

// errLacking says that the configured version of the API can't do what was asked; nothing was sent.
var errLacking = errors.New("the API version can't do it")

func lacking(version, action string) error {
	return fmt.Errorf("%w: %s has no %s", errLacking, version, action)
}

// Unsupported tells whether a version of the API can't express a purge, and so whether a request for
// one has to be refused when it is admitted: the field of the request that stands in the way ("type",
// "method" or "hosts"), and a sentence for the requester. Both are empty for what can be sent.
//
// version is as in Config, empty for DefaultVersion; method is what
// the request says, empty where it leaves that to EdgeOne; hosts tells whether the request limits a
// tag to host names. It is pure. Whether the purge makes sense otherwise is not looked at.
//
// 2022-09-01 can express all there is. 2022-01-06 has no cache tags, and with them no hosts, and no
// method: what it does to what is purged is not told, so that neither of the two can be promised.
// CreatePurge refuses the same, as an error of class Misconfigured, unsent.
func Unsupported(version string, typ purge.Type, method string, hosts bool) (field, why string) {
	if cmp.Or(version, DefaultVersion) != version20220106 {
		return "", ""
	}
	switch {
	case typ == purge.Tag:
		return "type", "version 2022-01-06 of the API can't purge by tag: use 2022-09-01"
	case method != "":
		return "method", "version 2022-01-06 of the API has no method: leave it out, or use 2022-09-01"
	case hosts:
		return "hosts", "version 2022-01-06 of the API can't limit a purge to hosts: leave them out, or use 2022-09-01"
	}
	return "", ""
}
