package emulator

import (
	"sync"
	"time"
)

// window counts the calls of one action. The clock is read under its lock: two calls that arrive around the turn
// of a second can't be judged in the wrong order.
type window struct {
	rate    int
	sliding bool

	mu     sync.Mutex
	second int64       // fixed: the wall-clock second that seen counts; guarded by mu
	seen   int         // fixed: calls of that second, refused ones too; guarded by mu
	passed []time.Time // sliding: ring of the last rate admissions; guarded by mu
	oldest int         // sliding: where the oldest of a full ring is; guarded by mu
}

// admit judges a call that arrives now. It returns the number that the call has in its second, and whether that
// is within the rate. Refused calls weigh on no other second.
func (w *window) admit() (n int, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if w.sliding {
		return w.slide(now)
	}
	if s := now.Unix(); s != w.second {
		w.second, w.seen = s, 0
	}
	w.seen++
	return w.seen, w.seen <= w.rate
}

func (w *window) slide(now time.Time) (n int, ok bool) {
	if len(w.passed) < w.rate {
		w.passed = append(w.passed, now)
		return len(w.passed), true
	}
	if now.Sub(w.passed[w.oldest]) < time.Second {
		return w.rate + 1, false
	}
	w.passed[w.oldest] = now
	w.oldest = (w.oldest + 1) % w.rate
	return w.rate, true
}

// windows holds a window for each action and for each of two callers: our key, and all that claim another.
type windows struct {
	ours, others map[string]*window // read-only after newWindows; nil: no limit
}

func newWindows(rate int, sliding bool, actions []string) windows {
	if rate == 0 {
		return windows{}
	}
	ws := windows{ours: make(map[string]*window, len(actions)), others: make(map[string]*window, len(actions))}
	for _, action := range actions {
		ws.ours[action] = &window{rate: rate, sliding: sliding}
		ws.others[action] = &window{rate: rate, sliding: sliding}
	}
	return ws
}

// admit judges a call of the action; an action that doesn't exist has no window.
func (ws windows) admit(action string, ours bool) (n int, ok bool) {
	group := ws.others
	if ours {
		group = ws.ours
	}
	w := group[action]
	if w == nil {
		return 0, true
	}
	return w.admit()
}
