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

// faulty is what a ledger stores in, behind a network that fails as the test says.
type faulty struct {
	under durable

	// limit of a part; 0: the store's.
	limit int
	// plan decides what becomes of a call; nil: all goes well. Calls count from 1. It is called for
	// one call at a time.
	plan func(call int, method string) fault
	// look, if not nil, is called ahead of each call.
	look func(method string)

	mu     sync.Mutex
	calls  int
	events [][]purge.Event // of each call
	dead   [][]record.DeadLetter
	keeps  []bool // of each progress record that was tried
}

func (f *faulty) stores() ledger.Stores {
	s := f.under.stores()
	return ledger.Stores{
		Jobs: faultyJobs{s.Jobs, f}, Progress: faultyProgress{s.Progress, f}, Events: faultyEvents{s.Events, f},
		Dead: faultyDead{s.Dead, f}, Parked: faultyParked{s.Parked, f},
	}
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

type faultyEvents struct {
	ledger.EventStore

	f *faulty
}

func (s faultyEvents) Publish(ctx context.Context, all []purge.Event) []error {
	s.f.mu.Lock()
	s.f.events = append(s.f.events, all)
	s.f.mu.Unlock()
	var got []error
	publish := func(n int) func() error {
		return func() error {
			got = s.EventStore.Publish(ctx, all[:n])
			return nil
		}
	}
	err := s.f.do("Events.Publish", publish(len(all)), publish(len(all)/2))
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

func (s faultyEvents) Find(ctx context.Context, keys []record.Key) (found map[record.Key]purge.Outcome, err error) {
	ask := func() (err error) {
		found, err = s.EventStore.Find(ctx, keys)
		return err
	}
	if err := s.f.do("Events.Find", ask, ask); err != nil {
		return nil, err
	}
	return found, nil
}

func (s faultyEvents) Has(ctx context.Context, k record.Key) (has bool, err error) {
	ask := func() (err error) {
		has, err = s.EventStore.Has(ctx, k)
		return err
	}
	return has, s.f.do("Events.Has", ask, ask)
}

type faultyDead struct {
	ledger.DeadStore

	f *faulty
}

func (s faultyDead) Put(ctx context.Context, all []record.DeadLetter) []error {
	s.f.mu.Lock()
	s.f.dead = append(s.f.dead, all)
	s.f.mu.Unlock()
	errs := make([]error, len(all))
	store := func() error {
		copy(errs, s.DeadStore.Put(ctx, all))
		return nil
	}
	if err := s.f.do("Dead.Put", store, store); err != nil {
		for i := range errs {
			errs[i] = err
		}
	}
	return errs
}

type faultyJobs struct {
	ledger.JobStore

	f *faulty
}

func (s faultyJobs) PartLimit() int {
	if s.f.limit > 0 {
		return s.f.limit
	}
	return s.JobStore.PartLimit()
}

func (s faultyJobs) Put(ctx context.Context, head record.Head, parts [][]byte) (sequences []uint64, err error) {
	store := func(n int) func() error {
		return func() (err error) {
			sequences, err = s.JobStore.Put(ctx, head, parts[:n])
			return err
		}
	}
	if err := s.f.do("Jobs.Put", store(len(parts)), store(len(parts)/2)); err != nil {
		return nil, err
	}
	return sequences, nil
}

func (s faultyJobs) All(ctx context.Context) iter.Seq2[record.StoredJob, error] {
	return func(yield func(record.StoredJob, error) bool) {
		nothing := func() error { return nil }
		if err := s.f.do("Jobs.All", nothing, nothing); err != nil {
			yield(record.StoredJob{}, err)
			return
		}
		s.JobStore.All(ctx)(yield)
	}
}

func (s faultyJobs) Get(ctx context.Context, sequence uint64) (data []byte, err error) {
	read := func() (err error) {
		data, err = s.JobStore.Get(ctx, sequence)
		return err
	}
	if err := s.f.do("Jobs.Get", read, read); err != nil {
		return nil, err
	}
	return data, nil
}

func (s faultyJobs) PutAgain(ctx context.Context, head record.Head, was uint64, data []byte) (sequence uint64, err error) {
	store := func() (err error) {
		sequence, err = s.JobStore.PutAgain(ctx, head, was, data)
		return err
	}
	return sequence, s.f.do("Jobs.PutAgain", store, store)
}

func (s faultyJobs) Delete(ctx context.Context, sequence uint64) error {
	drop := func() error { return s.JobStore.Delete(ctx, sequence) }
	return s.f.do("Jobs.Delete", drop, drop)
}

func (s faultyJobs) Place(ctx context.Context, sequence uint64) (at record.Place, err error) {
	find := func() (err error) {
		at, err = s.JobStore.Place(ctx, sequence)
		return err
	}
	if err := s.f.do("Jobs.Place", find, find); err != nil {
		return record.Place{}, err
	}
	return at, nil
}

func (s faultyJobs) PutRetryPart(ctx context.Context, of record.Place, head record.Head, data []byte) (sequence uint64, err error) {
	put := func() (err error) {
		sequence, err = s.JobStore.PutRetryPart(ctx, of, head, data)
		return err
	}
	if err := s.f.do("Jobs.PutRetryPart", put, put); err != nil {
		return 0, err
	}
	return sequence, nil
}

type faultyParked struct {
	ledger.ParkedStore

	f *faulty
}

func (s faultyParked) Put(ctx context.Context, q record.Queue, all []record.Parked) []error {
	errs := make([]error, len(all))
	park := func(n int) func() error {
		return func() error {
			copy(errs, s.ParkedStore.Put(ctx, q, all[:n]))
			return nil
		}
	}
	if err := s.f.do("Parked.Put", park(len(all)), park(len(all)/2)); err != nil {
		for i := range errs {
			errs[i] = err
		}
	}
	return errs
}

type faultyProgress struct {
	ledger.ProgressStore

	f *faulty
}

func (s faultyProgress) Get(ctx context.Context, k record.Key) (data []byte, at record.Place, err error) {
	read := func() (err error) {
		data, at, err = s.ProgressStore.Get(ctx, k)
		return err
	}
	if err := s.f.do("Progress.Get", read, read); err != nil {
		return nil, at, err
	}
	return data, at, nil
}

func (s faultyProgress) Put(ctx context.Context, k record.Key, data []byte, after record.Place, keep bool) (stored bool, err error) {
	s.f.mu.Lock()
	s.f.keeps = append(s.f.keeps, keep)
	s.f.mu.Unlock()
	write := func() (err error) {
		stored, err = s.ProgressStore.Put(ctx, k, data, after, keep)
		return err
	}
	if err := s.f.do("Progress.Put", write, write); err != nil {
		return false, err
	}
	return stored, nil
}
