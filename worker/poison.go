package worker

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/inflight"
	"github.com/edgepurge/edgepurge/internal/quarantine"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// quarantineOwner is the Worker as the quarantine knows it.
type quarantineOwner struct{ w *Worker }

// Name is valid for as long as the message's stream exists.
func (o quarantineOwner) Name(d inbox.Delivery) string {
	return fmt.Sprintf("%s %d %d", d.Receipt.Puller().Name(), d.Sequence, d.Stored.UnixNano())
}

func (o quarantineOwner) Deliveries(d inbox.Delivery) int { return d.Count }

func (o quarantineOwner) Held(n int) { o.w.budget.Unread(n) }

func (o quarantineOwner) Handle(ctx context.Context, lot []inbox.Delivery) { o.w.take(ctx, lot) }

func (o quarantineOwner) Isolated(d inbox.Delivery, times int) {
	o.w.Log.Warn("message handled alone", zap.String("intake", d.Receipt.Puller().Name()),
		zap.Uint64("sequence", d.Sequence), zap.Int("deliveries", d.Count), zap.Int("times", times))
	o.w.Metrics.Alone()
}

func (o quarantineOwner) Release(lot []inbox.Delivery) {
	receipts := make([]*inbox.Receipt, len(lot))
	for i, d := range lot {
		receipts[i] = d.Receipt
	}
	o.w.inbox.Release(receipts)
}

// EndUnread ends a message as poison, by what the broker says about it.
func (o quarantineOwner) EndUnread(ctx context.Context, d inbox.Delivery) {
	w := o.w
	lane, source, _ := w.cfg.Subjects.ParseRequest(d.Subject)
	var unread purge.Request
	if d.Event.ID != "" {
		unread.CloudEvent = &purge.CloudEvent{Source: d.Event.Source, ID: d.Event.ID}
	}
	r := record.Request{
		Source: source, ID: purge.PickID(unread, source, d.MsgID), Lane: lane, Received: d.Stored.UTC(),
		Digest: purge.RawDigest(d.Data), CloudEvent: record.CloudEventOf(unread),
	}
	if r.ID == "" {
		r.ID = purge.GeneratedID(d.Stored, d.Sequence)
	}
	a := arrival{newRequest(d, inflight.New(r, purge.Request{})), d, &purge.Reason{
		Code: purge.CodePoison,
		Message: fmt.Sprintf("the worker ended each of %d times when it handled this message alone",
			quarantine.MaxAlone),
	}}
	if err := w.letters.Store(ctx, a.refusal()); err == nil {
		w.ack(ctx, []*inbox.Receipt{d.Receipt})
	}
}
