package inbox

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

const (
	// A lane is pulled only when at least minRoom targets, or one in minShare of its budget, are
	// free, so that a nearly full one does not cause tiny pulls. Of a small budget one in maxShare
	// is enough: what waits for a stalled zone may take up to half of it.
	minRoom, minShare, maxShare = 100, 50, 4
	// pullTurn is how long one pull waits, and so how soon a pause or an exhausted day ends
	// pulling. The pull that the broker knows of goes on.
	pullTurn = 300 * time.Millisecond
	// sameEvery is how often a lane without room checks whether its stream was made anew.
	sameEvery = time.Second
	// pullRetry is the time between two pulls that fail.
	pullRetry = 100 * time.Millisecond
)

// Puller pulls from one consumer. Pull and Stop are for one goroutine; the others are safe for
// concurrent use.
type Puller struct {
	in       *Inbox
	name     string
	lane     purge.Lane // on whose budget its messages count
	queue    *record.Queue
	consumer Consumer
	room     func() int // nil for a lane: the budget decides

	begun     bool      // Pull has looked for what the last leader left
	shortened time.Time // when AckWait was shortened; zero while it is the consumer's own

	// The Inbox's lock guards the following.
	ackWait   time.Duration // in force in the broker
	heartbeat time.Time     // when the last heartbeats were sent
	due       bool          // they are sent now
	unacked   int           // its messages in the table
	stopped   bool
}

// Lane adds the consumer of a lane.
func (b *Inbox) Lane(lane purge.Lane, from Consumer) *Puller {
	return b.puller(&Puller{name: string(lane), lane: lane, consumer: from})
}

// Queue adds the consumer of a queue of parked requests. room is called without a lock; it returns
// how many targets may be pulled now.
func (b *Inbox) Queue(q record.Queue, from Consumer, room func() int) *Puller {
	name := "queue " + q.Zone + " " + record.TypeName(q.Type)
	return b.puller(&Puller{name: name, lane: q.Lane, queue: &q, consumer: from, room: room})
}

func (b *Inbox) puller(p *Puller) *Puller {
	p.in, p.ackWait = b, p.consumer.AckWait()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pullers = append(b.pullers, p)
	return p
}

// Name names the lane or queue in logs and in stored records. It does not change between versions.
func (p *Puller) Name() string { return p.name }

// Lane returns the lane on whose budget the messages count.
func (p *Puller) Lane() purge.Lane { return p.lane }

// Queue returns the queue that is pulled from, nil for a lane.
func (p *Puller) Queue() *record.Queue { return p.queue }

// Unacked counts the messages of the consumer that are in the table.
func (p *Puller) Unacked() int {
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	return p.unacked
}

// Pull waits until there is room and returns what has come. A queue returns nothing when nothing
// came for pullTurn. When ctx ends it returns nothing and no error, or the last messages that came.
// Errors are [record.ErrGone], and those of the first attempt to find out what the last leader
// left.
func (p *Puller) Pull(ctx context.Context) ([]Delivery, error) {
	if err := p.takeOver(ctx); err != nil {
		return nil, endOf(ctx, err)
	}
	for ctx.Err() == nil {
		p.restoreAckWait(ctx)
		room, enough := p.roomNow()
		if room < enough {
			if err := p.await(ctx); err != nil {
				return nil, err
			}
			continue
		}
		messages, err := p.pullOnce(ctx, room)
		if errors.Is(err, record.ErrGone) {
			return nil, err
		}
		if len(messages) > 0 || err == nil && p.queue != nil {
			return p.in.add(p, messages), nil
		}
		if err != nil && ctx.Err() == nil {
			p.in.cfg.Log.Debug("pull brought nothing", zap.String("intake", p.name), zap.Error(err))
			wait.Sleep(ctx, pullRetry)
		}
	}
	return nil, nil
}

// Stop ends the open pull and releases what it brought that Pull did not return. Messages in the
// table stay there.
func (p *Puller) Stop() {
	p.releaseRest()
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	p.stopped = true
}

func (p *Puller) releaseRest() {
	rest := p.consumer.Rest()
	receipts := make([]*Receipt, len(rest))
	for i, d := range p.in.add(p, rest) {
		receipts[i] = d.Receipt
	}
	p.in.Release(receipts)
}

// pullOnce waits for one turn; that nothing came within it is no error.
func (p *Puller) pullOnce(ctx context.Context, room int) ([]record.Delivery, error) {
	turn, cancel := context.WithTimeout(ctx, pullTurn)
	defer cancel()
	messages, err := p.consumer.Pull(turn, room)
	if turn.Err() != nil {
		return messages, nil
	}
	return messages, err
}

// roomNow returns how many targets may be pulled now, and how many are enough to pull for.
func (p *Puller) roomNow() (room, enough int) {
	if p.in.Paused(p.lane) {
		return 0, 1
	}
	if p.room != nil {
		return p.room(), 1
	}
	budget := p.in.cfg.Budget
	size := budget.Size(p.lane)
	return budget.Room(p.lane), min(max(minRoom, size/minShare), max(1, size/maxShare))
}

// await waits until there may be room. Nobody asks the broker for messages meanwhile, so it checks
// whether their stream is still the one that the unacked ones are of. What has come and may not be
// taken is released.
func (p *Puller) await(ctx context.Context) error {
	after, freed := sameEvery, p.in.cfg.Budget.freed[p.lane]
	if p.queue != nil || p.in.Paused(p.lane) {
		p.releaseRest()
		after, freed = pullTurn, nil
	}
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-freed:
	case <-timer.C:
		if p.queue != nil {
			return nil
		}
		if err := p.consumer.Same(ctx); errors.Is(err, record.ErrGone) {
			return err
		}
	}
	return nil
}

// endOf returns nil for an error that only says that the context has ended.
func endOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the context ended: a clean stop
	}
	return err
}
