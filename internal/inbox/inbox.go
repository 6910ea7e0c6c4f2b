package inbox

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// Consumer is what messages are pulled from: that of a lane, or of a queue of parked requests.
// Errors pass by themselves unless the context has ended or they are [record.ErrGone]. Pull and
// Rest are for one goroutine, the others are safe for concurrent use.
type Consumer interface {
	// Pull waits for the first delivery and returns those that have arrived, at most room.
	Pull(ctx context.Context, room int) ([]record.Delivery, error)
	// Rest ends the open pull and returns what it brought that Pull did not return.
	Rest() []record.Delivery
	AckWait() time.Duration
	// Same returns nil while the consumer is the one that was bound to.
	Same(ctx context.Context) error
	// Depth counts the messages that wait and those that are delivered but not acked.
	Depth(ctx context.Context) (waiting, held int, err error)
	// ShortenAckWait returns the AckWait in force from then on; RestoreAckWait restores the
	// consumer's own.
	ShortenAckWait(ctx context.Context) (time.Duration, error)
	RestoreAckWait(ctx context.Context) error
}

// Acker answers deliveries by their reply subjects, whatever consumer they came by.
type Acker interface {
	// Ack returns nil when the broker has taken all of them.
	Ack(ctx context.Context, replies []string) error
	InProgress(replies []string) error
	Nak(replies []string) error
	// NakLater has the deliveries come again after wait. It does not block.
	NakLater(replies []string, wait time.Duration) error
}

// Lease says whether this replica may answer the broker now (I3).
type Lease interface{ Valid() bool }

// Config is what an Inbox works with.
type Config struct {
	Acker      Acker
	Lease      Lease
	Budget     *Budget
	HandedOver bool // the last leader drained: it left nothing unacked
	Log        *zap.Logger
}

// Inbox has the messages of one account that were pulled and are not answered. All methods are safe
// for concurrent use.
type Inbox struct {
	cfg Config

	mu      sync.Mutex
	pullers []*Puller
	lanes   table // of the stream of requests
	parked  table // of the stream of parked requests
	paused  map[purge.Lane]bool
	laterAt time.Time // when the last message comes again of those that were released for later
}

// New returns an Inbox that pulls from nothing yet.
func New(cfg Config) *Inbox {
	return &Inbox{cfg: cfg, lanes: make(table), parked: make(table), paused: make(map[purge.Lane]bool)}
}

// Pause stops the pulls that count on the budget of a lane, or resumes them. It reports whether
// that is a change. A pull that is under way ends within a third of a second.
func (b *Inbox) Pause(lane purge.Lane, on bool) (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	changed = b.paused[lane] != on
	b.paused[lane] = on
	return changed
}

// Paused reports whether a lane is paused.
func (b *Inbox) Paused(lane purge.Lane) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.paused[lane]
}
