package ledger_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// memory is a store that keeps the broker's rules in memory, for tests of thousands of calls: one event
// for a request, one message for a job's part, progress by compare-and-set.
type memory struct {
	mu       sync.Mutex
	last     uint64
	events   map[record.Key][]byte
	letters  int
	jobs     map[uint64][]byte
	subjects map[string]uint64 // of jobs
	progress map[record.Key]mark
	parked   map[record.Key]record.Parked
	queues   map[record.Queue][]string // ids
}

type mark struct {
	data []byte
	at   record.Place
	keep bool
}

func newMemory() *memory {
	return &memory{
		events: make(map[record.Key][]byte), jobs: make(map[uint64][]byte),
		subjects: make(map[string]uint64), progress: make(map[record.Key]mark),
		parked: make(map[record.Key]record.Parked), queues: make(map[record.Queue][]string),
	}
}

func (m *memory) next() uint64 {
	m.last++
	return m.last
}

func (m *memory) PutEvents(_ context.Context, all []purge.Event) []error {
	m.mu.Lock()
	defer m.mu.Unlock()
	errs := make([]error, len(all))
	for i, e := range all {
		k := record.Key{Source: e.Data.Source, ID: e.Data.Request}
		if _, there := m.events[k]; there {
			continue
		}
		m.events[k], errs[i] = e.Encode()
	}
	return errs
}

func (m *memory) EventsOf(_ context.Context, keys []record.Key) (map[record.Key]purge.Outcome, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := make(map[record.Key]purge.Outcome)
	for _, k := range keys {
		if data, ok := m.events[k]; ok {
			e, err := purge.DecodeEvent(data)
			if err != nil {
				return nil, err
			}
			found[k] = e.Data
		}
	}
	return found, nil
}

func (m *memory) HasEvent(_ context.Context, k record.Key) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, there := m.events[k]
	return there, nil
}

func (m *memory) PutDead(_ context.Context, letters []record.DeadLetter) []error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.letters += len(letters)
	return make([]error, len(letters))
}

func (m *memory) PartLimit() int { return 3000 }

func (m *memory) PutJob(_ context.Context, head record.Head, bodies [][]byte) ([]uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	sequences := make([]uint64, len(bodies))
	for i, data := range bodies {
		subject := fmt.Sprintf("%s %s %s %q %d", head.Account, head.Zone, head.ID, data, i)
		delete(m.jobs, m.subjects[subject])
		sequences[i] = m.next()
		m.subjects[subject], m.jobs[sequences[i]] = sequences[i], bytes.Clone(data)
	}
	return sequences, nil
}

func (m *memory) PutJobAgain(_ context.Context, head record.Head, was uint64, data []byte) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	subject := fmt.Sprint(head.Account, head.Zone, head.ID, "again", was)
	delete(m.jobs, m.subjects[subject])
	sequence := m.next()
	m.subjects[subject], m.jobs[sequence] = sequence, bytes.Clone(data)
	return sequence, nil
}

func (m *memory) Jobs(context.Context) iter.Seq2[record.StoredJob, error] {
	return func(yield func(record.StoredJob, error) bool) {
		m.mu.Lock()
		jobs := maps.Clone(m.jobs)
		m.mu.Unlock()
		for _, sequence := range slices.Sorted(maps.Keys(jobs)) {
			if !yield(record.StoredJob{Sequence: sequence, Data: jobs[sequence]}, nil) {
				return
			}
		}
	}
}

func (m *memory) Job(_ context.Context, sequence uint64) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.jobs[sequence], nil
}

func (m *memory) DropJob(_ context.Context, sequence uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.jobs, sequence)
	return nil
}

func (m *memory) JobCount(context.Context) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.jobs), nil
}

func (m *memory) JobPlace(_ context.Context, sequence uint64) (record.Place, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for subject, last := range m.subjects {
		if _, there := m.jobs[sequence]; there && last == sequence {
			return record.Place{Subject: subject, Sequence: sequence}, nil
		}
	}
	return record.Place{}, nil
}

func (m *memory) PutLeft(_ context.Context, of record.Place, _ record.Head, data []byte) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	subject := of.Subject + "-left"
	if last, there := m.subjects[subject]; there && m.jobs[last] != nil {
		return last, nil
	}
	sequence := m.next()
	m.subjects[subject], m.jobs[sequence] = sequence, bytes.Clone(data)
	return sequence, nil
}

func (m *memory) Park(_ context.Context, q record.Queue, all []record.Parked) []error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range all {
		if _, there := m.parked[p.Request.Key()]; !there {
			m.parked[p.Request.Key()] = p
			m.queues[q] = append(m.queues[q], p.Request.ID)
		}
	}
	return make([]error, len(all))
}

func (m *memory) ParkedOf(_ context.Context, keys []record.Key) (map[record.Key]record.Request, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := make(map[record.Key]record.Request)
	for _, k := range keys {
		if p, there := m.parked[k]; there {
			found[k] = p.Request
		}
	}
	return found, nil
}

func (m *memory) Queues(context.Context) ([]record.Queue, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Keys(m.queues)), nil
}

func (m *memory) Progress(_ context.Context, k record.Key) ([]byte, record.Place, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.progress[k].data, m.progress[k].at, nil
}

func (m *memory) PutProgress(_ context.Context, k record.Key, data []byte, after record.Place, keep bool) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.progress[k].at != after {
		return false, nil
	}
	m.progress[k] = mark{bytes.Clone(data), record.Place{Sequence: m.next()}, keep}
	return true, nil
}

// told gives the events of a source, as events does for a broker.
func (m *memory) told(t *testing.T, source string) map[record.Key]purge.Event {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make(map[record.Key]purge.Event)
	for k, data := range m.events {
		e, err := purge.DecodeEvent(data)
		if err != nil {
			t.Error(err)
		}
		if cmp.Or(source, k.Source) == k.Source {
			all[k] = e
		}
	}
	return all
}
