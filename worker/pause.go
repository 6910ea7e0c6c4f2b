package worker

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

// pauseEvery is how often the stored pauses are read: one reaches every replica within a second,
// with the time that a pull may take.
const pauseEvery = 400 * time.Millisecond

// watchPauses keeps to the stored pauses. While they can't be read the last reading counts.
func (w *Worker) watchPauses(ctx context.Context) {
	for wait.Sleep(ctx, pauseEvery) {
		if err := w.readPauses(ctx); err != nil && ctx.Err() == nil {
			w.log.Debug("pauses not read", zap.Error(err))
		}
	}
}

// firstPauses reads the pauses before anything is pulled. It tries until the context ends.
func (w *Worker) firstPauses(ctx context.Context) error {
	unread := w.troubles.On("pauses could not be read, trying again", "")
	for {
		err := w.readPauses(ctx)
		if err == nil {
			unread.Over()
			return nil
		}
		unread.Failed(err)
		if !wait.Sleep(ctx, pauseEvery) {
			return context.Cause(ctx)
		}
	}
}

func (w *Worker) readPauses(ctx context.Context) error {
	paused, err := w.paused(ctx)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, lane := range []purge.Lane{purge.Interactive, purge.Bulk} {
		_, now := paused[lane]
		if w.table.inbox.Pause(lane, now) {
			w.log.Info("lane paused or resumed", zap.String("lane", string(lane)), zap.Bool("paused", now))
		}
		w.batcher.Pause(lane, now)
	}
	wait.Signal(w.line.wake)
	return nil
}
