package worker

import (
	"context"
	"strings"
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
	// repeatedTries is how often a batch is sent whose calls are answered with the job of an earlier call: for
	// about a minute.
	repeatedTries = 9
)

// submit makes one call and does what follows from its answer. One batch never decides the fate of
// another.
func (w *Worker) submit(ctx context.Context, batch *batcher.Batch[waiter]) {
	sent, p := time.Now(), purgeOf(batch)
	call := w.adopt.Begin(p, sent)
	created, err := w.API.CreatePurge(ctx, p)
	class := edgeone.Classify(err)
	if class != edgeone.Done && ctx.Err() != nil {
		return // the messages come again, to the next owner
	}
	w.logCall(batch, class, created, err, sent)
	w.answered(batch, class, err, sent)
	switch w.adopt.End(call, class, created) {
	case adopt.Own:
	case adopt.Adopted:
		w.mark(batch, sent)
		w.again(batch, 0)
		return
	case adopt.Repeated:
		w.resendRepeated(ctx, batch, created.JobID, sent)
		return
	}
	w.verdict(ctx, batch, call, class, created, err, sent)
}

// purgeOf returns the call that a batch becomes.
func purgeOf(batch *batcher.Batch[waiter]) edgeone.Purge {
	p := edgeone.Purge{Zone: batch.Group.Zone, Type: batch.Group.Type, Method: batch.Group.Method}
	if batch.Group.Hosts != "" {
		p.Hosts = strings.Split(batch.Group.Hosts, ",")
	}
	if p.Type == purge.All {
		return p
	}
	p.Targets = make([]string, len(batch.Slots))
	for i, s := range batch.Slots {
		p.Targets[i] = s.Target
	}
	return p
}

// verdict is the one place that turns a class into what happens to the batch.
func (w *Worker) verdict(
	ctx context.Context, batch *batcher.Batch[waiter], call *adopt.Call,
	class edgeone.Class, created edgeone.Created, err error, sent time.Time,
) {
	g := batch.Group
	switch class {
	case edgeone.Done:
		w.cleared(batch)
		w.record(ctx, batch, created, sent)
	case edgeone.Throttled: // not executed: not a try
		batch.Tries--
		w.again(batch, 0)
	case edgeone.Transient:
		w.again(batch, w.retryAfter(batch))
	case edgeone.Ambiguous:
		w.mark(batch, sent)
		w.findJob(ctx, batch, call, err, sent)
	case edgeone.BatchQuota:
		w.quota.ReadAgain(g.Zone)
		w.split(ctx, batch, err)
	case edgeone.TooLarge:
		w.split(ctx, batch, err)
	case edgeone.BadTarget:
		w.suspect(ctx, batch, err)
	case edgeone.NoJob:
		if batch.Tries < noJobTries {
			w.again(batch, retryDelay(batch.Tries))
			return
		}
		w.suspect(ctx, batch, err)
	case edgeone.DailyQuota:
		w.postpone(batch, sent)
	case edgeone.Permission:
		w.deny(batch, err)
	case edgeone.Plan:
		w.quota.PlanRefused(kindOf(g), codeOf(err), reasonOf(err), time.Now())
		w.end(ctx, batch, err)
	case edgeone.Misconfigured:
		w.againOrRefuse(ctx, batch, configTries, err)
	case edgeone.Unknown:
		w.againOrRefuse(ctx, batch, unknownTries, err)
	}
}

func (w *Worker) againOrRefuse(ctx context.Context, batch *batcher.Batch[waiter], tries int, err error) {
	if batch.Tries+1 < tries {
		w.again(batch, retryDelay(batch.Tries))
		return
	}
	w.end(ctx, batch, err)
}

// resendRepeated sends a batch again whose call was answered with the id of a job that was made for an earlier
// call. That job may be older than the requests, and what it purged is not known to be theirs (I4). If EdgeOne
// gives no other id in repeatedTries calls, the targets end as those of which no task was made.
func (w *Worker) resendRepeated(ctx context.Context, batch *batcher.Batch[waiter], job string, sent time.Time) {
	w.cleared(batch)
	w.mark(batch, sent)
	w.Log.Warn("call answered with the job of an earlier call", zap.String("job", job), zap.String("zone", batch.Group.Zone),
		typeField(batch.Group.Type), zap.Int("targets", len(batch.Slots)), zap.Int("tries", batch.Tries+1))
	if batch.Tries+1 < repeatedTries {
		w.again(batch, retryDelay(batch.Tries))
		return
	}
	w.end(ctx, batch, &edgeone.Error{
		Action: "CreatePurgeTask", Sent: true, Message: "EdgeOne made no task: it answers with job " + job + ", which is that of an earlier call",
	})
}

// again sends a batch again, whole and joined by nobody (I4).
func (w *Worker) again(batch *batcher.Batch[waiter], delay time.Duration) {
	w.mu.Lock()
	w.batcher.Return(batch, time.Now().Add(delay))
	w.mu.Unlock()
	w.Metrics.Retried()
	wait.Signal(w.wake)
}

// split sends the halves of a batch apart, for it is too large.
func (w *Worker) split(ctx context.Context, batch *batcher.Batch[waiter], err error) {
	if len(batch.Slots) < 2 {
		w.end(ctx, batch, err)
		return
	}
	left, right := batch.Halve()
	w.again(left, 0)
	w.again(right, 0)
}

// suspect has the bad targets of a batch looked for, until each is refused alone and fails alone.
func (w *Worker) suspect(ctx context.Context, batch *batcher.Batch[waiter], err error) {
	w.mu.Lock()
	some := w.batcher.Suspect(batch)
	w.mu.Unlock()
	wait.Signal(w.wake) // the next probe may go
	if !some {
		w.refuseBatch(ctx, batch, err)
	}
}

// cleared tells the batcher that a batch was accepted, before anything that takes time.
func (w *Worker) cleared(batch *batcher.Batch[waiter]) {
	w.quota.Accepted(kindOf(batch.Group))
	w.mu.Lock()
	w.batcher.Cleared(batch)
	w.mu.Unlock()
	wait.Signal(w.wake)
}

// end ends every target of a batch with EdgeOne's refusal, which is not for one of them.
func (w *Worker) end(ctx context.Context, batch *batcher.Batch[waiter], err error) {
	w.mu.Lock()
	w.batcher.Drop(batch)
	w.mu.Unlock()
	wait.Signal(w.wake)
	w.refuseBatch(ctx, batch, err)
}

// mark notes that a batch may have been carried out, though its answer is lost: it did go out in time.
func (w *Worker) mark(batch *batcher.Batch[waiter], sent time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range batch.Slots {
		for _, p := range s.Waiters {
			p.Submitted(sent)
		}
	}
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
