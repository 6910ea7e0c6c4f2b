package account

import (
	"sync"

	"github.com/edgepurge/edgepurge/internal/edgeone"
)

// refusal keeps what EdgeOne last said against the credentials, whatever was called: the worker knows of its own calls
// alone, and a request that waits for the look-up of its zone makes none. It is safe for concurrent use.
type refusal struct {
	mu  sync.Mutex
	why string
}

// called notes the end of a call. A lack of permission for one action says that the credentials are good.
func (r *refusal) called(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch class := edgeone.Classify(err); {
	case class == edgeone.Permission && !edgeone.Forbidden(err):
		r.why = err.Error()
	case class == edgeone.Done, edgeone.Code(err) != "" && class != edgeone.Transient && class != edgeone.Throttled:
		r.why = ""
	}
}

// reason is empty while the credentials are not refused.
func (r *refusal) reason() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.why
}
