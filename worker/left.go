package worker

import (
	"container/heap"
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

// What is left of a job whose task failed comes back from the ledger. It is stored; until it is due only
// its name is kept here. Then its targets get in line like those of a request that was just admitted,
// and once they stand in other records it is dropped.

// leftovers are parts that are to be sent again, the next one first.
type leftovers []record.InFlight

func (l leftovers) Len() int           { return len(l) }
func (l leftovers) Less(i, j int) bool { return l[i].Due.Before(l[j].Due) }
func (l leftovers) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }
func (l *leftovers) Push(x any)        { *l = append(*l, x.(record.InFlight)) }
func (l *leftovers) Pop() any {
	last := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return last
}

// leftAgain is how often it is looked whether the zone of what is to be sent again takes calls.
const leftAgain = 5 * time.Second

// leftover is one of them while its targets are in line.
type leftover struct {
	job      *record.Job
	sequence uint64
	open     int // its requests that have targets in no other record
}

// Again has what is left of a job sent again when it is due. Where its zone's day was exhausted, all of
// the zone and type waits for the next one. It does not block.
func (w *Worker) Again(job record.InFlight) {
	w.mu.Lock()
	heap.Push(&w.left, job)
	w.mu.Unlock()
	if job.QuotaExhausted {
		w.exhausted(&job.Head, job.Rows)
	}
	wait.Signal(w.due)
	wait.Signal(w.wake)
}

// exhausted notes that the day of a job's kind is exhausted, as EdgeOne reports of targets that it accepted.
func (w *Worker) exhausted(h *record.Head, targets int) {
	now := time.Now()
	w.quota.DayRefused(quota.Kind{Zone: h.Zone, Type: h.Type}, targets, now, now)
}

// resend takes up what is due while there is room, until stop ends.
func (w *Worker) resend(stop, work context.Context) {
	for stop.Err() == nil {
		job, wait := w.nextLeft(time.Now())
		if job == nil {
			timer := time.NewTimer(wait)
			select {
			case <-stop.Done():
			case <-w.due:
			case <-timer.C:
			}
			timer.Stop()
			continue
		}
		if err := w.takeUp(work, job.Sequences[0]); err != nil {
			return // the context has ended: it is stored, and taken up by the next owner
		}
	}
}

// nextLeft gives what is due, if there is room for it, or how long nothing will be.
func (w *Worker) nextLeft(now time.Time) (*record.InFlight, time.Duration) {
	room := w.budget.Room(purge.Bulk)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.left) == 0 {
		return nil, time.Hour
	}
	if wait := w.left[0].Due.Sub(now); wait > 0 {
		return nil, wait
	}
	if room <= 0 {
		return nil, checkEvery
	}
	job := heap.Pop(&w.left).(record.InFlight)
	waits := w.quota.Until(quota.Kind{Zone: job.Zone, Type: job.Type}, now).Waits
	waiting := w.batcher.WaitersOf(w.cfg.Account, job.Zone, job.Type)
	if waits && waiting > 0 && waiting+job.Rows > w.share(purge.Bulk) {
		job.Due = now.Add(leftAgain) // it is stored: it fills no window until its zone takes calls (I7)
		heap.Push(&w.left, job)
		return nil, 0
	}
	return &job, 0
}

// takeUp puts the targets of a stored part in line.
func (w *Worker) takeUp(ctx context.Context, sequence uint64) error {
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
	of := &leftover{job: job, sequence: sequence, open: len(job.Shares)}
	now := time.Now()
	w.mu.Lock()
	for i := range job.Shares {
		w.lineUp(now, g, of, &job.Shares[i])
	}
	w.quota.Want(kindOf(g), now)
	if job.QuotaExhausted {
		w.exhausted(&job.Head, len(job.Targets))
	}
	w.mu.Unlock()
	wait.Signal(w.wake)
	return nil
}

func (w *Worker) lineUp(now time.Time, g batcher.Group, of *leftover, s *record.Share) {
	r := &request{Request: inflight.NewRetry(s, of.job.Targets), cameBy: purge.Bulk, of: of}
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

// dropLeft drops the parts whose requests all have their targets in other records by now.
func (w *Worker) dropLeft(ctx context.Context, done []*request) {
	var empty []*leftover
	w.mu.Lock()
	for _, r := range done {
		if r.of == nil {
			continue
		}
		if r.of.open--; r.of.open == 0 {
			empty = append(empty, r.of)
		}
	}
	w.mu.Unlock()
	for _, of := range empty {
		if err := w.Ledger.Drop(ctx, of.job, of.sequence); err != nil {
			return // the context has ended: it is taken up once more
		}
	}
}
