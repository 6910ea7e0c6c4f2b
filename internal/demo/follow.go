package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/edgepurge/edgepurge/client"
	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
	"github.com/edgepurge/edgepurge/internal/metrics"
	"github.com/edgepurge/edgepurge/internal/summary"
	"github.com/edgepurge/edgepurge/purge"
)

const (
	// maxWait is how far away the next day of the quota may be for a demo to wait for it.
	maxWait = 5 * time.Minute
	// lookEvery is how often it is looked what the list waits for.
	lookEvery = 250 * time.Millisecond
	// quiet is how long nothing must have happened, and no job be at work, before the rest is taken to wait for the
	// quota alone. The state that is looked at is up to a second old.
	quiet = 2 * time.Second
)

// list is what becomes of the requests.
type list struct {
	cfg   Config
	api   *emulator.Emulator
	state func() metrics.State

	mu    sync.Mutex
	tally *summary.Tally
	waits string
}

// follow counts the terminal events until every request has its own, or the rest waits for a day that is too far away.
func (l *list) follow(ctx context.Context, c *client.Client) error {
	if l.tally.Requests == 0 {
		return nil
	}
	ctx, stop := context.WithCancelCause(ctx)
	var looks sync.WaitGroup
	looks.Go(func() { l.watch(ctx, stop) })
	err := l.read(ctx, c)
	stop(nil)
	looks.Wait()
	if cause := context.Cause(ctx); errors.Is(cause, ErrWaits) {
		return cause
	}
	return err
}

func (l *list) read(ctx context.Context, c *client.Client) error {
	for e, err := range c.Events(ctx, client.From{}) {
		if err != nil {
			return err
		}
		ended := l.count(e.Data)
		l.report()
		if ended == l.tally.Requests {
			break
		}
	}
	return nil
}

// count notes how a request ended, and returns how many have.
func (l *list) count(o purge.Outcome) int {
	ended, failure, listed := l.note(o)
	if listed && l.cfg.Failed != nil {
		l.cfg.Failed(failure)
	}
	return ended
}

func (l *list) note(o purge.Outcome) (ended int, failure summary.Failure, listed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if o.Status == purge.Completed {
		l.tally.Complete()
	} else {
		failure, listed = l.tally.Fail(urlOf(l.cfg.URLs, o.Request), o)
	}
	return l.tally.Ended(), failure, listed
}

func (l *list) report() {
	l.mu.Lock()
	ended, waits := l.tally.Ended(), l.waits
	l.mu.Unlock()
	if l.cfg.Progress != nil {
		l.cfg.Progress(ended, l.tally.Requests, waits)
	}
}

// watch notices when the quota of the day is exhausted, and ends the demo once all else is done and the next day is
// far away.
func (l *list) watch(ctx context.Context, stop context.CancelCauseFunc) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	last, since := -1, time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		until, exhausted := l.api.Exhausted()
		done := l.look(until, exhausted)
		l.report()
		if done != last || !exhausted || l.working() {
			last, since = done, time.Now()
		}
		if time.Since(since) >= quiet && time.Until(until) > maxWait {
			stop(ErrWaits)
			return
		}
	}
}

// look writes down what the rest waits for, and returns how many have ended.
func (l *list) look(until time.Time, exhausted bool) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	ended := l.tally.Ended()
	l.waits = ""
	if exhausted && ended < l.tally.Requests {
		l.waits = fmt.Sprintf("the daily quota of %d targets is exhausted until %s (in %s)", l.cfg.Emulator.DailyQuota,
			until.Format(time.RFC3339), short(time.Until(until)))
	}
	return ended
}

// working reports whether jobs are in flight.
func (l *list) working() bool {
	for _, n := range l.state().Jobs {
		if n > 0 {
			return true
		}
	}
	return false
}

func (l *list) summary() Summary {
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := Summary{Counts: l.tally.Counts, Failures: l.tally.Failures}
	if sum.Pending > 0 {
		sum.Waits = l.waits
	}
	return sum
}

// short is a duration in whole seconds, or minutes where it is long.
func short(d time.Duration) string {
	if d > time.Hour {
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return max(time.Second, d.Round(time.Second)).String()
}
