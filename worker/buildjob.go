package worker

import (
	"strings"
	"time"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/record"
)

// buildJob makes the record of a job: which request has which targets in it, and which targets
// EdgeOne refused.
func (rc *recorder) buildJob(
	batch *batcher.Batch[waiter], created edgeone.Created, out refusedTargets, sent time.Time,
) *jobBuilder {
	g := batch.Group
	f := &jobBuilder{
		job: &record.Job{Head: record.Head{
			Account: g.Account, Zone: g.Zone, ID: created.JobID, Type: g.Type, Method: g.Method,
			Submitted: sent, Created: created.ServerTime,
		}},
		refused: out,
		share:   make(map[*request]int, len(batch.Slots)),
		table:   make(map[string]int, len(batch.Slots)),
	}
	if f.refused.unnamed > 0 {
		f.job.Unnamed, f.job.Refusal = f.refused.unnamed, cut(f.refused.why, maxRefusal)
	}
	f.job.Targets = make([]string, 0, len(batch.Slots))
	f.job.Shares = make([]record.Share, 0, len(batch.Slots)) // most requests have one target
	if g.Hosts != "" {
		f.job.Hosts = strings.Split(g.Hosts, ",")
	}
	rc.mu.Lock()
	defer rc.mu.Unlock()
	for _, s := range batch.Slots {
		f.slot(s, sent)
	}
	// Only now is it known which requests have targets elsewhere.
	for i, r := range f.requests {
		s := &f.job.Shares[i]
		s.MultiJob, s.EarlierFailures = r.Filed()
	}
	return f
}

// jobBuilder is the record of a job in the making.
type jobBuilder struct {
	job     *record.Job
	refused refusedTargets

	requests []*request       // of the job's shares
	share    map[*request]int // the position of each
	table    map[string]int   // target as written → its position
	done     []*request       // requests that got done with it
}

func (f *jobBuilder) slot(s *batcher.Slot[waiter], sent time.Time) {
	reason, refused := f.refused.reasons[s.Target]
	if !refused {
		f.job.Rows++
	}
	for _, p := range s.Waiters {
		p.Submitted(sent)
		switch {
		case !refused:
			f.add(p)
		case p.Fail(p.index, record.CodeRefused, reason, ""):
			f.done = append(f.done, p.request)
		}
	}
}

func (f *jobBuilder) add(p waiter) {
	if !p.Assign(p.index) {
		return // it is in another job
	}
	i, ok := f.share[p.request]
	if !ok {
		i = len(f.job.Shares)
		f.share[p.request] = i
		f.requests = append(f.requests, p.request)
		f.job.Shares = append(f.job.Shares, record.Share{Request: p.Request.Request, Attempts: p.Attempts + 1})
	}
	written := ""
	if p.index < len(p.Body.Targets) {
		written = p.Body.Targets[p.index]
	}
	at, ok := f.table[written]
	if !ok {
		at = len(f.job.Targets)
		f.table[written] = at
		f.job.Targets = append(f.job.Targets, written)
	}
	f.job.Shares[i].Add(at, p.index)
}
