package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// marksAtOnce bounds the progress records of one job that are written side by side; each is a read
// and a conditional write.
const updatesAtOnce = 32

// End unites the outcome of a final job with what is known of its requests, publishes the events of
// those that are done, and removes the job. Doing it twice publishes nothing twice. It tries until
// the context ends. A part of a newer version is left alone, and so is one with a request whose
// progress is of a newer version: the leader that can read it ends the job once more.
func (l *Ledger) End(ctx context.Context, job record.InFlight, out record.Outcome) error {
	results, err := l.results(ctx, &job, &out)
	if err != nil {
		return fmt.Errorf("end job %s: %w", job.ID, err)
	}
	for _, sequence := range job.Sequences {
		if err := l.endPart(ctx, place{sequence, job.ID}, results); err != nil {
			return fmt.Errorf("end job %s: %w", job.ID, err)
		}
	}
	return nil
}

// results returns each target of a job its row. It takes the targets of all parts: a row that none
// of them has belongs to nobody.
func (l *Ledger) results(ctx context.Context, job *record.InFlight, out *record.Outcome) (*record.Results, error) {
	if len(out.Rows) == 0 {
		return out.Uniform(), nil
	}
	var sent []string
	typ := purge.URL
	for _, sequence := range job.Sequences {
		part, err := l.part(ctx, place{sequence, job.ID})
		if err != nil {
			return nil, err
		}
		if part != nil && len(part.Shares) > 0 {
			sent, typ = append(sent, part.Sent()...), part.Shares[0].Type
		}
	}
	return out.Results(typ, &job.Head, sent), nil
}

func (l *Ledger) endPart(ctx context.Context, at place, out *record.Results) error {
	job, err := l.part(ctx, at)
	if err != nil || job == nil {
		return err
	}
	published, err := l.withEvent(ctx, job, out)
	if err != nil {
		return err
	}
	all, err := l.endShares(ctx, job, out, published)
	if err != nil || !all {
		return err
	}
	if left := l.newRetryPart(job, out, published); left != nil {
		return l.replaceByRetryPart(ctx, job, at.sequence, left)
	}
	return l.Drop(ctx, job, at.sequence)
}

// Drop removes a part whose requests have their events or stand in progress records, or stand in
// other records. It tries until the context ends.
func (l *Ledger) Drop(ctx context.Context, job *record.Job, sequence uint64) error {
	at := place{sequence, job.ID}
	defer l.followed.startRemoval(at)()
	for {
		now := l.followed.current(at)
		if err := l.dropStored(ctx, job, now); err != nil {
			return err
		}
		if l.followed.current(at) == now { // it was not stored again meanwhile
			break
		}
	}
	l.followed.forget(at)
	return nil
}

// dropStored removes a part from the store, unless another has its number by now.
func (l *Ledger) dropStored(ctx context.Context, job *record.Job, sequence uint64) error {
	if l.followed.isOther(place{sequence, job.ID}) {
		return nil
	}
	err := l.retry.untilDone(ctx, "remove job", func() error { return l.jobs.Delete(ctx, sequence) })
	if err != nil {
		return err
	}
	l.recent.remove(sequence)
	for i := range job.Shares {
		l.index.remove(job.Shares[i].Key(), sequence)
	}
	return nil
}

// part returns a stored part; nil when it is not there any more, or can't be read and is left
// alone.
func (l *Ledger) part(ctx context.Context, at place) (*record.Job, error) {
	sequence := l.followed.current(at)
	if job := l.recent.get(sequence); job != nil && (at.job == "" || job.ID == at.job) {
		return job, nil
	}
	var data []byte
	err := l.retry.untilDone(ctx, "read job", func() (err error) {
		data, err = l.jobs.Get(ctx, sequence)
		return err
	})
	if err == nil && data == nil {
		l.followed.forget(at) // a leader before this one has ended it
	}
	if err != nil || data == nil {
		return nil, err
	}
	job, err := record.DecodeJob(data)
	if err != nil {
		l.log.Error("stored job left alone", zap.Uint64("sequence", sequence), zap.Error(err))
		return nil, nil
	}
	if at.job != "" && job.ID != at.job {
		l.followed.forget(at) // the stream was made anew, and the number is another part's
		return nil, nil
	}
	return job, nil
}

// endShares publishes the events of the requests that lie in this job alone, and updates the
// progress of the others. It reports whether it could do so for all.
func (l *Ledger) endShares(
	ctx context.Context, job *record.Job, out *record.Results, published map[record.Key]bool,
) (bool, error) {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(updatesAtOnce)
	var left atomic.Bool
	ends := make([]record.Tally, 0, len(job.Shares))
	for i := range job.Shares {
		s := &job.Shares[i]
		if published[s.Key()] {
			continue
		}
		if !s.MultiJob && !l.anyRetryable(job, s, out) {
			ends = append(ends, tally(job, s, out))
			continue
		}
		g.Go(func() error {
			marked, err := l.progress.update(gctx, s.Request, func(p *record.Progress) { l.addOutcome(p, job, s, out) })
			if !marked {
				left.Store(true)
			}
			return err
		})
	}
	publishing := l.Publish(ctx, ends)
	err := errors.Join(publishing, g.Wait())
	return !left.Load(), err
}

// tally is the end of a request that lies in one job.
func tally(job *record.Job, s *record.Share, out *record.Results) record.Tally {
	t := record.Tally{
		Request: s.Request, Zones: []string{job.Zone}, Jobs: []string{job.ID},
		Failures: slices.Clip(s.EarlierFailures), Sent: true, Attempts: s.Attempts, Submitted: job.Submitted,
	}
	each(job, s, out, func(index int, target string, r record.Result) {
		if r.Code == "" {
			t.Succeeded++
			return
		}
		t.Failures = append(t.Failures, record.Failure{Index: index, Target: target, Code: r.Code, Reason: r.Reason})
	})
	return t
}

func (l *Ledger) addOutcome(p *record.Progress, job *record.Job, s *record.Share, out *record.Results) {
	p.Join(&job.Head, s.Attempts)
	each(job, s, out, func(index int, target string, r record.Result) {
		switch {
		case r.Code == "":
			p.Succeed(index)
			return
		case l.retryable(s, r):
			return // it stays open
		case r.Retryable && s.Attempts > 1:
			p.Exhausted = true
		}
		p.Fail(record.Failure{Index: index, Target: target, Code: r.Code, Reason: r.Reason})
	})
	for _, f := range s.EarlierFailures {
		p.Fail(f)
	}
}

func each(job *record.Job, s *record.Share, out *record.Results, do func(index int, target string, r record.Result)) {
	for _, run := range s.Runs {
		for i := range run[2] {
			target := job.Targets[run[0]+i]
			do(run[1]+i, target, out.For(&s.Request, target))
		}
	}
}
