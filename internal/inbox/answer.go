package inbox

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
)

const (
	// laterFirst and laterMax bound how long a message stays away that is released for later. It
	// doubles with each delivery.
	laterFirst, laterMax = 5 * time.Second, time.Minute
	// laterEach is between two messages that come again: however many there are, the lane has room
	// for others.
	laterEach = time.Millisecond
	// ackRetry is between two attempts to ack.
	ackRetry = 100 * time.Millisecond
)

// Ack acks messages, and tries until the broker has taken all of that. It returns the context's
// error, or [record.ErrGone] when the consumer of a lane does not exist any more or is another one:
// there a sequence number stands for another message, which an ack would take away (I2). After an
// error the messages are as they were. An ack that is lost costs a look-up when the message comes
// again, not a purge.
func (b *Inbox) Ack(ctx context.Context, receipts []*Receipt) error {
	open, replies := b.open(receipts)
	for len(open) > 0 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if b.cfg.Lease.Valid() {
			err := b.cfg.Acker.Ack(ctx, replies)
			if err == nil {
				b.answer(open)
				return nil
			}
			b.cfg.Log.Debug("not acked, trying again", zap.Error(err))
			if err := b.gone(ctx); err != nil {
				return err
			}
		}
		wait.Sleep(ctx, ackRetry)
	}
	return nil
}

// open returns the receipts that are not answered, and their reply subjects.
func (b *Inbox) open(receipts []*Receipt) (open []*Receipt, replies []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	open = make([]*Receipt, 0, len(receipts))
	replies = make([]string, 0, len(receipts))
	for _, r := range receipts {
		if !r.answered {
			open, replies = append(open, r), append(replies, r.reply)
		}
	}
	return open, replies
}

// answer takes messages out of the table, whichever of their deliveries is acked.
func (b *Inbox) answer(receipts []*Receipt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range receipts {
		r.answered = true
		b.remove(r)
	}
}

// gone returns [record.ErrGone] when the consumer of a lane is not the one that was pulled from.
func (b *Inbox) gone(ctx context.Context) error {
	b.mu.Lock()
	pullers := slices.Clone(b.pullers)
	b.mu.Unlock()
	for _, p := range pullers {
		if p.queue != nil {
			continue
		}
		if err := p.consumer.Same(ctx); errors.Is(err, record.ErrGone) {
			return err
		}
	}
	return nil
}

// Release gives messages back to the broker, to come again at once. Without the lease they come
// again after AckWait.
func (b *Inbox) Release(receipts []*Receipt) { b.nak(b.take(receipts)) }

// ReleaseAll does the same with everything that is in the table.
func (b *Inbox) ReleaseAll() {
	b.mu.Lock()
	var all []*Receipt
	for _, t := range []table{b.lanes, b.parked} {
		for _, r := range t {
			all = append(all, r)
		}
	}
	b.mu.Unlock()
	b.Release(all)
}

// Forget takes messages out of the table without an answer: they come again after AckWait.
func (b *Inbox) Forget(receipts []*Receipt) { b.take(receipts) }

// take takes deliveries out of the table and returns those that were not answered before. Where the
// message was delivered once more since, that delivery stays.
func (b *Inbox) take(receipts []*Receipt) (taken []*Receipt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range receipts {
		if r.answered || b.table(r.from)[r.sequence] != r {
			continue
		}
		r.answered = true
		b.remove(r)
		taken = append(taken, r)
	}
	return taken
}

func (b *Inbox) nak(receipts []*Receipt) {
	if len(receipts) == 0 || !b.cfg.Lease.Valid() {
		return
	}
	if err := b.cfg.Acker.Nak(replies(receipts)); err != nil {
		b.cfg.Log.Warn("messages not given back; they come again by themselves", zap.Error(err))
		return
	}
	b.cfg.Log.Info("gave back what was not sent", zap.Int("messages", len(receipts)))
}

// ReleaseLater gives messages back to the broker, to come again later: the longer, the more often
// they were delivered, and not all at once. It does not block. Where the broker does not get it, or
// without the lease, they come again after AckWait.
func (b *Inbox) ReleaseLater(receipts []*Receipt) {
	taken := b.take(receipts)
	byCount := make(map[int][]*Receipt)
	for _, r := range taken {
		byCount[r.count] = append(byCount[r.count], r)
	}
	for count, lot := range byCount {
		after := b.later(time.Now(), count, len(lot))
		if !b.cfg.Lease.Valid() {
			continue
		}
		if err := b.cfg.Acker.NakLater(replies(lot), after); err != nil {
			b.cfg.Log.Debug("messages not put off; they come again by themselves", zap.Error(err))
		}
	}
}

// later returns after how long n messages come again that were delivered so often.
func (b *Inbox) later(now time.Time, count, n int) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	after := min(laterMax, laterFirst<<min(max(0, count-1), 8))
	after = max(after, b.laterAt.Sub(now))
	b.laterAt = now.Add(after + time.Duration(n)*laterEach)
	return after
}

func replies(receipts []*Receipt) []string {
	all := make([]string, len(receipts))
	for i, r := range receipts {
		all[i] = r.reply
	}
	return all
}
