package worker

import (
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/wait"
)

// part is a batch of some of another's slots.
func part(batch *batcher.Batch[waiter], slots []*batcher.Slot[waiter]) *batcher.Batch[waiter] {
	return &batcher.Batch[waiter]{Group: batch.Group, Slots: slots, Urgent: batch.Urgent, Since: batch.Since, Tries: batch.Tries}
}

// postpone keeps a batch, and all of its zone and type, until the day has room for it.
func (w *Worker) postpone(batch *batcher.Batch[waiter], sent time.Time) {
	now := time.Now()
	most := w.quota.DayRefused(kindOf(batch.Group), len(batch.Slots), sent, now)
	w.mu.Lock()
	batch.Tries-- // not executed: not a try
	if most > 0 && len(batch.Slots) > most {
		left, right := batch.Halve()
		w.batcher.Return(left, now)
		batch = right
	}
	w.batcher.Return(batch, now)
	w.mu.Unlock()
	wait.Signal(w.wake)
}

// setAside takes those targets out of a batch that EdgeOne accepted which it lists as refused because
// the day is exhausted: they are not at fault, and wait for the next day. The rest is nil when there are
// none.
func (w *Worker) setAside(batch *batcher.Batch[waiter], out refusedTargets) (taken, rest *batcher.Batch[waiter]) {
	late := make(map[string]bool)
	for target, reason := range out.reasons {
		if isDayRefusal(reason) {
			late[target] = true
		}
	}
	if len(late) == 0 {
		return batch, nil
	}
	var now, later []*batcher.Slot[waiter]
	for _, s := range batch.Slots {
		if late[s.Target] {
			later = append(later, s)
			continue
		}
		now = append(now, s)
	}
	if len(later) == 0 {
		return batch, nil
	}
	w.Log.Warn("batch accepted in part: the day is exhausted", zap.String("zone", batch.Group.Zone),
		typeField(batch.Group.Type), zap.Int("accepted", len(now)), zap.Int("kept", len(later)))
	return part(batch, now), part(batch, later)
}

// isDayRefusal reports whether EdgeOne's reason for the refusal of a target is the daily quota. The
// list has no codes; the words are those of LimitExceeded.DailyQuota (EdgeOne API docs, in English and
// Chinese), its name, and the FailType of a task.
func isDayRefusal(reason string) bool {
	reason = strings.ToLower(reason)
	for _, word := range []string{"daily", "quotaexceeded", "每日", "每天", "当日", "今日"} {
		if strings.Contains(reason, word) {
			return true
		}
	}
	return false
}
