package worker

import (
	"context"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/inflight"
	"github.com/edgepurge/edgepurge/internal/quota"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

// What EdgeOne failed of a job comes back from the ledger as a part to be tried again. It is
// stored; until it is due only its name is kept here. Then its targets get in line like those of a
// request that was just admitted, and once they stand in other records the part is dropped.

// retryBlocked is how long a part waits whose zone takes no calls.
const retryBlocked = 5 * time.Second

// retryPart is a part while its targets are in line.
type retryPart struct {
	job      *record.Job
	sequence uint64
	open     int // its requests that have targets in no other record
}

// Retry has a part of a job sent again when it is due. Where its zone's day was exhausted, all of
// the zone and type waits for the next one. It does not block.
func (w *Worker) Retry(job record.InFlight) {
	w.retries.Add(job.Due, job)
	if job.QuotaExhausted {
		w.exhausted(&job.Head, job.Rows)
	}
	wait.Signal(w.wake)
}

// exhausted notes that the day of a job's kind is exhausted, as EdgeOne reports of targets that it
// accepted.
func (w *Worker) exhausted(h *record.Head, targets int) {
	now := time.Now()
	w.quota.DayRefused(quota.Kind{Zone: h.Zone, Type: h.Type}, targets, now, now)
}

// retry puts the parts that are due in line while there is room, until stop ends.
func (w *Worker) retry(stop, work context.Context) {
	for {
		for w.budget.Room(purge.Bulk) <= 0 {
			if !wait.Sleep(stop, checkEvery) {
				return
			}
		}
		job, ok := w.retries.Take(stop)
		if !ok {
			return
		}
		if due, now := w.retryAt(&job, time.Now()); !now {
			w.retries.Add(due, job)
			continue
		}
		if err := w.enqueueRetry(work, job.Sequences[0]); err != nil {
			return // the context has ended: it is stored, and put in line by the next leader
		}
	}
}

// retryAt reports whether a part that is due can be put in line now, and else when it is due. What
// its zone does not take yet is stored, and fills no window until then (I7).
func (w *Worker) retryAt(job *record.InFlight, now time.Time) (due time.Time, ok bool) {
	if w.budget.Room(purge.Bulk) <= 0 {
		return now, false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.overflow.Fits(quota.Kind{Zone: job.Zone, Type: job.Type}, job.Rows, now) {
		return now.Add(retryBlocked), false
	}
	return now, true
}

// enqueueRetry puts the targets of a stored part in line.
func (w *Worker) enqueueRetry(ctx context.Context, sequence uint64) error {
	job, err := w.Ledger.RetryPart(ctx, sequence)
	if err != nil || job == nil {
		return err
	}
	w.Log.Info("sending again what failed", zap.String("job", job.ID), zap.String("zone", job.Zone),
		zap.Int("targets", len(job.Targets)), zap.Int("requests", len(job.Shares)))
	w.Metrics.Again(len(job.Targets))
	g := batcher.Group{
		Account: w.cfg.Account, Zone: job.Zone, Type: job.Type, Method: job.Method, Hosts: strings.Join(job.Hosts, ","),
	}
	part := &retryPart{job: job, sequence: sequence, open: len(job.Shares)}
	now := time.Now()
	w.mu.Lock()
	for i := range job.Shares {
		w.enqueueShare(now, g, part, &job.Shares[i])
	}
	w.quota.Want(kindOf(g), now)
	if job.QuotaExhausted {
		w.exhausted(&job.Head, len(job.Targets))
	}
	w.mu.Unlock()
	wait.Signal(w.wake)
	return nil
}

func (w *Worker) enqueueShare(now time.Time, g batcher.Group, part *retryPart, s *record.Share) {
	r := &request{Request: inflight.NewRetry(s, part.job.Targets), cameBy: purge.Bulk, part: part}
	lane := s.Lane
	if s.Count() > largeRequest {
		lane = purge.Bulk
	}
	for _, run := range s.Runs {
		for i := range run[2] {
			index := run[1] + i
			w.batcher.Add(now, g, lane, sentForm(&s.Request, r.Body.Targets[index]), waiter{r, index})
		}
	}
	w.weigh(r)
}

// sentForm is the form in which a target was sent before, and by which it is coalesced.
func sentForm(r *record.Request, target string) string {
	if r.Type == purge.All {
		return ""
	}
	c, err := r.Canonical(target)
	if err != nil {
		return target // sent before all the same
	}
	return c
}

// dropRetries drops the parts whose requests all have their targets in other records by now.
func (w *Worker) dropRetries(ctx context.Context, done []*request) {
	var empty []*retryPart
	w.mu.Lock()
	for _, r := range done {
		if r.part == nil {
			continue
		}
		if r.part.open--; r.part.open == 0 {
			empty = append(empty, r.part)
		}
	}
	w.mu.Unlock()
	for _, part := range empty {
		if err := w.Ledger.Drop(ctx, part.job, part.sequence); err != nil {
			return // the context has ended: it is taken up once more
		}
	}
}
