package worker

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
)

// A request that is refused ends with a dead letter, an event and an ack, in this order. While the dead
// letter cannot be stored it waits apart, so that its lane goes on (I7). It is not acked, and kept alive like
// all that is held (I2).

const (
	// apartMost and apartBytes bound what waits apart (I5). What is beyond is not held: it comes again after
	// AckWait.
	apartMost  = 1000
	apartBytes = 16 << 20
	// apartLot is how many dead letters are stored at a time.
	apartLot = 100
	// buryWithin is how long a lane waits for its dead letters to be stored.
	buryWithin = 2 * time.Second
)

// refused is a request that is refused as a whole. Once it waits apart, nothing of it but its messages is used.
type refused struct {
	*request

	letter record.DeadLetter
	end    *record.Tally // nil: its id is another request's, whose end is not touched
}

// apart are the refused requests whose dead letters cannot be stored yet, guarded by the Worker's mu.
type apart struct {
	waiting []refused
	bytes   int
	some    chan struct{} // capacity 1: something waits
}

// errBehind says that dead letters from before wait to be stored.
var errBehind = errors.New("other dead letters wait to be stored")

// conclude stores the dead letters and events of refused requests. It returns those that may not be acked:
// wait are held until their dead letters can be stored, drop are not held any more.
func (w *Worker) conclude(ctx context.Context, all []refused) (wait, drop map[*request]bool) {
	wait, drop = make(map[*request]bool), make(map[*request]bool)
	if len(all) == 0 {
		return wait, drop
	}
	letters := make([]record.DeadLetter, len(all))
	for i, r := range all {
		letters[i] = r.letter
	}
	errs := make([]error, len(all))
	if behind := w.apartBehind(); behind {
		for i := range errs {
			errs[i] = errBehind
		}
	} else {
		soon, cancel := context.WithTimeout(ctx, buryWithin)
		errs = w.Ledger.TryStoreDeadLetters(soon, letters)
		cancel()
	}
	var ends []record.Tally
	var stored []record.DeadLetter
	var open []refused
	for i, r := range all {
		switch {
		case errs[i] != nil:
			open = append(open, r)
		default:
			stored = append(stored, r.letter)
			if r.end != nil {
				ends = append(ends, *r.end)
			}
		}
	}
	w.Metrics.Buried(stored)
	if err := w.Ledger.Publish(ctx, ends); err != nil { // the context has ended: the messages come again
		for _, r := range all {
			drop[r.request] = true
		}
		return wait, drop
	}
	w.setApart(open, wait, drop)
	return wait, drop
}

func (w *Worker) apartBehind() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.apart.waiting) > 0
}

// setApart has requests wait apart, as far as there is room and they are in the table.
func (w *Worker) setApart(open []refused, held, drop map[*request]bool) {
	if len(open) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.apart.waiting) == 0 {
		w.Log.Warn("dead letters cannot be stored; refused requests wait until they can, and the others go on",
			zap.Int("requests", len(open)))
	}
	for _, r := range open {
		size := len(r.letter.Data)
		full := len(w.apart.waiting) >= apartMost || w.apart.bytes+size > apartBytes
		if full || w.requests[r.Key()] != r.request {
			drop[r.request] = true
			continue
		}
		w.apart.waiting = append(w.apart.waiting, r)
		w.apart.bytes += size
		// Its letter and its end have all that is needed: the rest may be many times as large (I5).
		r.Shed()
		r.message = nil
		w.budget.Set(&r.charge, r.cameBy, r.chargedLane(), 1)
		held[r.request] = true
	}
	wait.Signal(w.apart.some)
}

// buryApart stores the dead letters of what waits apart, until the context ends.
func (w *Worker) buryApart(ctx context.Context) {
	for ctx.Err() == nil {
		w.mu.Lock()
		lot := w.apart.waiting[:min(len(w.apart.waiting), apartLot)]
		w.mu.Unlock()
		if len(lot) == 0 {
			select {
			case <-ctx.Done():
			case <-w.apart.some:
			}
			continue
		}
		letters := make([]record.DeadLetter, len(lot))
		requests := make([]*request, len(lot))
		var ends []record.Tally
		size := 0
		for i, r := range lot {
			letters[i], requests[i] = r.letter, r.request
			size += len(r.letter.Data)
			if r.end != nil {
				ends = append(ends, *r.end)
			}
		}
		if err := w.tell(ctx, letters, ends); err != nil {
			return // the context has ended: the messages are given back
		}
		w.mu.Lock()
		w.apart.waiting = w.apart.waiting[len(lot):]
		w.apart.bytes -= size
		behind := len(w.apart.waiting)
		w.mu.Unlock()
		w.ackRequests(ctx, requests)
		w.Log.Info("dead letters are stored again", zap.Int("stored", len(lot)), zap.Int("waiting", behind))
	}
}

// letGo forgets requests whose messages are not acked: they come again.
func (w *Worker) letGo(those map[*request]bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for r := range those {
		w.forget(r)
	}
}
