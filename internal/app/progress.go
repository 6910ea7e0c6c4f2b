package app

import (
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// progress tells whoever listens what is done for requests that have not ended.
type progress struct {
	instance string
	events   *broker.Events
	log      *zap.Logger
}

// hook has the ledger call it.
func (p *progress) hook(cfg *ledger.Config) {
	cfg.Submitted, cfg.Parked = p.submitted, p.parked
}

func (p *progress) submitted(j *record.Job) {
	for i := range j.Shares {
		s := &j.Shares[i]
		of := of(&s.Request, purge.Submitted, j.Zone)
		of.Job, of.Attempt, of.Targets.Submitted = j.ID, s.Attempts, s.Count()
		p.tell(of, j.Submitted)
	}
}

func (p *progress) parked(q record.Queue, requests []record.Parked) {
	now := time.Now()
	for i := range requests {
		p.tell(of(&requests[i].Request, purge.Parked, q.Zone), now)
	}
}

func of(r *record.Request, step purge.Step, zone string) purge.Progress {
	return purge.Progress{
		Request: r.ID, Source: r.Source, Lane: r.Lane, Status: step, Type: r.Type, Zone: zone,
		Targets: purge.ProgressTargets{Total: r.Total}, Labels: r.Labels,
	}
}

// tell leaves out what can't be published: nothing depends on it.
func (p *progress) tell(of purge.Progress, at time.Time) {
	if err := p.events.PublishProgress(purge.NewProgressEvent(p.instance, of, at)); err != nil {
		p.log.Debug("progress not told", zap.String("request", of.Request), zap.Error(err))
	}
}
