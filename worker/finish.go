package worker

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/deadletter"
	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/inflight"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// refusal is a request that is refused as a whole.
type refusal = deadletter.Refusal[*request]

// letterOwner is the recorder as the backlog of dead letters knows it.
type letterOwner struct{ rc *recorder }

func (o letterOwner) Counted(letters []record.DeadLetter) { o.rc.metrics.Buried(letters) }

func (o letterOwner) Stored(ctx context.Context, requests []*request) {
	o.rc.table.ackRequests(ctx, requests)
}

// refuseBatch ends every target of a batch with EdgeOne's code.
func (rc *recorder) refuseBatch(ctx context.Context, batch *batcher.Batch[waiter], err error) {
	code := codeOf(err)
	var done []*request
	rc.mu.Lock()
	for _, s := range batch.Slots {
		for _, p := range s.Waiters {
			p.Submitted(time.Time{})
			if p.Fail(p.index, code, reasonOf(err), "") {
				done = append(done, p.request)
			}
		}
	}
	rc.mu.Unlock()
	rc.finish(ctx, done)
}

// finish does what is left of requests whose targets all stand in durable records or have their
// end: it tells those that no job holds, buries those of them of which nothing was fit to be sent,
// notes the failures of those that span jobs, and acks.
func (rc *recorder) finish(ctx context.Context, done []*request) {
	if len(done) == 0 {
		return
	}
	var ends []record.Tally
	var unfit []refusal
	var spanning []*request
	rc.mu.Lock()
	for _, r := range done {
		switch r.Ending() {
		case inflight.InJobs:
		case inflight.InSeveralJobs:
			spanning = append(spanning, r)
		case inflight.InNoJob:
			t := r.Tally()
			if r.message == nil || t.Status() != purge.Rejected {
				ends = append(ends, t)
				continue
			}
			reason := t.Outcome(time.Time{}).Reason
			letter := (&arrival{r, inbox.Delivery{Delivery: *r.message}, reason}).letter()
			unfit = append(unfit, refusal{Request: r, Letter: letter, End: &t})
		}
	}
	rc.mu.Unlock()
	if err := rc.ledger.Publish(ctx, ends); err != nil {
		return // the context has ended: the messages come again
	}
	if wait, drop := rc.conclude(ctx, unfit); len(wait)+len(drop) > 0 {
		done = slices.DeleteFunc(slices.Clone(done), func(r *request) bool { return wait[r] || drop[r] })
		rc.table.letGo(drop)
	}
	for _, r := range spanning {
		failures, submitted := r.Failures()
		err := rc.ledger.RecordFailures(ctx, r.Request.Request, failures, submitted)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return
		default: // not acked: it is kept for an owner that can read its record (I2)
			rc.log.Error("request kept", zap.Stringer("request", r.Key()), zap.Error(err))
			done = slices.DeleteFunc(slices.Clone(done), func(d *request) bool { return d == r })
		}
	}
	rc.table.ackRequests(ctx, done)
	rc.dropRetries(ctx, done)
}

// conclude stores the dead letters and events of refused requests. It returns those that may not be
// acked: wait are held until their dead letters can be stored, drop are not held any more.
func (rc *recorder) conclude(ctx context.Context, all []refusal) (wait, drop map[*request]bool) {
	rc.mu.Lock()
	for i, r := range all {
		all[i].Transient = rc.requests[r.Request.Key()] != r.Request
	}
	rc.mu.Unlock()
	wait, drop = rc.letters.Conclude(ctx, all)
	rc.mu.Lock()
	defer rc.mu.Unlock()
	for r := range wait {
		if rc.requests[r.Key()] != r {
			continue // it has its end by now
		}
		// Its dead letter and its event have all that is needed: the rest may be many times as
		// large (I5).
		r.Shed()
		r.message = nil
		rc.table.budget.Set(&r.charge, r.cameBy, r.ChargedLane(), 1)
	}
	return wait, drop
}

// dropRetries drops the parts whose requests all have their targets in other records by now.
func (rc *recorder) dropRetries(ctx context.Context, done []*request) {
	var empty []*retryPart
	rc.mu.Lock()
	for _, r := range done {
		if r.part == nil {
			continue
		}
		if r.part.open--; r.part.open == 0 {
			empty = append(empty, r.part)
		}
	}
	rc.mu.Unlock()
	for _, part := range empty {
		if err := rc.ledger.Drop(ctx, part.job, part.sequence); err != nil {
			return // the context has ended: it is taken up once more
		}
	}
}
