package worker

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/adopt"
	"github.com/edgepurge/edgepurge/internal/edgeone"
)

// MarkKnown says, before Run, that an earlier leader made a job: it is none that a lost answer
// named.
func (w *Worker) MarkKnown(job string) { w.adopt.MarkKnown(job) }

// findJob looks for the job that a batch may have become although its answer is lost, and goes on
// with it as if the answer had named it. In doubt, or if there is none, the batch is sent again. It
// does not block.
func (w *Worker) findJob(
	ctx context.Context, batch *batcher.Batch[waiter], call *adopt.Call, lostBy error, sent time.Time,
) {
	lost := time.Now()
	w.adopt.Find(ctx, call, batch.Urgent, func(created edgeone.Created, found bool) {
		if !found {
			w.quota.Lost(kindOf(batch.Group), lostBy, sent, time.Now())
			w.again(batch, max(0, w.retryAfter(batch)-time.Since(lost)))
			return
		}
		w.Log.Info("job adopted, whose answer was lost", zap.String("job", created.JobID),
			zap.String("zone", batch.Group.Zone), typeField(batch.Group.Type),
			zap.Int("targets", len(batch.Slots)), zap.Duration("after", time.Since(lost)))
		w.Metrics.Adopted()
		w.cleared(batch)
		w.record(ctx, batch, created, sent)
	})
}
