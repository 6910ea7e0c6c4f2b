package ledger

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
)

// A stored part can vanish: somebody purges or deletes the stream of the jobs while a leader works.
// What is still whole in memory is stored again, in another place; who asks for it by its old place
// is led there.

// errNotLeading says that a part may be gone because another process leads, and has ended its job.
var errNotLeading = errors.New("not stored again: this replica is not sure that it leads")

// maxNamed bounds how many jobs one line of the log names.
const maxNamed = 20

// Recover looks for parts that were removed from outside, among those below first, and stores again
// what is in memory of them. What is not is gone: its requests get no event; an error in the log
// names the jobs. It tries until the context ends.
func (l *Ledger) Recover(ctx context.Context, first uint64) error {
	var gone []string
	stored := 0
	for _, at := range l.followed.below(first) {
		there, err := l.isStored(ctx, at)
		if err != nil {
			return err
		}
		if there || !l.followed.follows(at) {
			continue
		}
		if !l.cfg.Leads() {
			return errNotLeading
		}
		kept, err := l.restorePart(ctx, at)
		if err != nil {
			return err
		}
		if kept {
			stored++
		} else {
			gone = append(gone, at.job)
		}
	}
	if stored > 0 {
		l.log.Warn("stored jobs were removed from outside; those in memory are stored again", zap.Int("parts", stored))
	}
	if len(gone) > 0 {
		l.log.Error("stored jobs were removed from outside and are gone: "+
			"their requests get no event, and have to be published again",
			zap.Int("parts", len(gone)), zap.Strings("jobs", gone[:min(len(gone), maxNamed)]))
	}
	return nil
}

// isStored reports whether the store still has a part.
func (l *Ledger) isStored(ctx context.Context, at place) (there bool, err error) {
	err = l.retry.untilDone(ctx, "look for job", func() error {
		data, err := l.jobs.Get(ctx, at.sequence)
		if err != nil || data == nil {
			there = false
			return err
		}
		there = isOf(data, at.job)
		return nil
	})
	return there, err
}

// isOf reports whether a part is of a job. One that cannot be read is left alone, as if it were.
func isOf(part []byte, job string) bool {
	head, err := record.DecodeHead(firstLine(part))
	return err != nil || head.ID == job
}

// restorePart stores a part that is in memory in another place; false when it is not in memory.
func (l *Ledger) restorePart(ctx context.Context, at place) (bool, error) {
	job := l.recent.get(at.sequence)
	if job == nil || job.ID != at.job {
		l.followed.forget(at)
		return false, nil
	}
	if !l.cfg.Leads() {
		return false, errNotLeading
	}
	data, err := job.EncodePart()
	if err != nil {
		return false, fmt.Errorf("store job again: %w", err)
	}
	var sequence uint64
	err = l.retry.untilDone(ctx, "store job again", func() (err error) {
		sequence, err = l.jobs.PutAgain(ctx, job.Head, at.sequence, data)
		return err
	})
	if err != nil {
		return false, err
	}
	if err := l.displace(ctx, sequence, at.job); err != nil {
		return false, err
	}
	for i := range job.Shares {
		l.index.add(job.Shares[i].Key(), sequence)
	}
	if !l.followed.move(at, sequence) { // it was ended meanwhile
		return true, l.dropStored(ctx, job, sequence)
	}
	if sequence == at.sequence { // the stream was made anew and counts from the start
		return true, nil
	}
	l.recent.remove(at.sequence)
	l.recent.add(sequence, job)
	for i := range job.Shares {
		l.index.remove(job.Shares[i].Key(), at.sequence)
	}
	return true, nil
}

// displace makes room for a part that was stored under the number of another one, which the stream
// has forgotten.
func (l *Ledger) displace(ctx context.Context, sequence uint64, job string) error {
	old := l.followed.jobOf(sequence)
	if old == "" || old == job {
		return nil
	}
	kept, err := l.restorePart(ctx, place{sequence, old})
	if err == nil && !kept {
		l.log.Error("stored job was removed from outside and is gone: "+
			"its requests get no event, and have to be published again",
			zap.String("job", old))
	}
	return err
}
