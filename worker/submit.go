package worker

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/adopt"
	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

const (
	// backoffMax is between two tries of one batch at most: the API's return is noticed within it.
	backoffMax = 30 * time.Second
	// unknownTries is how often a batch is sent again after an answer that nobody knows, configTries
	// after one that only an operator can mend, noJobTries after one that made no job.
	unknownTries, configTries, noJobTries = 5, 3, 1
	// repeatedTries is how often a batch is sent whose calls are answered with the job of an earlier
	// call: for about a minute.
	repeatedTries = 9
)

// submit makes one call and does what follows from its answer. One batch never decides the fate of
// another.
func (sn *sender) submit(ctx context.Context, batch *batcher.Batch[waiter]) {
	sent, p := time.Now(), purgeOf(batch)
	call := sn.adopt.Begin(p, sent)
	created, err := sn.api.CreatePurge(ctx, p)
	class := edgeone.Classify(err)
	if class != edgeone.Done && ctx.Err() != nil {
		return // the messages come again, to the next owner
	}
	sn.logCall(batch, class, created, err, sent)
	sn.answered(batch, class, err, sent)
	switch sn.adopt.End(call, class, created) {
	case adopt.Own:
	case adopt.Adopted:
		sn.line.markSubmitted(batch, sent)
		sn.line.resend(batch, 0)
		return
	case adopt.Repeated:
		sn.resendRepeated(ctx, batch, created.JobID, sent)
		return
	}
	sn.verdict(ctx, batch, call, class, created, err, sent)
}

// verdict is the one place that turns a class into what happens to the batch.
func (sn *sender) verdict(
	ctx context.Context, batch *batcher.Batch[waiter], call *adopt.Call,
	class edgeone.Class, created edgeone.Created, err error, sent time.Time,
) {
	g := batch.Group
	switch class {
	case edgeone.Done:
		sn.line.cleared(batch)
		sn.recorder.record(ctx, batch, created, sent)
	case edgeone.Throttled: // not executed: not a try
		batch.Tries--
		sn.line.resend(batch, 0)
	case edgeone.Transient:
		sn.line.resend(batch, sn.retryAfter(batch))
	case edgeone.Ambiguous:
		sn.line.markSubmitted(batch, sent)
		sn.findJob(ctx, batch, call, err, sent)
	case edgeone.BatchQuota:
		sn.quota.ReadAgain(g.Zone)
		sn.split(ctx, batch, err)
	case edgeone.TooLarge:
		sn.split(ctx, batch, err)
	case edgeone.BadTarget:
		sn.bisect(ctx, batch, err)
	case edgeone.NoJob:
		if batch.Tries < noJobTries {
			sn.line.resend(batch, retryDelay(batch.Tries))
			return
		}
		sn.bisect(ctx, batch, err)
	case edgeone.DailyQuota:
		sn.line.postpone(batch, sent)
	case edgeone.Permission:
		sn.deny(batch, err)
	case edgeone.Plan:
		sn.quota.PlanRefused(kindOf(g), codeOf(err), reasonOf(err), time.Now())
		sn.end(ctx, batch, err)
	case edgeone.Misconfigured:
		sn.resendOrRefuse(ctx, batch, configTries, err)
	case edgeone.Unknown:
		sn.resendOrRefuse(ctx, batch, unknownTries, err)
	}
}

func (sn *sender) resendOrRefuse(ctx context.Context, batch *batcher.Batch[waiter], tries int, err error) {
	if batch.Tries+1 < tries {
		sn.line.resend(batch, retryDelay(batch.Tries))
		return
	}
	sn.end(ctx, batch, err)
}

// resendRepeated sends a batch again whose call was answered with the id of a job that was made for
// an earlier call. That job may be older than the requests, and what it purged is not known to be
// theirs (I4). If EdgeOne gives no other id in repeatedTries calls, the targets end as those of
// which no task was made.
func (sn *sender) resendRepeated(ctx context.Context, batch *batcher.Batch[waiter], job string, sent time.Time) {
	sn.line.cleared(batch)
	sn.line.markSubmitted(batch, sent)
	sn.log.Warn("call answered with the job of an earlier call", zap.String("job", job),
		zap.String("zone", batch.Group.Zone), typeField(batch.Group.Type),
		zap.Int("targets", len(batch.Slots)), zap.Int("tries", batch.Tries+1))
	if batch.Tries+1 < repeatedTries {
		sn.line.resend(batch, retryDelay(batch.Tries))
		return
	}
	sn.end(ctx, batch, &edgeone.Error{
		Action: "CreatePurgeTask", Sent: true,
		Message: "EdgeOne made no task: it answers with job " + job + ", which is that of an earlier call",
	})
}

