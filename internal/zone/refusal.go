package zone

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/edgepurge/edgepurge/internal/edgeone"
)

// advice ends every sentence for a requester whose zone can't be looked up.
const advice = "; name the zone in the request or in edgeone.zones"

// refusedError is an ErrUnknown of a host that may well have a zone, had EdgeOne told all of them. Its text
// says what it did not tell and why, for the requester.
type refusedError struct{ text string }

// Error implements error.
func (r *refusedError) Error() string { return r.text }

// Unwrap returns ErrUnknown.
func (r *refusedError) Unwrap() error { return ErrUnknown }

// gap is a zone that refused to tell its domains.
type gap struct {
	zone string
	err  error
}

// refusalOf says that the zones could not be listed.
func refusalOf(err error) *refusedError {
	return &refusedError{"the zones could not be listed: " + reason(err) + advice}
}

// refusalOfSome says which zones could not be read; nil for none.
func refusalOfSome(gaps []gap) *refusedError {
	if len(gaps) == 0 {
		return nil
	}
	which := "zone " + gaps[0].zone
	if more := len(gaps) - 1; more > 0 {
		which += fmt.Sprintf(" and %d more", more)
	}
	return &refusedError{"no zone is known to serve this host, and " + which + " could not be read: " + reason(gaps[0].err) + advice}
}

// reason is EdgeOne's code, or what stood in its way.
func reason(err error) string {
	if e, ok := errors.AsType[*edgeone.Error](err); ok {
		return cmp.Or(e.Code, e.Message)
	}
	return err.Error()
}

// passing tells whether what failed may work when it is tried again soon, or when an operator has
// mended the credentials: requests wait for it.
func passing(err error) bool {
	switch edgeone.Classify(err) {
	case edgeone.Transient, edgeone.Ambiguous, edgeone.Throttled:
		return true
	case edgeone.Permission:
		return !edgeone.Forbidden(err)
	default:
		return false
	}
}
