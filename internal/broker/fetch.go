package broker

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"
)

// fetch is one pull. Unlike the client's own it can be ended at any time without losing what it has
// brought: a message that nobody takes would be held back from others for a whole AckWait.
type fetch struct {
	batch  jetstream.MessageBatch
	cancel context.CancelFunc
}

func newFetch(ctx context.Context, cons jetstream.Consumer, messages int) (*fetch, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pullWait)
	batch, err := cons.Fetch(messages, jetstream.FetchContext(ctx), jetstream.FetchHeartbeat(pullHeartbeat))
	if err != nil {
		cancel()
		return nil, err
	}
	return &fetch{batch, cancel}, nil
}

// end stops the pull and gives what it has brought that nobody has taken.
func (f *fetch) end() []jetstream.Msg {
	f.cancel()
	var rest []jetstream.Msg
	for m := range f.batch.Messages() {
		rest = append(rest, m)
	}
	return rest
}
