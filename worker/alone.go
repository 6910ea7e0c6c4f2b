package worker

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

const (
	// oftenDelivered is how often a message may be delivered and still be handled among others. One that
	// ends the process takes all that is held with it each time, so that it is looked for among them.
	oftenDelivered = 5
	// oftenAlone is how often a message may be begun alone and never ended.
	oftenAlone = 5
	// togetherMost is how many are handled together.
	togetherMost = 500
	// aloneFor is how long they are watched: what ends a process at the sight of it does so at once.
	aloneFor = 100 * time.Millisecond
	// aloneKept is how long it is remembered of messages that do not come again that they were begun and never
	// ended: one that was acked just before a crash never comes. One that comes later counts anew.
	aloneKept = time.Hour
)

// suspectMessage is a message that waits to be handled apart from others.
type suspectMessage struct{ inbox.Delivery }

// name names the message for as long as its stream exists.
func (s *suspectMessage) name() string {
	return fmt.Sprintf("%s %d %d", s.Receipt.Puller().Name(), s.Sequence, s.Stored.UnixNano())
}

// single sets aside the deliveries that are to be handled apart, and gives the others.
func (w *Worker) single(lot []inbox.Delivery) []inbox.Delivery {
	keep := make([]inbox.Delivery, 0, len(lot))
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range lot {
		if d.Count <= oftenDelivered {
			keep = append(keep, d)
			continue
		}
		w.suspects = append(w.suspects, &suspectMessage{d})
		w.budget.Unread(1)
		wait.Signal(w.lonely)
	}
	return keep
}

// alone handles those set aside, until stop ends; what is left is given back.
//
// Most of them are innocent: a worker that dies often has what it holds delivered often. So those that
// nothing is known of are handled together, and only those of a lot that was never ended alone.
func (w *Worker) alone(stop, work context.Context) {
	defer w.giveBackSuspects()
	begun, err := w.Ledger.Alone(work)
	if err != nil {
		return // the context has ended: the messages come again
	}
	forget := time.NewTimer(aloneKept)
	defer forget.Stop()
	for stop.Err() == nil {
		lot := w.nextSuspects(begun)
		if len(lot) == 0 {
			select {
			case <-stop.Done():
			case <-w.lonely:
			case <-forget.C:
				w.endAlone(work, slices.Collect(maps.Keys(begun))...)
				clear(begun)
			}
			continue
		}
		if _, ok := begun[lot[0].name()]; ok {
			w.handleAlone(stop, work, lot[0])
		} else {
			w.handleTogether(stop, work, lot)
		}
		w.mu.Lock()
		w.suspects = w.suspects[len(lot):]
		w.mu.Unlock()
		w.budget.Unread(-len(lot))
	}
}

// nextSuspects gives the first of those set aside alone if it was begun before and never ended; else those
// up to the next such one.
func (w *Worker) nextSuspects(begun map[string]int) []*suspectMessage {
	w.mu.Lock()
	defer w.mu.Unlock()
	lot := w.suspects[:min(len(w.suspects), togetherMost)]
	for i, s := range lot {
		if _, ok := begun[s.name()]; ok {
			return slices.Clone(lot[:max(i, 1)])
		}
	}
	return slices.Clone(lot)
}

func (w *Worker) giveBackSuspects() {
	w.mu.Lock()
	left := make([]*inbox.Receipt, len(w.suspects))
	for i, s := range w.suspects {
		left[i] = s.Receipt
	}
	w.suspects = nil
	w.mu.Unlock()
	w.budget.Unread(-len(left))
	w.inbox.Release(left)
}

// handleTogether stores that it begins and that it has ended: in between a crash is the doing of one of the
// messages, a drain is not.
func (w *Worker) handleTogether(stop, work context.Context, lot []*suspectMessage) {
	names := make([]string, len(lot))
	deliveries := make([]inbox.Delivery, len(lot))
	for i, s := range lot {
		names[i], deliveries[i] = s.name(), s.Delivery
	}
	if err := w.Ledger.BeginTogether(work, names); err != nil {
		return // the context has ended: the messages come again
	}
	w.Log.Warn("messages that were delivered often are handled apart", zap.Int("messages", len(lot)))
	w.take(work, deliveries)
	wait.Sleep(stop, aloneFor)
	w.endAlone(work, names...)
}

// handleAlone does the same with one message.
func (w *Worker) handleAlone(stop, work context.Context, s *suspectMessage) {
	times, err := w.Ledger.BeginAlone(work, s.name())
	if err != nil {
		return
	}
	w.Log.Warn("message handled alone", zap.String("intake", s.Receipt.Puller().Name()), zap.Uint64("sequence", s.Sequence),
		zap.Int("deliveries", s.Count), zap.Int("times", times))
	w.Metrics.Alone()
	if times > oftenAlone {
		w.poison(work, s)
	} else {
		w.take(work, []inbox.Delivery{s.Delivery})
		wait.Sleep(stop, aloneFor)
	}
	w.endAlone(work, s.name())
}

func (w *Worker) endAlone(ctx context.Context, names ...string) {
	if err := w.Ledger.EndAlone(ctx, names...); err != nil && ctx.Err() == nil {
		w.Log.Error("messages handled apart are not noted as such", zap.Error(err))
	}
}

// poison ends a message that ends the process whenever it is looked at. It is not looked at again.
func (w *Worker) poison(ctx context.Context, s *suspectMessage) {
	d := s.Delivery
	lane, source, _ := w.cfg.Subjects.ParseRequest(d.Subject)
	var unread purge.Request
	if d.Event.ID != "" {
		unread.CloudEvent = &purge.CloudEvent{Source: d.Event.Source, ID: d.Event.ID}
	}
	r := &request{home: s.Receipt.Puller().Lane(), from: s.Receipt.Puller(), Request: record.Request{
		Source: source, ID: purge.PickID(unread, source, d.MsgID), Lane: lane, Received: d.Stored.UTC(),
		Digest: purge.RawDigest(d.Data), CloudEvent: record.CloudEventOf(unread),
	}}
	if r.ID == "" {
		r.ID = purge.GeneratedID(d.Stored, d.Sequence)
	}
	a := arrival{r, d, &purge.Reason{
		Code:    purge.CodePoison,
		Message: fmt.Sprintf("the worker ended each of %d times when it handled this message alone", oftenAlone),
	}}
	end := a.refused()
	if err := w.tell(ctx, []record.DeadLetter{end.letter}, []record.Tally{*end.end}); err == nil {
		w.ack(ctx, []*inbox.Receipt{d.Receipt})
	}
}
