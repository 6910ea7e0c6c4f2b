package parking

import (
	"cmp"
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
)

// queue is one queue. Its goroutine alone does I/O for it; the Parking's lock guards the rest.
type queue[L any, R Request] struct {
	p       *Parking[L, R]
	name    record.Queue
	wake    chan struct{}  // capacity 1: pending or wanted has changed
	closing chan chan bool // capacity 0: Owner.Pull asks for the end of the queue

	pending  []R
	wanted   bool // to be opened though nothing is pending
	unsure   bool // an attempt to open it failed, and may have made it all the same: it must be closed then
	open     bool
	doubt    bool      // it is open, and an attempt to close it failed, which may have removed it all the same
	failures int       // attempts in a row
	retryAt  time.Time // of the next attempt, while failures is not 0
	trying   bool      // an attempt is under way while failures is not 0
}

// accepts reports whether requests may be put; the lock must be held. A queue that fails takes what
// its next attempt is made with, and nothing while that is under way.
func (s *queue[L, R]) accepts(now time.Time) bool {
	return s.failures == 0 || !s.trying && !now.Before(s.retryAt)
}

// serve is the queue's goroutine.
func (s *queue[L, R]) serve(stop, work context.Context) error {
	pulling := make(chan error, 1) // capacity 1: one pull at a time, whose end needs no reader
	pulls := false
	for {
		timer := time.NewTimer(s.wait(time.Now()))
		select {
		case <-stop.Done():
			timer.Stop()
			if !pulls {
				return nil
			}
			return <-pulling
		case err := <-pulling:
			timer.Stop()
			if pulls = false; err != nil {
				return err
			}
			s.set(func() { s.open, s.doubt, s.wanted = false, false, true }) // the pull ended, and the queue did not
			continue
		case answer := <-s.closing:
			timer.Stop()
			closed := s.close(stop)
			answer <- closed
			if !closed {
				continue
			}
			pulls = false
			if err := <-pulling; err != nil || s.p.forget(s) {
				return err
			}
			continue
		case <-s.wake:
		case <-timer.C:
		}
		timer.Stop()
		source, opened, idle := s.attempt(stop, work)
		if opened {
			pulls = true
			go func() { pulling <- s.pull(stop, source) }()
		}
		if idle && !pulls && s.p.forget(s) {
			return nil
		}
	}
}

func (s *queue[L, R]) set(change func()) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	change()
}

// wait returns how long there is nothing to do unless the queue is woken.
func (s *queue[L, R]) wait(now time.Time) time.Duration {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	switch work := s.todo(); {
	case work && s.failures > 0:
		return max(0, s.retryAt.Sub(now))
	case work:
		return 0
	}
	return idleFor
}

// todo reports whether there is something to do; the lock must be held.
func (s *queue[L, R]) todo() bool { return len(s.pending) > 0 || (s.wanted || s.unsure) && !s.open }

// attempt opens the queue if it is not, and stores what is pending. opened says that the source is
// new; idle that there was nothing to do, and that nobody needs to remember a failure.
func (s *queue[L, R]) attempt(stop, work context.Context) (source L, opened, idle bool) {
	s.p.mu.Lock()
	open, sure, lot := s.open, s.open && !s.doubt, s.pending
	todo := s.todo()
	if todo = todo && (s.failures == 0 || !time.Now().Before(s.retryAt)); todo {
		s.pending, s.trying = nil, true
	}
	idle = !todo && (s.failures == 0 || !time.Now().Before(s.retryAt.Add(idleFor)))
	s.p.mu.Unlock()
	if !todo {
		return source, false, idle
	}
	var err error
	if !sure {
		source, err = s.openQueue(stop)
		opened = err == nil && !open
		s.set(func() {
			s.open, s.doubt = open || opened, open && err != nil
			s.unsure = !s.open && s.failures < unsureTries
		})
	}
	left := lot
	if err == nil && len(lot) > 0 {
		left, err = s.store(stop, work, lot)
	}
	if stop.Err() != nil {
		return source, opened, false // what is left stays with its owner
	}
	s.note(err, opened)
	if len(left) > 0 {
		s.p.cfg.Owner.Released(left)
	}
	if err != nil { // what was put meanwhile waits for nothing that is about to come
		s.p.mu.Lock()
		late := s.pending
		s.pending = nil
		s.p.mu.Unlock()
		if len(late) > 0 {
			s.p.cfg.Owner.Released(late)
		}
	}
	return source, opened, false
}

// note keeps what came of an attempt.
func (s *queue[L, R]) note(err error, opened bool) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.trying = false
	if opened {
		s.wanted = false
	}
	if err == nil {
		s.failures = 0
		if s.p.failing.over(s.name) {
			s.p.trouble.Over()
		}
		return
	}
	s.retryAt = time.Now().Add(min(retryMax, retryFirst<<min(s.failures, 10)))
	s.failures++
	s.p.failing[s.name] = err
	s.p.trouble.Failed(err, zap.String("zone", s.name.Zone), s.typeField(),
		zap.String("lane", string(s.name.Lane)), zap.Int("queues", len(s.p.failing)))
}

