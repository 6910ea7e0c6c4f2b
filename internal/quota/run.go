package quota

import (
	"context"
	"time"
)

// Run reads the quotas of the zones in use until ctx ends: at first sight, now and then, and when a
// call was refused for one. A reading that fails means that they are unknown, not zero.
func (g *Gate) Run(ctx context.Context) {
	for {
		zones, next := g.dueAt(time.Now())
		for _, zone := range zones {
			if !g.readZone(ctx, zone) {
				return
			}
		}
		if len(zones) > 0 {
			_, next = g.dueAt(time.Now())
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
		case <-g.wake:
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// readZone reads the quotas of one zone, and reports false when the context has ended.
func (g *Gate) readZone(ctx context.Context, zone string) bool {
	if g.cfg.Pace(ctx) != nil {
		return false
	}
	g.ask(zone, time.Now())
	byType, err := g.cfg.API.Quotas(ctx, zone)
	if ctx.Err() != nil {
		return false
	}
	now := time.Now()
	if trouble := g.trouble(zone, now); err != nil {
		trouble.Failed(err)
		byType = nil
	} else {
		trouble.Over()
	}
	g.set(zone, byType, now)
	return true
}
