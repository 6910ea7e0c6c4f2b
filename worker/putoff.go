package worker

import (
	"time"

	"go.uber.org/zap"
)

const (
	// putOffFirst and putOffMax bound how long a message stays away that is given back because it can neither be sent
	// nor parked now. It doubles with each delivery.
	putOffFirst, putOffMax = 5 * time.Second, time.Minute
	// putOffEach is between two messages that come again: however many there are, the lane has room for others.
	putOffEach = time.Millisecond
)

// putOff gives requests back to the broker, to come again later. It does not block.
func (w *Worker) putOff(requests []*request) {
	if len(requests) == 0 {
		return
	}
	now := time.Now()
	type lot struct {
		replies []string
		wait    time.Duration
	}
	byCount := make(map[int]*lot)
	w.mu.Lock()
	for _, r := range requests {
		for _, p := range r.replies {
			if p.acked {
				continue
			}
			l := byCount[p.count]
			if l == nil {
				l = &lot{wait: putOffFirst << min(max(0, p.count-1), 8)}
				byCount[p.count] = l
			}
			l.replies = append(l.replies, p.subject)
		}
		w.forget(r)
	}
	for _, l := range byCount {
		l.wait = max(min(l.wait, putOffMax), w.putOffAt.Sub(now))
		w.putOffAt = now.Add(l.wait + time.Duration(len(l.replies))*putOffEach)
	}
	w.mu.Unlock()
	if !w.Lease.Valid() {
		return // they come again by AckWait
	}
	for _, l := range byCount {
		if err := w.Acker.NakLater(l.replies, l.wait); err != nil {
			w.Log.Debug("messages not put off; they come again by themselves", zap.Error(err))
		}
	}
}
