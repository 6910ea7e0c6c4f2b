package limiter

import "time"

// Set changes the limit; 0 means none. The spacing changes from the last send on, and a margin that
// refusals have widened stays, up to half the new limit. Where there was no limit nobody knows what was
// sent in the last window, and calls wait for one.
func (l *Limiter) Set(perSecond float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if perSecond == l.perSecond {
		return
	}
	spacing, margin := l.spacing(), l.margin
	l.space(perSecond)
	switch {
	case l.interval == 0:
	case spacing == 0:
		l.held = later(l.held, time.Now().Add(window))
	default:
		l.margin = min(max(margin, jitter), l.most())
		l.due = l.due.Add(l.spacing() - spacing)
	}
}

// Throttled reports that the API refused a call as too fast. sent is when that call went out, or shortly
// before.
//
// A lone refusal proves that its window was full by one, not that a second must pass: the next slots stay,
// and the least margin widens by half. A wider one doubles, up to half the limit, because the refusal before
// was a short while ago. Refusals in a row prove that something else sends too, or that many calls arrive
// late: they hold all calls, longer each time, up to one window. Calls that were on their way when the last
// refusal came add nothing to it. Whether EdgeOne counts a refused call is unknown: here each call that went
// out counts, refused or not.
func (l *Limiter) Throttled(sent time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	switch {
	case l.interval == 0: // there are no slots
		l.held = later(l.held, now.Add(window))
		return
	case sent.Before(l.refused) || now.Before(l.held):
		return
	case sent.Sub(l.refused) >= window && (l.inRow < len(holds) || l.margin <= calm):
		l.inRow = 0
	}
	widened := 2 * l.margin
	if l.margin == jitter {
		widened = l.margin * 3 / 2
	}
	l.margin = min(widened, l.most())
	l.held = later(l.held, now.Add(holds[min(l.inRow, len(holds)-1)]))
	l.inRow++
	l.refused, l.changed = now, now
}

// narrow takes a quarter off the margin for a quiet while, down to the least.
func (l *Limiter) narrow(now time.Time) {
	if l.margin <= jitter || now.Sub(l.changed) < quiet {
		return
	}
	l.margin = max(jitter, l.margin*3/4)
	l.changed = now
}

// most is the widest margin: it leaves half the limit.
func (l *Limiter) most() time.Duration { return l.interval * time.Duration(l.perWindow) }

// Pace tells how calls are spaced: the calls a second that the limit allows, the time from one to the
// next as it is now, and the margin that is in it. All are 0 without a limit.
func (l *Limiter) Pace() (limit float64, spacing, margin time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	spacing = l.spacing()
	return l.perSecond, spacing, spacing - l.interval
}

// Spacing is the time from one send to the next as it is now; 0 without a limit.
func (l *Limiter) Spacing() time.Duration {
	_, spacing, _ := l.Pace()
	return spacing
}
