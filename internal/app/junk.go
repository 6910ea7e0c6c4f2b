package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/wait"
)

const (
	// junkEvery is how often the leader reads on in the streams that junk can lie in, junkMost how many messages
	// of a stream it reads each time: it may cost the work nothing, and a full stream is read within the hour.
	junkEvery = 5 * time.Second
	junkMost  = 1000
	// junkSaid is the least time between two lines about it; it doubles up to junkSeldom while more comes.
	junkSaid, junkSeldom = time.Minute, time.Hour
)

// junk counts what was removed from one stream, and says so less and less often.
type junk struct {
	next  uint64 // the sequence to read from
	count int    // removed since the last line
	due   time.Time
	pause time.Duration
}

// sweeper is a stream that can hold what is no record.
type sweeper interface {
	Sweep(ctx context.Context, from uint64, most int) (next uint64, removed int, past bool, err error)
}

// watchJunk removes what is no record from the streams of what is stored between steps, until the context ends.
func (a *App) watchJunk(ctx context.Context) {
	found := make(map[string]*junk)
	// The other streams are read as a whole anyway, or drop messages by age.
	swept := map[string]sweeper{"PARKED": a.broker.Parked, "PROGRESS": a.broker.Progress}
	for name := range swept {
		found[name] = &junk{next: 1}
	}
	for wait.Sleep(ctx, junkEvery) {
		for name, j := range found {
			a.sweep(ctx, swept[name], name, j)
		}
	}
}

func (a *App) sweep(ctx context.Context, in sweeper, name string, j *junk) {
	within, cancel := context.WithTimeout(ctx, junkEvery)
	defer cancel()
	next, removed, past, err := in.Sweep(within, j.next, junkMost)
	j.count += removed
	if err != nil && ctx.Err() == nil {
		a.log.Debug("stream not swept", zap.Error(err))
	}
	if j.next = next; past && err == nil {
		j.next = a.begin(name, next)
	}
	now := time.Now()
	if j.count == 0 || now.Before(j.due) {
		return
	}
	a.log.Warn("removed what is no record: somebody names the stream's subjects as those for the answers to a publish",
		zap.String("stream", a.broker.Conn.Subjects().Stream(name)), zap.Int("messages", j.count))
	j.pause = min(junkSeldom, max(junkSaid, 2*j.pause))
	j.due, j.count = now.Add(j.pause), 0
}

// begin returns where to read on: from the start where the stream was made anew with lower numbers.
func (a *App) begin(name string, next uint64) uint64 {
	a.streams.mu.Lock()
	defer a.streams.mu.Unlock()
	if now, ok := a.streams.known[name]; ok && now.Last+1 < next && now.Created.After(time.Now().Add(-time.Minute)) {
		return 1
	}
	return next
}
