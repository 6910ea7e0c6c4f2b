package tracker

import (
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/edgeone"
)

// apart has a window's jobs asked for one by one.
func (t *Tracker) apart(w *window) {
	t.forget(w)
	now := time.Now()
	for _, job := range w.jobs {
		t.turns.Add(later(now, t.firstLook(job)), turn{job: job})
	}
}

func (t *Tracker) forget(w *window) {
	t.mu.Lock()
	defer t.mu.Unlock()
	z := t.zone(w.zone)
	delete(z.open, w)
	if z.windows[w.second] == w {
		delete(z.windows, w.second)
	}
}

// differ notes that a zone's counts are not ours alone.
func (t *Tracker) differ(w *window) {
	t.log.Info("counts of the zone's tasks are not of our jobs alone, asking for each job", zap.String("zone", w.zone), zap.Duration("for", t.distrust(w)))
}

// distrust has the jobs of a zone asked for one by one for a while, and tells for how long.
func (t *Tracker) distrust(w *window) time.Duration {
	w.apart = true
	t.mu.Lock()
	defer t.mu.Unlock()
	z := t.zone(w.zone)
	z.doubt = min(max(2*z.doubt, distrustFirst), distrustLast)
	z.distrusted = time.Now().Add(z.doubt)
	return z.doubt
}

// trust notes that a window's counts were right.
func (t *Tracker) trust(w *window, tasks []edgeone.Task) {
	t.learn(w.jobs[0], tasks, time.Now())
	t.mu.Lock()
	defer t.mu.Unlock()
	t.zone(w.zone).doubt = 0
}
