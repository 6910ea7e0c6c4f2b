package quarantine

import (
	"context"
	"maps"
	"slices"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/wait"
)

// handleTogether handles messages of which nothing is known. If the process ends before it is
// stored that they have ended, each is handled alone the next time.
func (q *Quarantine[M]) handleTogether(stop, work context.Context, messages []M) {
	names := make([]string, len(messages))
	for i, m := range messages {
		names[i] = q.cfg.Owner.Name(m)
	}
	if err := q.cfg.Ledger.BeginTogether(work, names); err != nil {
		return // the context has ended: the messages come again
	}
	q.cfg.Log.Warn("messages that were delivered often are handled apart", zap.Int("messages", len(messages)))
	q.cfg.Owner.Handle(work, messages)
	wait.Sleep(stop, watchFor)
	q.end(work, names...)
}

// handleAlone handles one message of those that were begun and never ended, or ends it unread.
func (q *Quarantine[M]) handleAlone(stop, work context.Context, m M) {
	name := q.cfg.Owner.Name(m)
	times, err := q.cfg.Ledger.BeginAlone(work, name)
	if err != nil {
		return // the context has ended: the message comes again
	}
	q.cfg.Owner.Isolated(m, times)
	if times > MaxAlone {
		q.cfg.Owner.EndUnread(work, m)
	} else {
		q.cfg.Owner.Handle(work, []M{m})
		wait.Sleep(stop, watchFor)
	}
	q.end(work, name)
}

// forget ends what did not come again.
func (q *Quarantine[M]) forget(ctx context.Context) {
	q.end(ctx, slices.Collect(maps.Keys(q.begun))...)
	clear(q.begun)
}

func (q *Quarantine[M]) end(ctx context.Context, names ...string) {
	if err := q.cfg.Ledger.EndAlone(ctx, names...); err != nil && ctx.Err() == nil {
		q.cfg.Log.Error("messages handled apart are not noted as such", zap.Error(err))
	}
}
