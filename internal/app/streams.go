package app

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/config"
	"github.com/edgepurge/edgepurge/internal/wait"
)

const (
	// surveyEvery is how often the leader looks at the streams and consumers, surveyIdle how often a replica
	// that stands by does. A write or pull that meets a missing one has it looked at once, but not before
	// surveyLeast.
	surveyEvery = 3 * time.Second
	surveyIdle  = 6 * time.Second
	surveyLeast = 500 * time.Millisecond
	// surveyWithin bounds one look, surveyRestore what is made anew after it, which may include the time of a
	// lease.
	surveyWithin  = 10 * time.Second
	surveyRestore = 20 * time.Second
)

// effects are what follows when a stream is missing, and what is gone when it was made anew.
var effects = map[string]struct{ missing, gone string }{ //nolint:gochecknoglobals // a table
	"REQUESTS": {
		"no request can be published or taken",
		"requests that were in it are gone",
	},
	"EVENTS": {
		"no request can end",
		"the events that were in it are gone: a request whose id comes again is purged again, and gets an event again",
	},
	"DEAD": {
		"refused requests wait until their dead letters can be stored",
		"the dead letters that were in it are gone",
	},
	"JOBS": {
		"no job can be stored, so that nothing can be purged",
		"the jobs that were in it are gone, except those that the leader stores again from its memory",
	},
	"PROGRESS": {
		"requests whose targets lie in several jobs cannot end",
		"what was known of requests whose targets lie in several jobs is gone: those of which one job had ended get no event",
	},
	"PARKED": {
		"no request can be parked",
		"the parked requests that were in it are gone",
	},
	"CONTROL": {
		"no replica can take over or lead",
		"the pauses that were in it are gone",
	},
}

// streams is what the last look at the streams and consumers found.
type streams struct {
	mu     sync.Mutex
	faults []broker.Fault
	known  map[string]broker.StreamState
}

// watchStreams looks at the streams and consumers until the context ends, and makes anew what is missing
// where the configuration allows it.
func (a *App) watchStreams(ctx context.Context) {
	for ctx.Err() == nil {
		seen := a.seen.Load()
		if seen && a.broker.Conn.Check() == nil {
			a.survey(ctx)
		}
		wait.Sleep(ctx, surveyLeast)
		if !seen {
			continue
		}
		every := surveyIdle
		if a.leads() {
			every = surveyEvery
		}
		timer := time.NewTimer(every - surveyLeast)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-a.broker.Streams.Alarm():
		}
		timer.Stop()
	}
}

func (a *App) leads() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.leading
}

// look asks the broker how the streams and consumers are.
func (a *App) look(ctx context.Context) (broker.Survey, error) {
	looking, cancel := context.WithTimeout(ctx, surveyWithin)
	defer cancel()
	found, err := a.broker.Streams.Survey(looking)
	if err != nil && ctx.Err() == nil {
		a.log.Debug("streams not looked at", zap.Error(err))
	}
	return found, err
}

// survey looks once, and does what follows.
func (a *App) survey(ctx context.Context) {
	found, err := a.look(ctx)
	if err != nil {
		return
	}
	a.note(found)
	if a.cfg.NATS.Provision == config.ProvisionCreate && len(found.Faults) > 0 {
		a.restore(ctx, found)
	}
	a.recoverJobs(ctx, found)
}

// restore makes what is missing, and looks again.
func (a *App) restore(ctx context.Context, found broker.Survey) {
	ctx, cancel := context.WithTimeout(ctx, surveyRestore)
	defer cancel()
	if err := a.broker.Streams.Restore(ctx, found); err != nil {
		if ctx.Err() == nil {
			a.log.Debug("streams not restored", zap.Error(err))
		}
		return
	}
	if again, err := a.broker.Streams.Survey(ctx); err == nil {
		a.note(again)
		a.recoverJobs(ctx, again)
	}
}

// note keeps what a look found, and logs what is new of it and what is over.
func (a *App) note(found broker.Survey) {
	a.streams.mu.Lock()
	before, known := a.streams.faults, a.streams.known
	a.streams.faults = found.Faults
	if known == nil {
		known = make(map[string]broker.StreamState)
		a.streams.known = known
	}
	var anew []string
	for name, now := range found.Streams {
		if was, ok := known[name]; ok && !was.Created.Equal(now.Created) {
			anew = append(anew, name)
		}
		known[name] = now
	}
	a.streams.mu.Unlock()
	role := zap.Bool("leader", a.leads())
	for _, f := range without(found.Faults, before) {
		a.log.Warn("streams are not as they should be", zap.String("problem", f.Text), role)
	}
	for _, f := range without(before, found.Faults) {
		a.log.Info("streams are as they should be again", zap.String("problem", f.Text), role)
	}
	for _, name := range anew {
		a.log.Warn("stream was made anew", zap.String("stream", a.broker.Conn.Subjects().Stream(name)),
			zap.String("gone", effects[name].gone), role)
	}
}

// without returns the faults that are not in others.
func without(faults, others []broker.Fault) []broker.Fault {
	have := make(map[broker.Fault]bool)
	for _, f := range others {
		have[f] = true
	}
	var left []broker.Fault
	for _, f := range faults {
		if !have[f] {
			left = append(left, f)
		}
	}
	return left
}

// recoverJobs has the leader store jobs again whose records were removed.
func (a *App) recoverJobs(ctx context.Context, found broker.Survey) {
	a.mu.Lock()
	l := a.current
	a.mu.Unlock()
	jobs, ok := found.Streams["JOBS"]
	if !ok || l == nil {
		return
	}
	below := jobs.First
	if !l.jobs.Equal(jobs.Created) {
		below = ^uint64(0) // another stream: no number of it is ours
	}
	ctx, cancel := context.WithTimeout(ctx, surveyRestore)
	defer cancel()
	if err := l.ledger.Recover(ctx, below); err != nil {
		a.log.Debug("stored jobs not looked for, the next look does", zap.Error(err))
		return
	}
	l.jobs = jobs.Created
}

// streamReasons returns what keeps this replica from its part, and notes on what does not.
func (a *App) streamReasons() (reasons, notes []string) {
	leads := a.leads()
	role := "this replica stands by"
	if leads {
		role = "this replica leads"
	}
	a.streams.mu.Lock()
	defer a.streams.mu.Unlock()
	for _, f := range a.streams.faults {
		short := a.broker.Streams.ShortName(f.Name)
		text := "streams: " + f.Text
		if f.Kind == broker.FaultMissing && f.Consumer == "" {
			text += "; until then " + effects[short].missing
		}
		text += fmt.Sprintf(" (%s)", role)
		// Who leads does its part while nobody else can take over.
		idle := leads && short == "CONTROL" && f.Kind == broker.FaultPaused
		if strict := a.cfg.NATS.Provision == config.ProvisionVerify && f.Kind == broker.FaultDiffers; (f.Stops || strict) && !idle {
			reasons = append(reasons, text)
		} else {
			notes = append(notes, text)
		}
	}
	return reasons, notes
}

// Notes returns what is not as it should be, and keeps the replica from nothing.
func (a *App) Notes() []string {
	_, notes := a.streamReasons()
	return notes
}
