package ledger

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
)

// Load reads the stored jobs, and what is left of those that failed, and fills the index. A part
// written by a newer version is left alone, with an error in the log; it counts as in flight no
// more than as done.
func (l *Ledger) Load(ctx context.Context) ([]record.InFlight, error) {
	var jobs []record.InFlight
	at := make(map[string]int)
	left := make(map[uint64]int) // how many parts there are yet of what is left of a part
	for part, err := range l.jobs.All(ctx) {
		if err != nil {
			return nil, err
		}
		head, err := l.load(part)
		if err != nil {
			l.log.Error("stored job left alone", zap.Uint64("sequence", part.Sequence), zap.Error(err))
			continue
		}
		if head.IsRetryPart() {
			left[head.From]++
		}
		// Two calls may have one job id. Each has a record of its own, and is followed for its own
		// targets.
		key := fmt.Sprint(head.Account, "/", head.Zone, "/", head.ID, "/", head.Submitted.UnixNano())
		i, ok := at[key]
		if !ok || head.IsRetryPart() {
			i = len(jobs)
			if !head.IsRetryPart() {
				at[key] = i
			}
			jobs = append(jobs, record.InFlight{Head: head})
		}
		jobs[i].Sequences = append(jobs[i].Sequences, part.Sequence)
	}
	return l.finishReplaced(ctx, jobs, left)
}

// finishReplaced ends what a crash cut short: a part is removed once all that is left of it is
// stored; before, it is the part that counts, and is ended once more.
func (l *Ledger) finishReplaced(
	ctx context.Context, jobs []record.InFlight, left map[uint64]int,
) ([]record.InFlight, error) {
	over := make(map[uint64]bool)
	stored := make(map[uint64]bool)
	for i := range jobs {
		if !jobs[i].IsRetryPart() {
			for _, sequence := range jobs[i].Sequences {
				stored[sequence] = true
			}
			continue
		}
		over[jobs[i].From] = left[jobs[i].From] == jobs[i].Parts
	}
	jobs = slices.DeleteFunc(jobs, func(j record.InFlight) bool {
		return j.IsRetryPart() && !over[j.From] && stored[j.From]
	})
	for i := range jobs {
		for _, sequence := range jobs[i].Sequences {
			if !over[sequence] {
				continue
			}
			job, err := l.part(ctx, place{sequence, jobs[i].ID})
			if err == nil && job != nil {
				err = l.Drop(ctx, job, sequence)
			}
			if err != nil {
				return nil, err
			}
		}
		jobs[i].Sequences = slices.DeleteFunc(jobs[i].Sequences, func(s uint64) bool { return over[s] })
	}
	return slices.DeleteFunc(jobs, func(j record.InFlight) bool { return len(j.Sequences) == 0 }), nil
}

func (l *Ledger) load(part record.StoredJob) (record.Head, error) {
	head, err := record.DecodeHead(firstLine(part.Data))
	if err != nil {
		return record.Head{}, err
	}
	var keys []record.Key
	for k, err := range record.Keys(part.Data) {
		if err != nil {
			return record.Head{}, err
		}
		keys = append(keys, k)
	}
	for _, k := range keys {
		l.index.add(k, part.Sequence)
	}
	l.followed.add(part.Sequence, head.ID)
	return head, nil
}

func firstLine(data []byte) []byte {
	for i, c := range data {
		if c == '\n' {
			return data[:i]
		}
	}
	return data
}

// OrphanedJobs returns the stored parts that nobody follows, now and at the look before: a leader
// that was stopped may store a job after the next one has loaded them. It reads them only if there
// are more than are known of.
func (l *Ledger) OrphanedJobs(ctx context.Context) ([]record.InFlight, error) {
	count, err := l.jobs.Count(ctx)
	if err != nil {
		return nil, err
	}
	before := l.orphans.take()
	if count <= l.followed.len() {
		return nil, nil
	}
	var orphaned []record.InFlight
	for part, err := range l.jobs.All(ctx) {
		if err != nil {
			return nil, err
		}
		if l.followed.has(part.Sequence) {
			continue
		}
		if !before[part.Sequence] {
			l.orphans.add(part.Sequence)
			continue
		}
		head, err := l.load(part)
		if err != nil {
			l.log.Error("stored job left alone", zap.Uint64("sequence", part.Sequence), zap.Error(err))
			continue
		}
		l.log.Warn("stored job that nobody followed", zap.String("job", head.ID), zap.Uint64("sequence", part.Sequence))
		orphaned = append(orphaned, record.InFlight{Head: head, Sequences: []uint64{part.Sequence}})
	}
	return orphaned, nil
}

// orphans are the parts that nobody followed at the last look.
type orphans struct {
	mu   sync.Mutex
	seen map[uint64]bool
}

// take returns those of the last look, and begins a new one.
func (o *orphans) take() map[uint64]bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	last := o.seen
	o.seen = make(map[uint64]bool)
	return last
}

func (o *orphans) add(sequence uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen[sequence] = true
}
