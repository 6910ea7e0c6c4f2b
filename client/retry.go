package client

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// defaultAbsence is how long nobody may answer for a stream before it counts as missing. It must outlast the choice of a
	// new leader in a cluster, which nats-server begins after 4 to 9 s without the old one.
	defaultAbsence = 15 * time.Second
	// firstPause and lastPause are between tries that were refused for now; each is twice the one before.
	firstPause = 50 * time.Millisecond
	lastPause  = 2 * time.Second
	// refusedWithin is how long a try waits for its answer before it asks whether the server refused it.
	refusedWithin = 100 * time.Millisecond
	// duplicatePause is the least between two tries of which the first was taken for a duplicate: more than the duplicate
	// window of the stream, 100 ms. With maxDuplicates tries that is about 11 s.
	duplicatePause = 200 * time.Millisecond
	maxDuplicates  = 10
)

// insist makes tries until one succeeds, fails for good, or the context ends. They ask for a stream, by a subject.
func (c *shared) insist(ctx context.Context, stream, subject string, try func(context.Context) error) error {
	var last error
	duplicates := 0
	var nobody time.Time // since when nobody answers for the stream
	for wait := firstPause; ctx.Err() == nil; wait = min(2*wait, lastPause) {
		err := c.unlessRefused(ctx, c.nc.LastError(), subject, try)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			break
		}
		if err := c.hopeless(err, subject); err != nil {
			return err
		}
		if errors.Is(err, ErrDuplicate) {
			if duplicates++; duplicates == maxDuplicates {
				return err
			}
			wait = max(wait, duplicatePause) // beyond the stream's window
		}
		if !errors.Is(err, errNobody) {
			nobody = time.Time{}
		} else if nobody.IsZero() {
			nobody = time.Now()
		} else if time.Since(nobody) >= c.cfg.Absence {
			return fmt.Errorf("%s: %w; run `edgepurge setup`, or start a worker", c.subjects.Stream(stream), ErrNoStream)
		}
		last = err
		if err := c.before(ctx, err, wait); err != nil && ctx.Err() == nil {
			return err
		}
	}
	if last == nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("%w (%w)", context.Cause(ctx), last)
}

// hopeless gives the error that a try ended with if another one would end so too.
func (c *shared) hopeless(err error, subject string) error {
	if !again(err) {
		return err
	}
	if errors.Is(err, errSilent) {
		return c.denied(subject)
	}
	return nil
}

// before waits for the right time of the next try.
func (c *shared) before(ctx context.Context, last error, wait time.Duration) error {
	if err := c.line.connected(ctx); err != nil || errors.Is(last, errSilent) || errors.Is(last, errLost) {
		return err
	}
	return pause(ctx, nil, wait)
}

// unlessRefused makes a try, and ends it early when the server refuses this connection a right to the subject: a server
// drops what it refuses, so that no answer comes. It reports the refusal before it answers what was sent later. before is
// the connection's last error before anything was sent: a refusal that it has since then.
func (c *shared) unlessRefused(ctx context.Context, before error, subject string, try func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(refusedWithin, func() {
		bounded, stop := context.WithTimeout(ctx, c.cfg.Timeout)
		defer stop()
		if c.nc.FlushWithContext(bounded) != nil || c.nc.LastError() == before { //nolint:errorlint // another refusal is another value
			return
		}
		if err := c.denied(subject); err != nil {
			cancel(err)
		}
	})
	defer timer.Stop()
	err := try(ctx)
	if refusal := context.Cause(ctx); err != nil && errors.Is(refusal, ErrDenied) {
		return refusal
	}
	return err
}
