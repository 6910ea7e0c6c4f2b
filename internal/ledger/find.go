package ledger

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/edgepurge/edgepurge/internal/record"
)

// progressAtOnce is how many progress records are read at a time: a take-over asks for many, and
// one after the other would add up what each takes on a busy machine.
const progressAtOnce = 32

// Query asks what is known of a request. Again says that its message was delivered before, so that
// a part of its targets may have their outcome already; Parked that it comes from a queue.
type Query struct {
	Key         record.Key
	Total       int // its targets
	Redelivered bool
	Parked      bool
}

// Find returns which of the requests have ended or are in flight; those it knows nothing of are not
// in the map. One whose last target got its outcome right before a crash gets its event now. It
// tries until the context ends.
func (l *Ledger) Find(ctx context.Context, queries []Query) (map[record.Key]record.Found, error) {
	if len(queries) == 0 {
		return nil, nil
	}
	var found map[record.Key]record.Found
	err := l.retry.untilDone(ctx, "look up requests", func() (err error) {
		found, err = l.finder.find(ctx, queries)
		return err
	})
	return found, err
}

// finder looks for requests in the streams that they may be in. It changes nothing, except that it
// closes the progress of a request that a crash left open.
type finder struct {
	index    *index
	jobs     JobStore
	events   EventStore
	parked   ParkedStore
	progress *progress
	parking  *atomic.Bool // something may be parked
	log      *zap.Logger
}

func (fd *finder) find(ctx context.Context, queries []Query) (map[record.Key]record.Found, error) {
	// The index is read before the events: a request that ends in between has left the index only
	// after its event was stored, so one of the two looks sees it.
	parts := make(map[uint64][]record.Key)
	keys := make([]record.Key, len(queries))
	for i, q := range queries {
		keys[i] = q.Key
		for _, s := range fd.index.of(q.Key) {
			parts[s] = append(parts[s], q.Key)
		}
	}
	found := make(map[record.Key]record.Found)
	if err := fd.findEnded(ctx, keys, found); err != nil {
		return nil, err
	}
	var gone []record.Key
	for sequence, keys := range parts {
		there, err := fd.findRecorded(ctx, sequence, keys, found)
		if err != nil {
			return nil, err
		}
		if !there {
			gone = append(gone, keys...)
		}
	}
	if err := fd.findEnded(ctx, gone, found); err != nil {
		return nil, err
	}
	if err := fd.findParked(ctx, queries, found); err != nil {
		return nil, err
	}
	if err := fd.findProgress(ctx, queries, found); err != nil {
		return nil, err
	}
	return found, nil
}

func (fd *finder) findEnded(ctx context.Context, keys []record.Key, found map[record.Key]record.Found) error {
	if len(keys) == 0 {
		return nil
	}
	ended, err := fd.events.Find(ctx, keys)
	if err != nil {
		return err
	}
	for k, o := range ended {
		found[k] = record.Found{Digest: o.Digest, Received: o.Times.Received, Ended: true}
	}
	return nil
}

// findParked finds what waits in a queue, though other targets of the request may be in jobs. Only
// the leader parks, so that it knows whether there is any.
func (fd *finder) findParked(ctx context.Context, queries []Query, found map[record.Key]record.Found) error {
	if !fd.parking.Load() {
		return nil
	}
	var keys []record.Key
	for _, q := range queries {
		if f := found[q.Key]; !f.AllRecorded() && !q.Parked {
			keys = append(keys, q.Key)
		}
	}
	parked, err := fd.parked.Find(ctx, keys)
	if err != nil {
		return err
	}
	for k, r := range parked {
		found[k] = record.Found{Digest: r.Digest, Received: r.Received, Parked: true}
	}
	return nil
}

// findRecorded adds what a part holds of the requests; false when the part is gone.
func (fd *finder) findRecorded(
	ctx context.Context, sequence uint64, keys []record.Key, found map[record.Key]record.Found,
) (bool, error) {
	data, err := fd.jobs.Get(ctx, sequence)
	if err != nil {
		return false, err
	}
	if data == nil {
		return false, nil
	}
	job, err := record.DecodeJob(data)
	if err != nil {
		fd.log.Error("stored job left alone", zap.Uint64("sequence", sequence), zap.Error(err))
		return true, nil
	}
	wanted := make(map[record.Key]bool, len(keys))
	for _, k := range keys {
		wanted[k] = true
	}
	for i := range job.Shares {
		s := &job.Shares[i]
		if f := found[s.Key()]; wanted[s.Key()] && !f.Ended {
			f.Digest, f.Received, f.Rules = s.Digest, s.Received, s.Rules
			f.Recorded = addShare(f.Recorded, s)
			found[s.Key()] = f
		}
	}
	return true, nil
}

func addShare(held []bool, s *record.Share) []bool {
	if held == nil {
		held = make([]bool, s.Total)
	}
	mark := func(index int) {
		if index >= 0 && index < len(held) {
			held[index] = true
		}
	}
	for _, r := range s.Runs {
		for i := range r[2] {
			mark(r[1] + i)
		}
	}
	for _, f := range s.EarlierFailures {
		mark(f.Index)
	}
	return held
}

// findProgress adds what the progress records say of those that may have one: a single target needs
// none.
func (fd *finder) findProgress(ctx context.Context, queries []Query, found map[record.Key]record.Found) error {
	var keys []record.Key
	for _, q := range queries {
		f := found[q.Key]
		partly := len(f.Recorded) > 0 && !f.AllRecorded()
		if !f.Parked && (q.Redelivered && q.Total != 1 || partly) {
			keys = append(keys, q.Key)
		}
	}
	records := make([]*record.Progress, len(keys))
	var reads errgroup.Group
	reads.SetLimit(progressAtOnce)
	for i, k := range keys {
		reads.Go(func() error {
			p, _, err := fd.progress.read(ctx, k)
			if errors.Is(err, errLeftAlone) {
				return nil
			}
			records[i] = p
			return err
		})
	}
	if err := reads.Wait(); err != nil {
		return err
	}
	for i, p := range records {
		if p == nil {
			continue
		}
		if err := fd.addProgress(ctx, keys[i], p, found); err != nil {
			return err
		}
	}
	return nil
}

// addProgress adds what a progress record says.
func (fd *finder) addProgress(
	ctx context.Context, k record.Key, p *record.Progress, found map[record.Key]record.Found,
) error {
	f := found[k]
	if _, _, open := p.Counts(); open == 0 && !p.Closed {
		// Its message came again, so nothing else is left that would publish its event.
		if err := fd.progress.close(ctx, p); err != nil {
			return err
		}
	}
	if f.Ended || p.Closed {
		found[k] = record.Found{Digest: cmp.Or(f.Digest, p.Request.Digest), Received: p.Request.Received, Ended: true}
		return nil
	}
	f.Digest, f.Received, f.Rules = p.Request.Digest, p.Request.Received, p.Request.Rules
	if f.Recorded == nil {
		f.Recorded = make([]bool, p.Request.Total)
	}
	for i := range f.Recorded {
		f.Recorded[i] = f.Recorded[i] || p.State(i) >= record.Refused
	}
	found[k] = f
	return nil
}
