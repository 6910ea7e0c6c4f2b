package worker

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/inflight"
	"github.com/edgepurge/edgepurge/internal/quota"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// record stores the job that a batch became and hands it to the tracker; only then may the messages
// of its requests be acked (I2).
func (w *Worker) record(ctx context.Context, batch *batcher.Batch[waiter], created edgeone.Created, sent time.Time) {
	out := refusals(batch, created)
	refused := len(out.reasons) + out.unnamed
	use := quota.Use{Accepted: len(batch.Slots) - refused, Refused: refused, Sent: sent}
	batch, late := w.setAside(batch, out)
	use.OfDay = late != nil
	w.quota.Used(kindOf(batch.Group), use, time.Now())
	f := w.buildJob(batch, created, out, sent)
	if f.job.Unnamed > 0 {
		w.Log.Warn("EdgeOne refused targets by names that were not sent: only its rows show which",
			zap.String("job", f.job.ID), zap.String("zone", f.job.Zone), zap.Int("targets", f.job.Unnamed), zap.String("reason", f.job.Refusal))
	}
	if late != nil {
		w.postpone(late, sent)
	}
	if job := f.job; len(job.Shares) > 0 {
		w.Metrics.Accepted(batch.Urgent, job.Rows, sent.Sub(batch.Since))
		stored, err := w.Ledger.Record(ctx, job)
		if err != nil {
			w.unrecorded(ctx, f, err)
			return
		}
		w.Log.Debug("job stored", zap.String("job", job.ID), zap.String("zone", job.Zone), typeField(job.Type),
			zap.Int("targets", job.Rows), zap.Int("requests", len(job.Shares)))
		w.Tracker.Track(stored)
		w.recorded(f)
	}
	w.finish(ctx, f.done)
}

// unrecorded does what is left when a job could not be stored. One that no record can hold was made
// all the same, but nobody can follow it: its targets end here, or they would be sent again for ever.
func (w *Worker) unrecorded(ctx context.Context, f *jobBuilder, err error) {
	w.Log.Error("job not recorded", zap.String("job", f.job.ID), zap.Error(err))
	if ctx.Err() != nil || errors.Is(err, record.ErrVersion) {
		return // the messages come again, to the next owner or one of the newer version
	}
	reason := "EdgeOne took it as job " + f.job.ID + ", whose end can't be told: its record is too large; send less in one request"
	w.mu.Lock()
	for i, r := range f.requests {
		r.Unfiled()
		for _, run := range f.job.Shares[i].Runs {
			for index := run[1]; index < run[1]+run[2]; index++ {
				if r.Fail(index, purge.CodeTooLarge, reason, "") {
					f.done = append(f.done, r)
				}
			}
		}
	}
	w.mu.Unlock()
	w.finish(ctx, f.done)
}

// recorded counts what stands in the stored job, and lets go of it.
func (w *Worker) recorded(f *jobBuilder) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, r := range f.requests {
		s := &f.job.Shares[i]
		if s.MultiJob { // it may have been too large for one part
			r.InSeveral()
		}
		for _, run := range s.Runs {
			if r.Record(run[1], run[2]) {
				f.done = append(f.done, r)
			}
		}
		w.weigh(r)
	}
}

// refuseBatch ends every target of a batch with EdgeOne's code.
func (w *Worker) refuseBatch(ctx context.Context, batch *batcher.Batch[waiter], err error) {
	code := codeOf(err)
	var done []*request
	w.mu.Lock()
	for _, s := range batch.Slots {
		for _, p := range s.Waiters {
			p.Submitted(time.Time{})
			if p.Fail(p.index, code, reasonOf(err), "") {
				done = append(done, p.request)
			}
		}
	}
	w.mu.Unlock()
	w.finish(ctx, done)
}

// noJobCode is EdgeOne's code for a call of which no task was made; it may also answer without a JobId.
const noJobCode = "InvalidParameter.TaskNotGenerated"

// codeOf is EdgeOne's code of a refusal, and for one without a code that which says the same.
func codeOf(err error) string {
	if code := edgeone.Code(err); code != "" {
		return code
	}
	switch edgeone.Classify(err) { //nolint:exhaustive // the others are sent again
	case edgeone.TooLarge:
		return purge.CodeTooLarge
	case edgeone.Misconfigured:
		return purge.CodeUnsupported
	}
	return noJobCode
}

// reasonOf is what EdgeOne said, without where and what to do about it.
func reasonOf(err error) string {
	if e, ok := errors.AsType[*edgeone.Error](err); ok {
		return e.Message
	}
	return err.Error()
}

// finish does what is left of requests whose targets all stand in durable records or have their end:
// it tells those that no job holds, buries those of them of which nothing was fit to be sent, notes the
// failures of those that span jobs, and acks.
func (w *Worker) finish(ctx context.Context, done []*request) {
	if len(done) == 0 {
		return
	}
	var ends []record.Tally
	var unfit []refusal
	var spanning []*request
	w.mu.Lock()
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
	w.mu.Unlock()
	if err := w.Ledger.Publish(ctx, ends); err != nil {
		return // the context has ended: the messages come again
	}
	if wait, drop := w.conclude(ctx, unfit); len(wait)+len(drop) > 0 {
		done = slices.DeleteFunc(slices.Clone(done), func(r *request) bool { return wait[r] || drop[r] })
		w.letGo(drop)
	}
	for _, r := range spanning {
		failures, submitted := r.Failures()
		err := w.Ledger.RecordFailures(ctx, r.Request.Request, failures, submitted)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return
		default: // not acked: it is kept for an owner that can read its record (I2)
			w.Log.Error("request kept", zap.Stringer("request", r.Key()), zap.Error(err))
			done = slices.DeleteFunc(slices.Clone(done), func(d *request) bool { return d == r })
		}
	}
	w.ackRequests(ctx, done)
	w.dropRetries(ctx, done)
}
