package ledger_test

import (
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

var errFault = errors.New("no answer in time")

// fault is what becomes of one call of the store.
type fault int

const (
	none   fault = iota
	before       // an error, and it did not happen
	after        // an error, but it happened
	half         // an error, and the first half of it happened, where it has halves
)

var faultNames = map[fault]string{before: "not done", after: "done all the same", half: "half done"}

// faulty is a store behind a network that fails as the test says.
type faulty struct {
	ledger.Store

	// limit of a part; 0: the store's.
	limit int
	// plan tells what becomes of a call; nil: all goes well. Calls count from 1. It is called for one
	// call at a time.
	plan func(call int, method string) fault
	// look, if not nil, is called ahead of each call.
	look func(method string)

	mu     sync.Mutex
	calls  int
	events [][]purge.Event // of each PutEvents
	dead   [][]record.DeadLetter
	keeps  []bool // of each PutProgress that was tried
}

// do makes a call of the store under the plan. all carries it out, some only the half of it.
func (f *faulty) do(method string, all, some func() error) error {
	if f.look != nil {
		f.look(method)
	}
	f.mu.Lock()
	f.calls++
	fate := none
	if f.plan != nil {
		fate = f.plan(f.calls, method)
	}
	f.mu.Unlock()
	switch fate {
	case none:
		return all()
	case before:
		return errFault
	case after:
		_ = all()
		return errFault
	case half:
		_ = some()
	}
	return errFault
}

func (f *faulty) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

func (f *faulty) PartLimit() int {
	if f.limit > 0 {
		return f.limit
	}
	return f.Store.PartLimit()
}

func (f *faulty) PutEvents(ctx context.Context, all []purge.Event) []error {
	f.mu.Lock()
	f.events = append(f.events, all)
	f.mu.Unlock()
	var got []error
	publish := func(n int) func() error {
		return func() error {
			got = f.Store.PutEvents(ctx, all[:n])
			return nil
		}
	}
	err := f.do("PutEvents", publish(len(all)), publish(len(all)/2))
	if err == nil {
		return got
	}
	errs := make([]error, len(all))
	for i := range errs {
		errs[i] = err
	}
	if len(got) < len(all) {
		copy(errs, got) // half done: these were answered
	}
	return errs
}

func (f *faulty) PutDead(ctx context.Context, all []record.DeadLetter) []error {
	f.mu.Lock()
	f.dead = append(f.dead, all)
	f.mu.Unlock()
	errs := make([]error, len(all))
	store := func() error {
		copy(errs, f.Store.PutDead(ctx, all))
		return nil
	}
	if err := f.do("PutDead", store, store); err != nil {
		for i := range errs {
			errs[i] = err
		}
	}
	return errs
}

func (f *faulty) EventsOf(ctx context.Context, keys []record.Key) (found map[record.Key]purge.Outcome, err error) {
	ask := func() (err error) {
		found, err = f.Store.EventsOf(ctx, keys)
		return err
	}
	if err := f.do("EventsOf", ask, ask); err != nil {
		return nil, err
	}
	return found, nil
}

func (f *faulty) HasEvent(ctx context.Context, k record.Key) (has bool, err error) {
	ask := func() (err error) {
		has, err = f.Store.HasEvent(ctx, k)
		return err
	}
	return has, f.do("HasEvent", ask, ask)
}

func (f *faulty) PutJob(ctx context.Context, head record.Head, parts [][]byte) (sequences []uint64, err error) {
	store := func(n int) func() error {
		return func() (err error) {
			sequences, err = f.Store.PutJob(ctx, head, parts[:n])
			return err
		}
	}
	if err := f.do("PutJob", store(len(parts)), store(len(parts)/2)); err != nil {
		return nil, err
	}
	return sequences, nil
}

func (f *faulty) Jobs(ctx context.Context) iter.Seq2[record.StoredJob, error] {
	return func(yield func(record.StoredJob, error) bool) {
		nothing := func() error { return nil }
		if err := f.do("Jobs", nothing, nothing); err != nil {
			yield(record.StoredJob{}, err)
			return
		}
		f.Store.Jobs(ctx)(yield)
	}
}

func (f *faulty) Job(ctx context.Context, sequence uint64) (data []byte, err error) {
	read := func() (err error) {
		data, err = f.Store.Job(ctx, sequence)
		return err
	}
	if err := f.do("Job", read, read); err != nil {
		return nil, err
	}
	return data, nil
}

func (f *faulty) PutJobAgain(ctx context.Context, head record.Head, was uint64, data []byte) (sequence uint64, err error) {
	store := func() (err error) {
		sequence, err = f.Store.PutJobAgain(ctx, head, was, data)
		return err
	}
	return sequence, f.do("PutJobAgain", store, store)
}

func (f *faulty) DropJob(ctx context.Context, sequence uint64) error {
	drop := func() error { return f.Store.DropJob(ctx, sequence) }
	return f.do("DropJob", drop, drop)
}

func (f *faulty) JobPlace(ctx context.Context, sequence uint64) (at record.Place, err error) {
	find := func() (err error) {
		at, err = f.Store.JobPlace(ctx, sequence)
		return err
	}
	if err := f.do("JobPlace", find, find); err != nil {
		return record.Place{}, err
	}
	return at, nil
}

func (f *faulty) PutLeft(ctx context.Context, of record.Place, head record.Head, data []byte) (sequence uint64, err error) {
	put := func() (err error) {
		sequence, err = f.Store.PutLeft(ctx, of, head, data)
		return err
	}
	if err := f.do("PutLeft", put, put); err != nil {
		return 0, err
	}
	return sequence, nil
}

func (f *faulty) Park(ctx context.Context, q record.Queue, all []record.Parked) []error {
	errs := make([]error, len(all))
	park := func(n int) func() error {
		return func() error {
			copy(errs, f.Store.Park(ctx, q, all[:n]))
			return nil
		}
	}
	if err := f.do("Park", park(len(all)), park(len(all)/2)); err != nil {
		for i := range errs {
			errs[i] = err
		}
	}
	return errs
}

func (f *faulty) Progress(ctx context.Context, k record.Key) (data []byte, at record.Place, err error) {
	read := func() (err error) {
		data, at, err = f.Store.Progress(ctx, k)
		return err
	}
	if err := f.do("Progress", read, read); err != nil {
		return nil, at, err
	}
	return data, at, nil
}

func (f *faulty) PutProgress(ctx context.Context, k record.Key, data []byte, after record.Place, keep bool) (stored bool, err error) {
	f.mu.Lock()
	f.keeps = append(f.keeps, keep)
	f.mu.Unlock()
	write := func() (err error) {
		stored, err = f.Store.PutProgress(ctx, k, data, after, keep)
		return err
	}
	if err := f.do("PutProgress", write, write); err != nil {
		return false, err
	}
	return stored, nil
}
