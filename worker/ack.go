package worker

import (
	"context"
	"errors"

	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/record"
)

// ackRequests acks all messages of requests, those that join meanwhile too, and forgets them.
func (w *Worker) ackRequests(ctx context.Context, done []*request) { w.ackLanes(ctx, done, true) }

// ackParked does the same for requests that are parked, except for the messages by which they are:
// those come again in their turn.
func (w *Worker) ackParked(ctx context.Context, parked []*request) {
	w.inbox.Release(w.ackLanes(ctx, parked, false))
}

// ackLanes acks what lanes delivered of requests, and what queues delivered if that is asked for;
// it returns the rest.
func (w *Worker) ackLanes(ctx context.Context, done []*request, queues bool) (left []*inbox.Receipt) {
	for {
		receipts := make([]*inbox.Receipt, 0, len(done))
		w.mu.Lock()
		for _, r := range done {
			for _, d := range r.receipts {
				if queues || !d.Parked() {
					receipts = append(receipts, d)
				} else {
					left = append(left, d)
				}
			}
			r.receipts = nil
		}
		if len(receipts) == 0 {
			for _, r := range done {
				w.forget(r)
			}
			w.mu.Unlock()
			return left
		}
		w.mu.Unlock()
		if !w.ack(ctx, receipts) {
			return nil // they are given back
		}
	}
}

// ack acks messages, and reports whether the broker has taken that. Run ends when the consumer of a
// lane is not there any more, or is another one.
func (w *Worker) ack(ctx context.Context, receipts []*inbox.Receipt) bool {
	err := w.inbox.Ack(ctx, receipts)
	if errors.Is(err, record.ErrGone) {
		w.abort(err)
	}
	return err == nil
}

// putOff gives requests back to the broker, to come again later. It does not block.
func (w *Worker) putOff(requests []*request) {
	var receipts []*inbox.Receipt
	w.mu.Lock()
	for _, r := range requests {
		receipts = append(receipts, r.receipts...)
		r.receipts = nil
		w.forget(r)
	}
	w.mu.Unlock()
	w.inbox.ReleaseLater(receipts)
}
