package worker

import (
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
)

// logCall writes the one line of a call. Its keys are always the same, except the error, because
// people search by them (docs/operating.md).
func (w *Worker) logCall(
	batch *batcher.Batch[waiter], class edgeone.Class, created edgeone.Created, err error, sent time.Time,
) {
	lane, refused := purge.Bulk, 0
	if batch.Urgent {
		lane = purge.Interactive
	}
	for _, r := range created.Refused {
		refused += len(r.Targets)
	}
	log := w.Log.With(
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
