package worker

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

const (
	// oftenDelivered is how often a message may be delivered and still be handled among others. One that
	// ends the process takes all that is held with it each time, so that it is looked for among them.
	oftenDelivered = 5
	// oftenAlone is how often a message may be begun alone and never ended.
	oftenAlone = 5
	// aloneFor is how long one is watched alone: what ends a process at the sight of it does so at once.
	aloneFor = 100 * time.Millisecond
)

// suspectMessage is a message that waits to be handled alone.
type suspectMessage struct {
	delivery record.Delivery
	in       *intake
	touched  time.Time
}

// name names the message for as long as its stream exists.
func (s *suspectMessage) name() string {
	return fmt.Sprintf("%s %d %d", s.in.name, s.delivery.Sequence, s.delivery.Stored.UnixNano())
}

// single sets aside the deliveries that are to be handled alone, and gives the others.
func (w *Worker) single(in *intake, lot []record.Delivery) []record.Delivery {
	now := time.Now()
	keep := lot[:0]
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range lot {
		if d.Count <= oftenDelivered {
			keep = append(keep, d)
			continue
		}
		w.suspects = append(w.suspects, &suspectMessage{d, in, now})
		signal(w.lonely)
	}
	return keep
}

// alone handles those set aside, one after the other, until stop ends; what is left is given back.
func (w *Worker) alone(stop, work context.Context) {
	for stop.Err() == nil {
		w.mu.Lock()
		var next *suspectMessage
		if len(w.suspects) > 0 {
			next = w.suspects[0]
		}
		w.mu.Unlock()
		if next == nil {
			select {
			case <-stop.Done():
			case <-w.lonely:
			}
			continue
		}
		w.handleAlone(stop, work, next)
		w.mu.Lock()
		w.suspects = w.suspects[1:]
		w.mu.Unlock()
	}
	w.mu.Lock()
	var left []record.Delivery
	for _, s := range w.suspects {
		left = append(left, s.delivery)
	}
	w.suspects = nil
	w.mu.Unlock()
	w.release(left)
}

// handleAlone stores that it begins and that it has ended: in between a crash is the message's doing, a
// drain is not.
func (w *Worker) handleAlone(stop, work context.Context, s *suspectMessage) {
	times, err := w.Ledger.BeginAlone(work, s.name())
	if err != nil {
		return // the context has ended: the message comes again
	}
	w.Log.Warn("message handled alone", zap.String("intake", s.in.name), zap.Uint64("sequence", s.delivery.Sequence),
		zap.Int("deliveries", s.delivery.Count), zap.Int("times", times))
	if times > oftenAlone {
		w.poison(work, s)
	} else {
		w.take(work, s.in, []record.Delivery{s.delivery})
		sleep(stop, aloneFor)
	}
	if err := w.Ledger.EndAlone(work, s.name()); err != nil && work.Err() == nil {
		w.Log.Error("message handled alone is not noted as such", zap.Error(err))
	}
}

// poison ends a message that ends the process whenever it is looked at. It is not looked at again.
func (w *Worker) poison(ctx context.Context, s *suspectMessage) {
	d := s.delivery
	lane, source, _ := w.cfg.Subjects.ParseRequest(d.Subject)
	r := &request{home: s.in.lane, intake: s.in, Request: record.Request{
		Source: source, ID: purge.PickID(purge.Request{}, source, d.MsgID), Lane: lane, Received: d.Stored.UTC(),
		Digest: purge.RawDigest(d.Data),
	}}
	if r.ID == "" {
		r.ID = purge.GeneratedID(d.Stored, d.Sequence)
	}
	a := arrival{r, d, &purge.Reason{
		Code:    purge.CodePoison,
		Message: fmt.Sprintf("the worker ended each of %d times when it handled this message alone", oftenAlone),
	}}
	w.refuse(ctx, []arrival{a}, nil)
	w.ack(ctx, []string{d.Reply})
}
