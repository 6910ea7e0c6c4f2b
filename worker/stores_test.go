package worker

import (
	"context"
	"slices"

	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// stores are the world as the ledger takes it. What no test here needs is not there: a call of it
// ends the test.
func (w *world) stores() ledger.Stores {
	return ledger.Stores{
		Jobs: jobStore{w: w}, Progress: progressStore{w}, Events: eventStore{w: w}, Dead: deadStore{w}, Parked: parkedStore{w: w},
	}
}

type jobStore struct {
	ledger.JobStore

	w *world
}

func (s jobStore) PartLimit() int { return s.w.limit }

func (s jobStore) Put(_ context.Context, _ record.Head, parts [][]byte) ([]uint64, error) {
	if err := s.w.down(); err != nil {
		return nil, err
	}
	sequences := make([]uint64, len(parts))
	s.w.set(func() {
		s.w.jobs++
		for i := range sequences {
			s.w.sequence++
			sequences[i] = s.w.sequence
		}
	})
	return sequences, nil
}

// progressStore holds the one record of what is handled alone.
type progressStore struct{ w *world }

func (s progressStore) Get(_ context.Context, k record.Key) (data []byte, at record.Place, err error) {
	if err = s.w.down(); k.Source != "!" {
		return nil, at, err
	}
	s.w.set(func() { data, at = s.w.marks, s.w.marked })
	return data, at, err
}

func (s progressStore) Put(_ context.Context, _ record.Key, data []byte, after record.Place, _ bool) (stored bool, err error) {
	err = s.w.down()
	s.w.set(func() {
		if stored = err == nil && after == s.w.marked; stored {
			s.w.marks = data
			s.w.marked.Sequence++
		}
	})
	return stored, err
}

type eventStore struct {
	ledger.EventStore

	w *world
}

func (s eventStore) Publish(_ context.Context, events []purge.Event) []error {
	return s.w.each(len(events), func(i int) { s.w.events[events[i].Data.Request] = events[i].Data })
}

func (s eventStore) Find(context.Context, []record.Key) (map[record.Key]purge.Outcome, error) {
	return nil, s.w.down()
}

type deadStore struct{ w *world }

func (s deadStore) Put(_ context.Context, letters []record.DeadLetter) []error {
	var noDead bool
	s.w.set(func() { noDead = s.w.noDead })
	if noDead {
		return slices.Repeat([]error{errAway}, len(letters))
	}
	return s.w.each(len(letters), func(i int) { s.w.letters = append(s.w.letters, letters[i]) })
}

type parkedStore struct {
	ledger.ParkedStore

	w *world
}

func (s parkedStore) Put(_ context.Context, q record.Queue, requests []record.Parked) []error {
	errs := make([]error, len(requests))
	for i := range requests {
		errs[i] = s.w.park(q, &requests[i])
	}
	return errs
}

func (s parkedStore) Find(context.Context, []record.Key) (map[record.Key]record.Request, error) {
	return nil, s.w.down()
}

func (parkedStore) Queues(context.Context) ([]record.Queue, error) { return nil, nil }
