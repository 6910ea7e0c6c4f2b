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

// quarantineOwner is the admitter as the quarantine knows it.
type quarantineOwner struct{ ad *admitter }

// Name is valid for as long as the message's stream exists.
func (o quarantineOwner) Name(d inbox.Delivery) string {
	return fmt.Sprintf("%s %d %d", d.Receipt.Puller().Name(), d.Sequence, d.Stored.UnixNano())
}

func (o quarantineOwner) Deliveries(d inbox.Delivery) int { return d.Count }

func (o quarantineOwner) Held(n int) { o.ad.table.budget.Unread(n) }

func (o quarantineOwner) Handle(ctx context.Context, lot []inbox.Delivery) { o.ad.take(ctx, lot) }

func (o quarantineOwner) Isolated(d inbox.Delivery, times int) {
	o.ad.log.Warn("message handled alone", zap.String("intake", d.Receipt.Puller().Name()),
		zap.Uint64("sequence", d.Sequence), zap.Int("deliveries", d.Count), zap.Int("times", times))
	o.ad.metrics.Alone()
}

func (o quarantineOwner) Release(lot []inbox.Delivery) {
	receipts := make([]*inbox.Receipt, len(lot))
	for i, d := range lot {
		receipts[i] = d.Receipt
	}
	o.ad.table.inbox.Release(receipts)
}

// EndUnread ends a message as poison, by what the broker says about it.
func (o quarantineOwner) EndUnread(ctx context.Context, d inbox.Delivery) {
	lane, source, _ := o.ad.subjects.ParseRequest(d.Subject)
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
	if err := o.ad.recorder.letters.Store(ctx, a.refusal()); err == nil {
		o.ad.table.ack(ctx, []*inbox.Receipt{d.Receipt})
	}
}