// split sends the halves of a batch apart, for it is too large.
func (sn *sender) split(ctx context.Context, batch *batcher.Batch[waiter], err error) {
	if len(batch.Slots) < 2 {
		sn.end(ctx, batch, err)
		return
	}
	left, right := batch.Halve()
	sn.line.resend(left, 0)
	sn.line.resend(right, 0)
}

// bisect starts the search for the bad targets of a batch: each is refused alone and fails alone.
func (sn *sender) bisect(ctx context.Context, batch *batcher.Batch[waiter], err error) {
	sn.mu.Lock()
	some := sn.batcher.Bisect(batch)
	sn.mu.Unlock()
	wait.Signal(sn.line.wake) // the next probe may go
	if !some {
		sn.recorder.refuseBatch(ctx, batch, err)
	}
}

// end ends every target of a batch with EdgeOne's refusal, which is not for one of them.
func (sn *sender) end(ctx context.Context, batch *batcher.Batch[waiter], err error) {
	sn.mu.Lock()
	sn.batcher.Drop(batch)
	sn.mu.Unlock()
	wait.Signal(sn.line.wake)
	sn.recorder.refuseBatch(ctx, batch, err)
}

// retryDelay is the wait before a batch is sent again, longer each time, with jitter.
func retryDelay(tries int) time.Duration {
	b := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(200*time.Millisecond),
		backoff.WithMultiplier(2),
		backoff.WithMaxInterval(backoffMax),
		backoff.WithMaxElapsedTime(0))
	d := b.NextBackOff()
	for range min(tries, 16) {
		d = b.NextBackOff()
	}
	return d
}

// findJob looks for the job that a batch may have become although its answer is lost, and goes on
// with it as if the answer had named it. In doubt, or if there is none, the batch is sent again. It
// does not block.
func (sn *sender) findJob(
	ctx context.Context, batch *batcher.Batch[waiter], call *adopt.Call, lostBy error, sent time.Time,
) {
	lost := time.Now()
	sn.adopt.Find(ctx, call, batch.Urgent, func(created edgeone.Created, found bool) {
		if !found {
			sn.quota.Lost(kindOf(batch.Group), lostBy, sent, time.Now())
			sn.line.resend(batch, max(0, sn.retryAfter(batch)-time.Since(lost)))
			return
		}
		sn.log.Info("job adopted, whose answer was lost", zap.String("job", created.JobID),
			zap.String("zone", batch.Group.Zone), typeField(batch.Group.Type),
			zap.Int("targets", len(batch.Slots)), zap.Duration("after", time.Since(lost)))
		sn.metrics.Adopted()
		sn.line.cleared(batch)
		sn.recorder.record(ctx, batch, created, sent)
	})
}

// logCall writes the one line of a call. Its keys are always the same, except the error, because
// people search by them (docs/operating.md).
func (sn *sender) logCall(
	batch *batcher.Batch[waiter], class edgeone.Class, created edgeone.Created, err error, sent time.Time,
) {
	lane, refused := purge.Bulk, 0
	if batch.Urgent {
		lane = purge.Interactive
	}
	for _, r := range created.Refused {
		refused += len(r.Targets)
	}
	log := sn.log.With(
		zap.String("lane", string(lane)), zap.String("zone", batch.Group.Zone), typeField(batch.Group.Type),
		zap.Int("targets", len(batch.Slots)), zap.Int("refused", refused), zap.Int("tries", batch.Tries+1),
		zap.Stringer("class", class), zap.String("job", created.JobID),
		zap.Duration("waited", sent.Sub(batch.Since)), zap.Duration("took", time.Since(sent)),
	)
	if class == edgeone.Done {
		log.Info("batch accepted")
		return
	}
	log.Warn("batch not accepted", zap.Error(err))
}

// deny keeps a batch that the credentials may not send, and probes the account slowly.
func (sn *sender) deny(batch *batcher.Batch[waiter], err error) {
	now := time.Now()
	pause, again := sn.quota.Denied(kindOf(batch.Group), err, now)
	sn.mu.Lock()
	sn.batcher.Return(batch, now.Add(again))
	sn.mu.Unlock()
	if pause > 0 {
		sn.pace.Hold(pause)
	}
	wait.Signal(sn.line.wake)
}

// retryAfter is the wait before a batch is sent again. Where its kind is held, that is the wait.
func (sn *sender) retryAfter(batch *batcher.Batch[waiter]) time.Duration {
	if sn.quota.Until(kindOf(batch.Group), time.Now()).Closed() {
		return 0
	}
	return retryDelay(batch.Tries)
}
