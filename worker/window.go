package worker

import (
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

// window is how many targets of a lane are held at most, but for the lot that crosses the line.
func (w *Worker) window(lane purge.Lane) int {
	if lane == purge.Interactive {
		return w.cfg.InteractiveWindow
	}
	return w.cfg.BulkWindow
}

// roomOf tells how many more targets a lane may take in; a request that is larger than that, or than
// the whole window, is taken in all the same.
//
// A large interactive request takes room in the bulk window, so that it does not keep urgent ones out.
// The lane can't tell large ones before it has them: where they fill a whole bulk window by themselves,
// it has to wait too (I5).
func (w *Worker) roomOf(lane purge.Lane) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	room := w.window(lane) - w.weight[lane] - len(w.suspects)
	if lane == purge.Interactive && w.large >= w.cfg.BulkWindow {
		return 0
	}
	return room
}

// weigh brings what a request takes of its window up to date; it must be called with the lock held.
func (w *Worker) weigh(r *request) { w.charge(r, r.load()) }

func (w *Worker) charge(r *request, weight int) {
	more := weight - r.weight
	r.weight = weight
	if r.large() {
		w.large += more
		w.weight[purge.Bulk] += more
	} else {
		w.weight[r.home] += more
	}
	if more < 0 {
		wait.Signal(w.room[purge.Bulk])
		wait.Signal(w.room[purge.Interactive])
	}
}
