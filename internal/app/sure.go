package app

import (
	"context"
	"errors"
	"time"

	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/worker"
)

// An owner that is unsure of its lease sends no call (I3). It waits before it waits for the pace; and it is
// asked once more just before the wire, for a process may be stopped in between for longer than a lease.

var errUnsure = errors.New("not sent: this replica is not sure that it is the owner")

func sure(lease worker.Lease) func() error {
	return func() error {
		if !lease.Valid() {
			return errUnsure
		}
		return nil
	}
}

// surePace is a pace that waits for the lease too.
type surePace struct {
	timedPace

	lease worker.Lease
}

// sureEvery is how often an owner that is unsure looks whether it is sure again.
const sureEvery = 10 * time.Millisecond

// Wait returns when a call may go out, or with the context's cause.
func (p surePace) Wait(ctx context.Context) error {
	for !p.lease.Valid() {
		if !wait.Sleep(ctx, sureEvery) {
			return context.Cause(ctx)
		}
	}
	return p.timedPace.Wait(ctx)
}
