package worker

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/deadletter"
	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/metrics"
	"github.com/edgepurge/edgepurge/internal/quota"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// recorder stores the jobs and the ends of requests, and has them acked.
type recorder struct {
	*state

	line    *line
	table   *table
	quota   *quota.Gate
	ledger  *ledger.Ledger
	tracker Tracker
	letters *deadletter.Backlog[*request] // of refused requests
	metrics *metrics.Pipeline
	log     *zap.Logger
}

func newRecorder(w *Worker, deps Deps) *recorder {
	rc := &recorder{
		state: w.state, line: w.line, table: w.table, quota: w.quota, ledger: deps.Ledger, tracker: deps.Tracker,
		metrics: deps.Metrics, log: deps.Log,
	}
	rc.letters = deadletter.New(deadletter.Config[*request]{Ledger: deps.Ledger, Owner: letterOwner{rc}, Log: deps.Log})
	return rc
}

// record stores the job that a batch became and hands it to the tracker; only then may the messages
// of its requests be acked (I2).
func (rc *recorder) record(ctx context.Context, batch *batcher.Batch[waiter], created edgeone.Created, sent time.Time) {
	out := refusals(batch, created)
	refused := len(out.reasons) + out.unnamed
	use := quota.Use{Accepted: len(batch.Slots) - refused, Refused: refused, Sent: sent}
	batch, late := rc.setAside(batch, out)
	use.OfDay = late != nil
	rc.quota.Used(kindOf(batch.Group), use, time.Now())
	f := rc.buildJob(batch, created, out, sent)
	if f.job.Unnamed > 0 {
		rc.log.Warn("EdgeOne refused targets by names that were not sent: only its rows show which",
			zap.String("job", f.job.ID), zap.String("zone", f.job.Zone), zap.Int("targets", f.job.Unnamed),
			zap.String("reason", f.job.Refusal))
	}
	if late != nil {
		rc.line.postpone(late, sent)
	}
	if job := f.job; len(job.Shares) > 0 {
		rc.metrics.Accepted(batch.Urgent, job.Rows, sent.Sub(batch.Since))
		stored, err := rc.ledger.Record(ctx, job)
		if err != nil {
			rc.unrecorded(ctx, f, err)
			return
		}
		rc.log.Debug("job stored", zap.String("job", job.ID), zap.String("zone", job.Zone), typeField(job.Type),
			zap.Int("targets", job.Rows), zap.Int("requests", len(job.Shares)))
		rc.tracker.Track(stored)
		rc.recorded(f)
	}
	rc.finish(ctx, f.done)
}

// unrecorded does what is left when a job could not be stored. One that no record can hold was made
// all the same, but nobody can follow it: its targets end here, or they would be sent again for
// ever.
func (rc *recorder) unrecorded(ctx context.Context, f *jobBuilder, err error) {
	rc.log.Error("job not recorded", zap.String("job", f.job.ID), zap.Error(err))
	if ctx.Err() != nil || errors.Is(err, record.ErrVersion) {
		return // the messages come again, to the next owner or one of the newer version
	}
	reason := "EdgeOne took it as job " + f.job.ID + ", whose end can't be told: " +
		"its record is too large; send less in one request"
	rc.mu.Lock()
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
	rc.mu.Unlock()
	rc.finish(ctx, f.done)
}

// recorded counts what stands in the stored job, and lets go of it.
func (rc *recorder) recorded(f *jobBuilder) {
	rc.mu.Lock()
	defer rc.mu.Unlock()
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
		rc.table.weigh(r)
	}
}

// noJobCode is EdgeOne's code for a call of which no task was made; it may also answer without a
// JobId.
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
