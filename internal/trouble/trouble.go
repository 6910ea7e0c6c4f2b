// Package trouble logs what fails again and again, as loops and retried writes do: once when it begins, then at a
// growing pace, at once when the reason changes, and once when it is over, with how long it lasted and how many
// failures there were. So a fault that lasts for days costs some lines an hour, and none goes unseen.
//
// What comes and goes keeps its pace: the next line is not sooner than it would have been. It keeps no goroutine.
package trouble

import (
	"maps"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	// paceFirst is the time until the second line, each further one comes after twice as long, up to paceMax.
	paceFirst, paceMax = time.Minute, 10 * time.Minute
	// maxReasons is how many different reasons of one trouble are logged at once; further ones wait for their turn.
	maxReasons = 8
	// maxCauses bounds the troubles that are told apart; further ones share one.
	maxCauses = 1000
)

// Log has the troubles of one logger. It is safe for concurrent use.
type Log struct {
	log *zap.Logger

	mu     sync.Mutex
	causes map[cause]*state
	shared map[cause]*Trouble
	closed bool
}

// cause is what troubles are told apart by.
type cause struct{ what, key string }

// state is one trouble, whoever has it.
type state struct {
	open    int       // of those that have it
	began   time.Time // the first failure
	last    time.Time // the last failure
	times   int       // failures
	due     time.Time // when the next line may be written
	pace    time.Duration
	said    bool // the last line said that it fails
	over    bool // or that it is over, and nothing failed since
	reasons map[string]bool
}

// New makes a Log.
func New(log *zap.Logger) *Log {
	return &Log{log: log, causes: make(map[cause]*state), shared: make(map[cause]*Trouble)}
}

// Close ends what is over by itself: nothing is logged by a timer any more.
func (l *Log) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// Trouble is what one loop, or one write that is tried again, has to do with a trouble: several may share it, and it
// is over when none of them has it any more. It is safe for concurrent use.
type Trouble struct {
	log    *Log
	cause  cause
	fields []zap.Field

	failing bool        // guarded by the Log's mu, as those below
	quiet   *time.Timer // ends it, of those of which nobody says so
}

// On makes a Trouble. What is the message of its lines, key tells troubles with the same message apart, such as those
// of zones; the fields are in each line.
func (l *Log) On(what, key string, fields ...zap.Field) *Trouble {
	return &Trouble{log: l, cause: cause{what, key}, fields: fields}
}

// Shared is On for those who do not keep what it gives: the same each time, as long as it fails.
func (l *Log) Shared(what, key string, fields ...zap.Field) *Trouble {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := cause{what, key}
	if t := l.shared[c]; t != nil {
		return t
	}
	if len(l.shared) >= maxCauses {
		maps.DeleteFunc(l.shared, func(_ cause, t *Trouble) bool { return !t.failing })
	}
	t := l.On(what, key, fields...)
	if len(l.shared) < maxCauses {
		l.shared[c] = t
	}
	return t
}

// Failing reports whether a failure was the last that was noted.
func (t *Trouble) Failing() bool {
	t.log.mu.Lock()
	defer t.log.mu.Unlock()
	return t.failing
}

// Failed notes a failure, and logs it when it is time to.
func (t *Trouble) Failed(err error, fields ...zap.Field) {
	l := t.log
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	s := l.of(t.cause, now)
	if !t.failing {
		t.failing = true
		s.open++
	}
	if s.over {
		s.began, s.times, s.over = now, 0, false
	}
	s.times++
	s.last = now
	reason := plain(err.Error())
	changed := !s.reasons[reason] && len(s.reasons) < maxReasons
	if !changed && now.Before(s.due) {
		return
	}
	s.reasons[reason] = s.reasons[reason] || changed
	if !now.Before(s.due) {
		s.due, s.pace = now.Add(s.pace), min(2*s.pace, paceMax)
	}
	all := append(slices.Concat(t.fields, fields), zap.Error(err))
	if s.times > 1 {
		all = append(all, zap.Int("times", s.times), zap.Duration("lasted", now.Sub(s.began)))
	}
	s.said = true
	l.log.Warn(t.cause.what, all...)
}

// FailedUntil is Failed where nobody notes a success: it counts as one when nothing has failed for as long as quiet.
func (t *Trouble) FailedUntil(quiet time.Duration, err error, fields ...zap.Field) {
	t.Failed(err, fields...)
	t.log.mu.Lock()
	defer t.log.mu.Unlock()
	if t.quiet == nil {
		t.quiet = time.AfterFunc(quiet, t.fellQuiet)
		return
	}
	t.quiet.Reset(quiet)
}

func (t *Trouble) fellQuiet() {
	t.log.mu.Lock()
	closed := t.log.closed
	t.log.mu.Unlock()
	t.end(!closed)
}

// Over notes a success, and logs that the trouble is over. It does nothing where nothing had failed.
func (t *Trouble) Over() { t.end(true) }

// Leave is for one that gives up, as at the end of a context: nothing is logged.
func (t *Trouble) Leave() { t.end(false) }

func (t *Trouble) end(success bool) {
	l := t.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.quiet != nil {
		t.quiet.Stop()
	}
	if !t.failing {
		return
	}
	t.failing = false
	s := l.state(t.cause)
	if s == nil {
		return
	}
	if s.open = max(0, s.open-1); s.open > 0 || !s.said || !success {
		return
	}
	s.said, s.over = false, true
	l.log.Info(t.cause.what+": over", append(slices.Clone(t.fields),
		zap.Int("times", s.times), zap.Duration("lasted", time.Since(s.began)))...)
}

// state gives what is known of a trouble; nil for nothing. The lock must be held.
func (l *Log) state(c cause) *state {
	if s := l.causes[c]; s != nil {
		return s
	}
	return l.causes[cause{what: c.what}]
}

// of gives the state of a trouble, a new one where there was none of late. The lock must be held.
func (l *Log) of(c cause, now time.Time) *state {
	if s := l.causes[c]; s != nil && (s.open > 0 || now.Sub(s.last) < paceMax) {
		return s
	}
	if len(l.causes) >= maxCauses {
		l.forget(now)
	}
	if len(l.causes) >= maxCauses {
		c.key = ""
		if s := l.causes[c]; s != nil {
			return s
		}
	}
	s := &state{began: now, due: now, pace: paceFirst, reasons: make(map[string]bool)}
	l.causes[c] = s
	return s
}

func (l *Log) forget(now time.Time) {
	for c, s := range l.causes {
		if s.open == 0 && now.Sub(s.last) >= paceMax {
			delete(l.causes, c)
		}
	}
}

// plain is a reason without its numbers, which differ where nothing else does.
func plain(reason string) string {
	text := []byte(reason)
	out := text[:0]
	for _, c := range text {
		if '0' <= c && c <= '9' {
			c = '#'
			if len(out) > 0 && out[len(out)-1] == c {
				continue
			}
		}
		out = append(out, c)
	}
	return string(out)
}
