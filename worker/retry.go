package worker

import (
	"context"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/duequeue"
	"github.com/edgepurge/edgepurge/internal/inflight"
	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/metrics"
	"github.com/edgepurge/edgepurge/internal/parking"
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

// retrier puts parts of jobs in line when they are due.
type retrier struct {
	*state

	account  string
	line     *line
	table    *table
	retries  *duequeue.Queue[record.InFlight] // that are not in line yet
	overflow *parking.Overflow[*request]
	quota    *quota.Gate
	ledger   *ledger.Ledger
	metrics  *metrics.Pipeline
	log      *zap.Logger
}

func newRetrier(w *Worker, deps Deps) *retrier {
	return &retrier{
		state: w.state, account: w.cfg.Account, line: w.line, table: w.table, quota: w.quota,
		overflow: w.parker.overflow, retries: duequeue.New[record.InFlight](), ledger: deps.Ledger,
		metrics: deps.Metrics, log: deps.Log,
	}
}

// Retry has a part of a job sent again when it is due. Where its zone's day was exhausted, all of
// the zone and type waits for the next one. It does not block.
func (w *Worker) Retry(job record.InFlight) {
	w.retrier.retries.Add(job.Due, job)
	if job.QuotaExhausted {
		w.retrier.exhausted(&job.Head, job.Rows)
	}
	wait.Signal(w.line.wake)
}

// exhausted notes that the day of a job's kind is exhausted, as EdgeOne reports of targets that it
// accepted.
func (rt *retrier) exhausted(h *record.Head, targets int) {
	now := time.Now()
	rt.quota.DayRefused(quota.Kind{Zone: h.Zone, Type: h.Type}, targets, now, now)
}

// retry puts the parts that are due in line while there is room, until stop ends.
func (rt *retrier) retry(stop, work context.Context) {
	for {
		for rt.table.budget.Room(purge.Bulk) <= 0 {
			if !wait.Sleep(stop, checkEvery) {
				return
			}
		}
		job, ok := rt.retries.Take(stop)
		if !ok {
			return
		}
		if due, now := rt.retryAt(&job, time.Now()); !now {
			rt.retries.Add(due, job)
			continue
		}
		if err := rt.enqueueRetry(work, job.Sequences[0]); err != nil {
			return // the context has ended: it is stored, and put in line by the next leader
		}
	}
}

// retryAt reports whether a part that is due can be put in line now, and else when it is due. What
// its zone does not take yet is stored, and fills no window until then (I7).
func (rt *retrier) retryAt(job *record.InFlight, now time.Time) (due time.Time, ok bool) {
	if rt.table.budget.Room(purge.Bulk) <= 0 {
		return now, false
	}
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if !rt.overflow.Fits(quota.Kind{Zone: job.Zone, Type: job.Type}, job.Rows, now) {
		return now.Add(retryBlocked), false
	}
	return now, true
}

// enqueueRetry puts the targets of a stored part in line.
func (rt *retrier) enqueueRetry(ctx context.Context, sequence uint64) error {
	job, err := rt.ledger.RetryPart(ctx, sequence)
	if err != nil || job == nil {
		return err
	}
	rt.log.Info("sending again what failed", zap.String("job", job.ID), zap.String("zone", job.Zone),
		zap.Int("targets", len(job.Targets)), zap.Int("requests", len(job.Shares)))
	rt.metrics.Again(len(job.Targets))
	g := batcher.Group{
		Account: rt.account, Zone: job.Zone, Type: job.Type, Method: job.Method, Hosts: strings.Join(job.Hosts, ","),
	}
	part := &retryPart{job: job, sequence: sequence, open: len(job.Shares)}
	now := time.Now()
	rt.mu.Lock()
	for i := range job.Shares {
		rt.enqueueShare(now, g, part, &job.Shares[i])
	}
	rt.quota.Want(kindOf(g), now)
	if job.QuotaExhausted {
		rt.exhausted(&job.Head, len(job.Targets))
	}
	rt.mu.Unlock()
	wait.Signal(rt.line.wake)
	return nil
}

func (rt *retrier) enqueueShare(now time.Time, g batcher.Group, part *retryPart, s *record.Share) {
	r := &request{Request: inflight.NewRetry(s, part.job.Targets), cameBy: purge.Bulk, part: part}
	lane := s.Lane
	if s.Count() > largeRequest {
		lane = purge.Bulk
	}
	for _, run := range s.Runs {
		for i := range run[2] {
			index := run[1] + i
			rt.batcher.Add(now, g, lane, sentForm(&s.Request, r.Body.Targets[index]), waiter{r, index})
		}
	}
	rt.table.weigh(r)
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
