package worker

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

const (
	// minRoom, or a share of the window, keeps pulls from getting small while that is nearly full. Of a small
	// window mostShare tells the part that is enough: less than what can't be sent now leaves of it.
	minRoom, minShare, mostShare = 100, 50, 4
	// pullTurn is how long one pull waits, and so how soon a pause or a spent day ends pulling. The pull
	// that the broker knows of goes on.
	pullTurn = 300 * time.Millisecond
	// sameEvery is how often a lane without room looks whether its stream was made anew.
	sameEvery = time.Second
	// A predecessor's messages are asked for at least for hurryLeast, at most for hurryMost.
	hurryLeast, hurryMost = time.Second, 10 * time.Second
)

// intake is where requests come in: a lane, or a queue of parked ones.
type intake struct {
	name   string
	lane   purge.Lane // whose window it fills
	source Lane
	queue  *record.Queue // nil for a lane

	// ackWait is that of the consumer as it is now in the broker, touched when the broker was last told that
	// all that is held is worked on; the Worker's mu guards them.
	ackWait time.Duration
	touched time.Time
}

func newIntake(name string, lane purge.Lane, source Lane, queue *record.Queue) *intake {
	return &intake{name: name, lane: lane, source: source, queue: queue, ackWait: source.AckWait()}
}

// pull admits what an intake brings while there is room, until stop ends or the queue is empty.
func (w *Worker) pull(stop, work context.Context, in *intake) error {
	w.enter(in)
	hurried, err := w.hurry(stop, in)
	if err != nil {
		return endOf(stop, err)
	}
	for stop.Err() == nil {
		if !hurried.IsZero() && w.settled(stop, hurried, in) {
			hurried = time.Time{}
		}
		room, least := w.roomFor(in)
		if room < least {
			if err := w.await(stop, in); err != nil {
				return err
			}
			continue
		}
		lot, err := pullOnce(stop, in.source, room)
		if errors.Is(err, record.ErrGone) {
			return err
		}
		if err != nil && stop.Err() == nil {
			w.Log.Debug("pull brought nothing", zap.String("intake", in.name), zap.Error(err))
			wait.Sleep(stop, 100*time.Millisecond)
		}
		w.admit(work, in, lot)
		if in.queue != nil && err == nil && len(lot) == 0 && w.messages(in) == 0 && w.parking.Close(stop, *in.queue) {
			w.leave(in)
			break
		}
	}
	w.release(in.source.Rest())
	return nil
}

// enter has the broker be told of what is held of an intake.
func (w *Worker) enter(in *intake) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.intakes[in] = true
}

func (w *Worker) leave(in *intake) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.intakes, in)
}

func pullOnce(ctx context.Context, source Lane, room int) ([]record.Delivery, error) {
	short, cancel := context.WithTimeout(ctx, pullTurn)
	defer cancel()
	lot, err := source.Pull(short, room)
	if short.Err() != nil {
		return lot, nil
	}
	return lot, err
}

// roomFor tells how many targets an intake may bring now, and how many it is worth to pull for.
func (w *Worker) roomFor(in *intake) (room, least int) {
	if w.isPaused(in.lane) {
		return 0, 1
	}
	if in.queue != nil {
		return w.queueRoom(in), 1
	}
	window := w.window(in.lane)
	return w.roomOf(in.lane), min(max(minRoom, window/minShare), max(1, window/mostShare))
}

// await waits until there may be room for an intake. Nobody asks the broker for messages meanwhile, so
// it has to look whether their stream is still the one that the held ones are of. What has come and may
// not be taken goes back.
func (w *Worker) await(ctx context.Context, in *intake) error {
	wait, room := sameEvery, w.room[in.lane]
	paused := w.isPaused(in.lane)
	if in.queue != nil || paused {
		w.release(in.source.Rest())
		wait, room = pullTurn, nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-room:
	case <-timer.C:
		if in.queue != nil {
			return nil
		}
		if err := in.source.Same(ctx); errors.Is(err, record.ErrGone) {
			return err
		}
	}
	return nil
}

// hurry makes the messages that a predecessor held come at once, rather than after AckWait. It gives
// the time when it did so, zero when there is no need: one that drained has given them back.
func (w *Worker) hurry(ctx context.Context, in *intake) (time.Time, error) {
	_, held, err := in.source.Depth(ctx)
	if err != nil {
		return time.Time{}, err
	}
	if held == 0 || w.cfg.HandedOver {
		return time.Time{}, in.source.Settle(ctx) // a take-over may have been cut short
	}
	wait, err := in.source.Hurry(ctx)
	if err != nil {
		return time.Time{}, err
	}
	w.setAckWait(in, wait)
	w.Log.Info("taking over what the last owner held", zap.String("intake", in.name), zap.Int("messages", held))
	return time.Now(), nil
}

// settled restores an intake once everything that a predecessor held has come again. Restoring sooner
// would put the rest off by a whole AckWait.
func (w *Worker) settled(ctx context.Context, since time.Time, in *intake) bool {
	if time.Since(since) < hurryLeast {
		return false
	}
	if _, held, err := in.source.Depth(ctx); time.Since(since) < hurryMost && (err != nil || held > w.messages(in)) {
		return false
	}
	if err := in.source.Settle(ctx); err != nil {
		return false
	}
	w.setAckWait(in, in.source.AckWait())
	return true
}

func (w *Worker) setAckWait(in *intake, d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	in.ackWait = d
}

// messages counts what is held of an intake.
func (w *Worker) messages(in *intake) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, r := range w.requests {
		for _, p := range r.replies {
			if p.in == in {
				n++
			}
		}
	}
	return n
}
