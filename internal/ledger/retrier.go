package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/trouble"
)

// retrier repeats what did not succeed, and logs that once.
type retrier struct{ troubles *trouble.Log }

// untilDone retries an idempotent write until it is done or the context ends: to give up would lose
// something that only this process knows.
func (r retrier) untilDone(ctx context.Context, what string, op func() error) error {
	failing := r.troubles.On(what+" did not succeed, trying again", "")
	defer failing.Leave()
	b := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(20*time.Millisecond),
		backoff.WithMaxInterval(2*time.Second),
		backoff.WithMaxElapsedTime(0))
	err := backoff.RetryNotify(func() error {
		if ctx.Err() != nil {
			return backoff.Permanent(context.Cause(ctx))
		}
		return op()
	}, backoff.WithContext(b, ctx), func(err error, wait time.Duration) {
		failing.Failed(err, zap.Duration("wait", wait))
	})
	if err == nil {
		failing.Over()
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
