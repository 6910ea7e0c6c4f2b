package inbox

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// AckWait is shortened for at least shortLeast and at most shortMost, so that what the last leader
// held comes.
const shortLeast, shortMost = time.Second, 10 * time.Second

// takeOver makes the messages that the last leader held come at once, rather than after AckWait.
// There is no need where it drained, because then it has released them.
func (p *Puller) takeOver(ctx context.Context) error {
	if p.begun {
		return nil
	}
	_, held, err := p.consumer.Depth(ctx)
	if err != nil {
		return err
	}
	if held == 0 || p.in.cfg.HandedOver {
		if err := p.consumer.RestoreAckWait(ctx); err != nil { // a take-over may have been cut short
			return err
		}
		p.begun = true
		return nil
	}
	short, err := p.consumer.ShortenAckWait(ctx)
	if err != nil {
		return err
	}
	p.setAckWait(short)
	p.in.cfg.Log.Info("taking over what the last leader held", zap.String("intake", p.name), zap.Int("messages", held))
	p.begun, p.shortened = true, time.Now()
	return nil
}

// restoreAckWait restores the consumer's own AckWait once everything that the last leader held has
// come again. Restoring it sooner would put the rest off by a whole AckWait.
func (p *Puller) restoreAckWait(ctx context.Context) {
	since := time.Since(p.shortened)
	if p.shortened.IsZero() || since < shortLeast {
		return
	}
	if _, held, err := p.consumer.Depth(ctx); since < shortMost && (err != nil || held > p.Unacked()) {
		return
	}
	if p.consumer.RestoreAckWait(ctx) == nil {
		p.setAckWait(p.consumer.AckWait())
		p.shortened = time.Time{}
	}
}

func (p *Puller) setAckWait(d time.Duration) {
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	p.ackWait = d
}