// openQueue opens the queue, with a few quick tries: what comes of a refusal that needs a person is
// the same each time.
func (s *queue[L, R]) openQueue(stop context.Context) (source L, err error) {
	for range s.tries() {
		ctx, cancel := context.WithTimeout(stop, openTimeout)
		source, err = s.p.cfg.Broker.OpenQueue(ctx, s.name)
		late := ctx.Err() != nil
		cancel()
		if err == nil || late || !wait.Sleep(stop, quickWait) {
			break
		}
	}
	return source, err
}

// tries is how many quick tries an attempt has.
func (s *queue[L, R]) tries() (n int) {
	s.set(func() {
		if n = quickTries; s.failures > 0 {
			n = 1
		}
	})
	return n
}

// store stores requests and returns those that it could not store, with the reason of the first.
func (s *queue[L, R]) store(stop, work context.Context, lot []R) (left []R, err error) {
	for i := range s.tries() {
		if i > 0 && !wait.Sleep(stop, quickWait) {
			return lot, err
		}
		var late bool
		if lot, late, err = s.storeOnce(stop, work, lot); len(lot) == 0 || late {
			break
		}
	}
	return lot, err
}

// storeOnce makes one try. It reports too whether that took too long.
func (s *queue[L, R]) storeOnce(stop, work context.Context, lot []R) (left []R, late bool, err error) {
	ctx, cancel := context.WithTimeout(work, storeTimeout)
	defer cancel()
	defer context.AfterFunc(stop, func() {
		if wait.Sleep(ctx, drainGrace) {
			cancel()
		}
	})()
	errs := make([]error, len(lot))
	parked, at := make([]record.Parked, 0, len(lot)), make([]int, 0, len(lot))
	for i, r := range lot {
		p := r.Parked()
		if errs[i] = s.recordFailures(ctx, &p, r); errs[i] == nil {
			parked, at = append(parked, p), append(at, i)
		}
	}
	for i, why := range s.p.cfg.Ledger.Park(ctx, s.name, parked) {
		errs[at[i]] = why
	}
	var stored, unfit []R
	for i, why := range errs {
		switch {
		case why == nil:
			stored = append(stored, lot[i])
		case errors.Is(why, record.ErrUnfit):
			unfit = append(unfit, lot[i])
		default:
			left = append(left, lot[i])
			err = cmp.Or(err, why)
		}
	}
	late = ctx.Err() != nil
	if len(unfit) > 0 {
		s.p.cfg.Owner.Unfit(unfit)
	}
	if len(stored) > 0 {
		s.p.cfg.Log.Info("parked what can't be sent now", zap.String("zone", s.name.Zone), s.typeField(),
			zap.String("lane", string(s.name.Lane)), zap.Int("requests", len(stored)))
		s.p.cfg.Owner.Parked(work, stored)
	}
	return left, late, err
}

// recordFailures stores the outcomes of a request's targets before it is parked, because nothing
// else remembers them then.
func (s *queue[L, R]) recordFailures(ctx context.Context, p *record.Parked, r R) error {
	failures, submitted := r.Failures()
	if !p.Partial || len(failures) == 0 {
		return nil
	}
	return s.p.cfg.Ledger.RecordFailures(ctx, p.Request, failures, submitted)
}

// pull has the queue pulled until that ends or the stream is gone. Other errors pass.
func (s *queue[L, R]) pull(stop context.Context, from L) error {
	for {
		err := s.p.cfg.Owner.Pull(stop, s.name, from)
		if err == nil || stop.Err() != nil || errors.Is(err, record.ErrGone) {
			return err
		}
		s.p.cfg.Log.Warn("queue could not be pulled, trying again", zap.String("zone", s.name.Zone),
			s.typeField(), zap.Error(err))
		wait.Sleep(stop, pullRetry)
	}
}

// close removes the queue from the broker if nothing is pending.
func (s *queue[L, R]) close(stop context.Context) bool {
	pending := false
	if s.set(func() { pending = len(s.pending) > 0 }); pending {
		return false
	}
	ctx, cancel := context.WithTimeout(stop, openTimeout)
	defer cancel()
	closed, err := s.p.cfg.Broker.CloseQueue(ctx, s.name)
	if err != nil {
		s.set(func() { s.doubt = true })
	}
	if err != nil && stop.Err() == nil {
		s.p.cfg.Log.Debug("queue not closed", zap.String("zone", s.name.Zone), zap.Error(err))
	}
	if closed {
		s.set(func() { s.open, s.doubt = false, false }) // before anything more is stored
	}
	return closed
}

// typeField names the queue's type in the log as the queue's own name does.
func (s *queue[L, R]) typeField() zap.Field { return zap.String("type", record.TypeName(s.name.Type)) }
