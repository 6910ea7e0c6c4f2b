package quarantine

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/wait"
)

const (
	// MaxDeliveries is how often a message may be delivered and still be handled among others.
	MaxDeliveries = 5
	// MaxAlone is how often a message may be begun alone and never ended.
	MaxAlone = 5

	// maxTogether is how many messages are handled together.
	maxTogether = 500
	// watchFor is how long the process is watched after messages were handled: what ends it does so
	// at once.
	watchFor = 100 * time.Millisecond
	// forgetAfter is how long it is remembered of messages that do not come again that they were
	// begun and never ended: one that was acked just before a crash never comes. One that comes
	// later counts anew.
	forgetAfter = time.Hour
)

// Ledger stores which messages are begun and not ended. Each method tries until its context ends,
// and fails only then.
type Ledger interface {
	// Alone returns the messages that were begun and never ended, and how often each was begun
	// alone.
	Alone(ctx context.Context) (map[string]int, error)
	BeginTogether(ctx context.Context, names []string) error
	// BeginAlone returns how often the message was begun alone and never ended, this time included.
	BeginAlone(ctx context.Context, name string) (times int, err error)
	EndAlone(ctx context.Context, names ...string) error
}

// Owner is whose messages M are in quarantine. Handle, Isolated, EndUnread and Release are called
// from the goroutine of Run, one at a time.
type Owner[M any] interface {
	// Name returns the same for each delivery of a message, and never the name of another one.
	Name(m M) string
	// Deliveries returns how often the message was delivered, this time included.
	Deliveries(m M) int
	// Held says that the quarantine holds n more messages, or fewer if n is negative.
	Held(n int)
	// Handle does with messages what is done with those that Divert returns. It returns when each
	// is held or done, or ctx has ended.
	Handle(ctx context.Context, messages []M)
	// Isolated says that a message is about to be handled alone, or ended unread, for so many
	// times.
	Isolated(m M, times int)
	// EndUnread ends a message that ended the process MaxAlone times when it was handled alone. It
	// must not read what the message contains.
	EndUnread(ctx context.Context, m M)
	// Release gives messages back to the broker.
	Release(messages []M)
}

// Config is what a Quarantine works with.
type Config[M any] struct {
	Ledger Ledger
	Owner  Owner[M]
	Log    *zap.Logger
}

// Quarantine has the messages that wait to be handled apart from others. Divert is safe for
// concurrent use; Run is called once.
type Quarantine[M any] struct {
	cfg  Config[M]
	wake chan struct{} // capacity 1: a message waits

	begun map[string]int // begun and never ended -> how often alone; of Run's goroutine

	mu      sync.Mutex
	waiting []M
}

// New returns a Quarantine without messages.
func New[M any](cfg Config[M]) *Quarantine[M] {
	return &Quarantine[M]{cfg: cfg, wake: make(chan struct{}, 1)}
}

// Divert keeps the messages that were delivered too often, for Run to handle, and returns the
// others.
func (q *Quarantine[M]) Divert(messages []M) []M {
	others := make([]M, 0, len(messages))
	var often []M
	for _, m := range messages {
		if q.cfg.Owner.Deliveries(m) > MaxDeliveries {
			often = append(often, m)
		} else {
			others = append(others, m)
		}
	}
	if len(often) > 0 {
		q.cfg.Owner.Held(len(often))
		q.mu.Lock()
		q.waiting = append(q.waiting, often...)
		q.mu.Unlock()
		wait.Signal(q.wake)
	}
	return others
}

// Run handles the messages that Divert keeps, until stop ends, and then releases the rest. What is
// done for them ends with work, which ends no sooner than stop.
func (q *Quarantine[M]) Run(stop, work context.Context) {
	defer q.releaseRest()
	var err error
	if q.begun, err = q.cfg.Ledger.Alone(work); err != nil {
		return // the context has ended: the messages come again
	}
	forget := time.NewTimer(forgetAfter)
	defer forget.Stop()
	for stop.Err() == nil {
		messages, alone := q.next()
		switch {
		case alone:
			q.handleAlone(stop, work, messages[0])
		case len(messages) > 0:
			q.handleTogether(stop, work, messages)
		default:
			select {
			case <-stop.Done():
			case <-q.wake:
			case <-forget.C:
				q.forget(work)
			}
		}
		q.remove(len(messages))
	}
}

// next returns the first message that waits, and that it must be handled alone, if it was begun
// before and never ended. Otherwise it returns the messages up to the next such one.
func (q *Quarantine[M]) next() (messages []M, alone bool) {
	q.mu.Lock()
	messages = slices.Clone(q.waiting[:min(len(q.waiting), maxTogether)])
	q.mu.Unlock()
	for i, m := range messages {
		if _, ok := q.begun[q.cfg.Owner.Name(m)]; ok {
			return messages[:max(i, 1)], i == 0
		}
	}
	return messages, false
}

// remove takes the first n messages out, which were handled or come again.
func (q *Quarantine[M]) remove(n int) {
	if n == 0 {
		return
	}
	q.mu.Lock()
	q.waiting = slices.Delete(q.waiting, 0, n)
	q.mu.Unlock()
	q.cfg.Owner.Held(-n)
}

func (q *Quarantine[M]) releaseRest() {
	q.mu.Lock()
	rest := q.waiting
	q.waiting = nil
	q.mu.Unlock()
	if len(rest) > 0 {
		q.cfg.Owner.Held(-len(rest))
		q.cfg.Owner.Release(rest)
	}
}
