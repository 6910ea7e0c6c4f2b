package worker

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/record"
)

// record stores the job that a batch became and hands it to the tracker; only then may the messages
// of its requests be acked (I2).
func (w *Worker) record(ctx context.Context, batch *batcher.Batch[waiter], created edgeone.Created, sent time.Time) {
	f := w.file(batch, created, sent)
	if job := f.job; len(job.Shares) > 0 {
		stored, err := w.Ledger.Record(ctx, job)
		if err != nil {
			w.Log.Error("job not recorded; its requests are sent again", zap.String("job", job.ID), zap.Error(err))
			return // the messages come again, to the next owner
		}
		w.Log.Info("job submitted", zap.String("job", job.ID), zap.String("zone", job.Zone), zap.String("type", job.Type),
			zap.Int("targets", job.Rows), zap.Int("requests", len(job.Shares)), zap.Int("tries", batch.Tries+1),
			zap.Duration("waited", sent.Sub(batch.Since)))
		w.Tracker.Track(stored)
		w.recorded(f)
	}
	w.finish(ctx, f.done)
}

// file writes down which request has which targets in the job, and which targets EdgeOne refused.
func (w *Worker) file(batch *batcher.Batch[waiter], created edgeone.Created, sent time.Time) *filing {
	g := batch.Group
	f := &filing{
		job: &record.Job{Head: record.Head{
			Account: g.Account, Zone: g.Zone, ID: created.JobID, Type: g.Type, Method: g.Method,
			Submitted: sent, Created: created.ServerTime,
		}},
		refused: refusals(created),
		share:   make(map[*request]int),
		table:   make(map[string]int),
	}
	if g.Hosts != "" {
		f.job.Hosts = strings.Split(g.Hosts, ",")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range batch.Slots {
		f.slot(s, sent)
	}
	// Only now is it known which requests have targets elsewhere.
	for i, r := range f.requests {
		s := &f.job.Shares[i]
		r.spans = r.spans || r.unassigned > 0
		s.Spans = r.spans
		if !s.Spans {
			s.Settled = r.failures
		}
	}
	return f
}

// filing is a job record in the making.
type filing struct {
	job     *record.Job
	refused map[string]string // target -> reason

	requests []*request       // of the job's shares
	share    map[*request]int // their positions
	table    map[string]int   // target as written -> position
	done     []*request       // requests that have nothing left to do but their end
}

func (f *filing) slot(s *batcher.Slot[waiter], sent time.Time) {
	reason, refused := f.refused[s.Target]
	if !refused {
		f.job.Rows++
	}
	for _, p := range s.Waiters {
		p.sent = true
		if p.first.IsZero() {
			p.first = sent
		}
		if refused {
			p.fail(p.index, refusedCode, reason, "")
			if p.unrecorded == 0 {
				f.done = append(f.done, p.request)
			}
			continue
		}
		f.add(p)
	}
}

// refusedCode is EdgeOne's code for a target that it does not take; its list of refused targets has
// reasons without codes.
const refusedCode = "InvalidParameter.Target"

func (f *filing) add(p waiter) {
	i, ok := f.share[p.request]
	if !ok {
		i = len(f.job.Shares)
		f.share[p.request] = i
		f.requests = append(f.requests, p.request)
		f.job.Shares = append(f.job.Shares, record.Share{Request: p.Request, Attempts: 1})
		p.jobs++
	}
	written := ""
	if p.index < len(p.body.Targets) {
		written = p.body.Targets[p.index]
	}
	at, ok := f.table[written]
	if !ok {
		at = len(f.job.Targets)
		f.table[written] = at
		f.job.Targets = append(f.job.Targets, written)
	}
	f.job.Shares[i].Add(at, p.index)
	p.unassigned--
}

func refusals(c edgeone.Created) map[string]string {
	all := make(map[string]string)
	for _, r := range c.Refused {
		for _, target := range r.Targets {
			all[target] = cmp.Or(r.Reason, "refused by EdgeOne")
		}
	}
	return all
}

// recorded counts what stands in the stored job.
func (w *Worker) recorded(f *filing) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, r := range f.requests {
		s := &f.job.Shares[i]
		r.spans = r.spans || s.Spans // it may have been too large for one part
		if r.unrecorded -= s.Count(); r.unrecorded == 0 {
			f.done = append(f.done, r)
		}
	}
}

// refuseBatch ends every target of a batch with EdgeOne's code.
func (w *Worker) refuseBatch(ctx context.Context, batch *batcher.Batch[waiter], err error) {
	code := cmp.Or(edgeone.Code(err), "Unknown")
	var done []*request
	w.mu.Lock()
	for _, s := range batch.Slots {
		for _, p := range s.Waiters {
			p.sent = true
			p.fail(p.index, code, reasonOf(err), "")
			if p.unrecorded == 0 {
				done = append(done, p.request)
			}
		}
	}
	w.mu.Unlock()
	w.finish(ctx, done)
}

// reasonOf is what EdgeOne said, without where and what to do about it.
func reasonOf(err error) string {
	if e, ok := errors.AsType[*edgeone.Error](err); ok {
		return e.Message
	}
	return err.Error()
}

// finish does what is left of requests whose targets all stand in durable records or have their end:
// it tells those that no job holds, notes the failures of those that span jobs, and acks.
func (w *Worker) finish(ctx context.Context, done []*request) {
	if len(done) == 0 {
		return
	}
	var ends []record.Tally
	var spanning []*request
	w.mu.Lock()
	for _, r := range done {
		switch {
		case r.spans:
			if len(r.failures) > 0 {
				spanning = append(spanning, r)
			}
		case r.jobs == 0:
			ends = append(ends, r.tally())
		}
	}
	w.mu.Unlock()
	if err := w.Ledger.Tell(ctx, ends); err != nil {
		return // the context has ended: the messages come again
	}
	for _, r := range spanning {
		err := w.Ledger.Settle(ctx, r.Request, r.failures, r.sent)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return
		default: // not acked: it is kept for an owner that can read its record (I2)
			w.Log.Error("request kept", zap.Stringer("request", r.Key()), zap.Error(err))
			done = slices.DeleteFunc(slices.Clone(done), func(d *request) bool { return d == r })
		}
	}
	w.ackRequests(ctx, done)
}

// ackRequests acks all messages of requests, those that join meanwhile too, and forgets them.
func (w *Worker) ackRequests(ctx context.Context, done []*request) {
	acked := make(map[string]bool)
	for {
		var replies []string
		w.mu.Lock()
		for _, r := range done {
			for _, p := range r.replies {
				if !acked[p.subject] {
					acked[p.subject] = true
					replies = append(replies, p.subject)
				}
			}
		}
		if len(replies) == 0 {
			for _, r := range done {
				w.forget(r)
			}
			w.mu.Unlock()
			return
		}
		w.mu.Unlock()
		w.ack(ctx, replies)
	}
}

// ack tells the broker that messages are done. When it can't, they come again and are found in the
// ledger: an ack that is lost costs a look-up, not a purge.
func (w *Worker) ack(ctx context.Context, replies []string) {
	for len(replies) > 0 && ctx.Err() == nil {
		if w.Lease.Valid() {
			err := w.Acker.Ack(ctx, replies)
			if err == nil {
				return
			}
			w.Log.Debug("not acked, trying again", zap.Error(err))
		}
		sleep(ctx, 100*time.Millisecond)
	}
}
