package broker

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/internal/wait"
)

// errFull says that the client's line of underWay publishes is full.
var errFull = errors.New("too many publishes wait for their answer")

// underWay bounds the publishes of one lot that wait for their answer: enough to keep the broker
// busy, and little enough that what is urgent on the same connection does not wait behind them.
const underWay = 128

// publish sends messages (nil ones are passed over) and waits for every answer.
func (c *Conn) publish(ctx context.Context, msgs []*nats.Msg, errs []error, opts func(int) []jetstream.PublishOpt) {
	futures := make([]jetstream.PubAckFuture, len(msgs))
	answer := func(i int) {
		f := futures[i]
		if f == nil || errs[i] != nil {
			return
		}
		select {
		case <-f.Ok():
		case err := <-f.Err():
			errs[i] = c.alarmed(err)
		case <-ctx.Done():
			errs[i] = context.Cause(ctx)
		}
	}
	for i, m := range msgs {
		if i >= underWay {
			answer(i - underWay)
		}
		if m == nil {
			continue
		}
		f, err := c.js.PublishMsgAsync(m, append(opts(i), jetstream.WithStallWait(publishTimeout))...)
		if errors.Is(err, jetstream.ErrTooManyStalledMsgs) {
			err = errFull
		}
		futures[i], errs[i] = f, err
	}
	for i := max(0, len(msgs)-underWay); i < len(msgs); i++ {
		answer(i)
	}
}

// alarmed passes an error on, and raises the alarm where it may mean that something was deleted.
func (c *Conn) alarmed(err error) error {
	if err != nil && Gone(err) {
		wait.Signal(c.alarm)
	}
	return err
}

// isThere reports error 10071, the only proof that a conditional publish found what it must not.
func isThere(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}

// isConflict reports error 10164: another publish for the subject was in flight and may still fail.
func isConflict(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant
}
