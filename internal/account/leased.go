package account

import (
	"context"
	"errors"
	"time"

	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/worker"
)

// errUnsure ends a call before it is written: the process may have been stopped for longer than a lease since the pace
// let it go (I3).
var errUnsure = errors.New("not sent: this replica is not sure that it is the leader")

// leased reports just before the wire whether a call may go.
func leased(lease worker.Lease) func() error {
	return func() error {
		if !lease.Valid() {
			return errUnsure
		}
		return nil
	}
}

// leasedPace is a pace that waits for the lease first.
type leasedPace struct {
	pace

	lease worker.Lease
}

// leasedEvery is how often a leader that is unsure of its lease looks whether it is sure again.
const leasedEvery = 10 * time.Millisecond

// Wait returns when a call may go out, or the context's cause.
func (p leasedPace) Wait(ctx context.Context) error {
	for !p.lease.Valid() {
		if !wait.Sleep(ctx, leasedEvery) {
			return context.Cause(ctx)
		}
	}
	return p.pace.Wait(ctx)
}
