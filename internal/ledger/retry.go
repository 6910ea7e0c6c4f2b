package ledger

import (
	"context"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/edgepurge/edgepurge/internal/record"
)

// What EdgeOne accepted and then failed is sent again: what is left of the job, its targets that
// failed and the requests that wait for them, is stored beside the job before that is removed. It
// names the part it is left of, so that a crash in between leaves neither nothing nor both, and no
// producer can make it up.

// An attempt begins againFirst after the end of the one before, each later one againFactor as late,
// up to againMost.
const (
	retryFirst  = 2 * time.Second
	retryFactor = 5
	retryMax    = 5 * time.Minute
	// exhaustedWait is the wait when the day is spent; the worker then waits for the next one.
	exhaustedWait = time.Minute
)

// retryable reports whether a target with this result is to be sent again.
func (l *Ledger) retryable(s *record.Share, r record.Result) bool {
	return r.QuotaExhausted || r.Retryable && s.Attempts < l.cfg.Attempts
}

func (l *Ledger) anyRetryable(job *record.Job, s *record.Share, out *record.Results) bool {
	found := false
	each(job, s, out, func(_ int, _ string, r record.Result) { found = found || l.retryable(s, r) })
	return found
}

// withEvent returns which requests have their event already of those whose targets would be sent
// again: a job that a leader stored when the next one had sent them anew.
func (l *Ledger) withEvent(ctx context.Context, job *record.Job, out *record.Results) (map[record.Key]bool, error) {
	var keys []record.Key
	for i := range job.Shares {
		if l.anyRetryable(job, &job.Shares[i], out) {
			keys = append(keys, job.Shares[i].Key())
		}
	}
	return l.publisher.ended(ctx, keys)
}

// newRetryPart is what is to be sent again of a job, nil when nothing is. Its requests span: what
// became of their other targets, and of these before, is in their progress.
func (l *Ledger) newRetryPart(job *record.Job, out *record.Results, published map[record.Key]bool) *record.Job {
	left := &record.Job{Head: job.Head}
	left.Unnamed, left.Refusal = 0, ""
	at := make(map[string]int)
	attempts := 0
	for i := range job.Shares {
		s := &job.Shares[i]
		if published[s.Key()] {
			continue
		}
		rest := record.Share{Request: s.Request, Attempts: s.Attempts, MultiJob: true}
		spent := true
		each(job, s, out, func(index int, target string, r record.Result) {
			if !l.retryable(s, r) {
				return
			}
			left.QuotaExhausted = left.QuotaExhausted || r.QuotaExhausted
			spent = spent && r.QuotaExhausted
			position, ok := at[target]
			if !ok {
				position = len(left.Targets)
				at[target] = position
				left.Targets = append(left.Targets, target)
			}
			rest.Add(position, index)
		})
		if spent {
			rest.Attempts--
		}
		if len(rest.Runs) > 0 {
			left.Shares = append(left.Shares, rest)
			attempts = max(attempts, s.Attempts)
		}
	}
	if len(left.Shares) == 0 {
		return nil
	}
	left.Rows = len(left.Targets)
	wait := retryWait(attempts)
	if left.QuotaExhausted {
		wait = exhaustedWait
	}
	left.Due = time.Now().Add(wait).UTC()
	return left
}

// retryWait is the wait after so many attempts, with jitter.
func retryWait(attempts int) time.Duration {
	b := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(retryFirst),
		backoff.WithMultiplier(retryFactor),
		backoff.WithMaxInterval(retryMax),
		backoff.WithRandomizationFactor(0.2),
		backoff.WithMaxElapsedTime(0))
	wait := b.NextBackOff()
	for range min(attempts-1, 16) {
		wait = b.NextBackOff()
	}
	return wait
}

// replaceByRetryPart puts what is left of a job in its place.
func (l *Ledger) replaceByRetryPart(ctx context.Context, job *record.Job, sequence uint64, left *record.Job) error {
	at := place{sequence, job.ID}
	var of record.Place
	err := l.retry.untilDone(ctx, "find job", func() (err error) {
		of, err = l.jobs.Place(ctx, l.followed.current(at))
		return err
	})
	if err == nil && of.Subject == "" {
		of, err = l.restorePlace(ctx, at)
	}
	if err != nil || of.Subject == "" {
		return err
	}
	left.From = of.Sequence
	parts, err := left.Encode(l.jobs.PartLimit())
	if err != nil {
		return err
	}
	// The marks that its shares carry may make it larger than the job was: then it is in several
	// parts.
	kept := make([]uint64, len(parts))
	for i, data := range parts {
		of := record.Place{Subject: of.Subject + strings.Repeat("-more", i), Sequence: of.Sequence}
		err = l.retry.untilDone(ctx, "store what is left of job", func() (err error) {
			kept[i], err = l.jobs.PutRetryPart(ctx, of, left.Head, data)
			return err
		})
		if err != nil {
			return err
		}
		l.indexPart(data, kept[i], left.ID)
	}
	if err := l.Drop(ctx, job, sequence); err != nil {
		return err
	}
	for i := range parts {
		l.cfg.Retry(record.InFlight{Head: left.Head, Sequences: kept[i : i+1 : i+1]})
	}
	return nil
}

// restorePlace stores a part that was removed from outside while it was in memory, and returns its
// new place.
func (l *Ledger) restorePlace(ctx context.Context, at place) (of record.Place, err error) {
	now := place{l.followed.current(at), at.job}
	if !l.followed.follows(now) {
		return of, nil
	}
	if kept, err := l.restorePart(ctx, now); err != nil || !kept {
		return of, err
	}
	err = l.retry.untilDone(ctx, "find job", func() (err error) {
		of, err = l.jobs.Place(ctx, l.followed.current(at))
		return err
	})
	return of, err
}

func (l *Ledger) indexPart(data []byte, sequence uint64, job string) {
	l.followed.add(sequence, job)
	for k, err := range record.Keys(data) {
		if err == nil {
			l.index.add(k, sequence)
		}
	}
}

// RetryPart reads what is left of a job; nil when it is not there any more, or can't be read and is
// left alone. It tries until the context ends.
func (l *Ledger) RetryPart(ctx context.Context, sequence uint64) (*record.Job, error) {
	return l.part(ctx, place{sequence, l.followed.jobOf(sequence)})
}
