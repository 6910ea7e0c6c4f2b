package inbox

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/wait"
)

// heartbeatEvery is below a third of the shortest AckWait, that of a take-over.
const heartbeatEvery = 300 * time.Millisecond

// Run sends heartbeats for the messages in the table until ctx ends.
func (b *Inbox) Run(ctx context.Context) {
	for wait.Sleep(ctx, heartbeatEvery) {
		replies := b.dueHeartbeats(time.Now())
		if len(replies) == 0 || !b.cfg.Lease.Valid() {
			continue
		}
		if err := b.cfg.Acker.InProgress(replies); err != nil {
			b.cfg.Log.Debug("heartbeats not sent", zap.Error(err))
		}
	}
}

// dueHeartbeats returns the messages of the consumers that had no heartbeat for a third of their
// AckWait.
func (b *Inbox) dueHeartbeats(now time.Time) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pullers = slices.DeleteFunc(b.pullers, func(p *Puller) bool {
		return p.queue != nil && p.stopped && p.unacked == 0
	})
	some := false
	for _, p := range b.pullers {
		if p.due = now.Sub(p.heartbeat) >= p.ackWait/3; p.due {
			p.heartbeat = now
			some = some || p.unacked > 0
		}
	}
	if !some {
		return nil
	}
	var replies []string
	for _, t := range []table{b.lanes, b.parked} {
		for _, r := range t {
			if r.from.due {
				replies = append(replies, r.reply)
			}
		}
	}
	return replies
}
