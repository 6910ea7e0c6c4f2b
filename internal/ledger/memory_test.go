package ledger_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// durable is what a ledger stores in: the broker's streams, those of a memory, or either behind a
// bad network.
type durable interface{ stores() ledger.Stores }

// memory keeps the broker's rules in memory, for tests of thousands of calls. Each of its stores
// has a state of its own.
type memory struct {
	jobs     *memoryJobs
	progress *memoryProgress
	events   *memoryEvents
	dead     *memoryDead
	parked   *memoryParked
}

func newMemory() *memory {
	return &memory{
		jobs:     &memoryJobs{parts: make(map[uint64][]byte), subjects: make(map[string]uint64)},
		progress: &memoryProgress{records: make(map[record.Key]mark)},
		events:   &memoryEvents{stored: make(map[record.Key][]byte)},
		dead:     new(memoryDead),
		parked:   &memoryParked{requests: make(map[record.Key]record.Parked), queues: make(map[record.Queue][]string)},
	}
}

func (m *memory) stores() ledger.Stores {
	return ledger.Stores{Jobs: m.jobs, Progress: m.progress, Events: m.events, Dead: m.dead, Parked: m.parked}
}

// memoryEvents has one event for a request. It refuses one that can't be encoded.
type memoryEvents struct {
	mu     sync.Mutex
	stored map[record.Key][]byte
}

func (m *memoryEvents) Publish(_ context.Context, all []purge.Event) []error {
	m.mu.Lock()
	defer m.mu.Unlock()
	errs := make([]error, len(all))
	for i, e := range all {
		k := record.Key{Source: e.Data.Source, ID: e.Data.Request}
		data, err := e.Encode()
		if errs[i] = err; err == nil && m.stored[k] == nil {
			m.stored[k] = data
		}
	}
	return errs
}

func (m *memoryEvents) Find(_ context.Context, keys []record.Key) (map[record.Key]purge.Outcome, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := make(map[record.Key]purge.Outcome)
	for _, k := range keys {
		if data, ok := m.stored[k]; ok {
			e, err := purge.DecodeEvent(data)
			if err != nil {
				return nil, err
			}
			found[k] = e.Data
		}
	}
	return found, nil
}

func (m *memoryEvents) Has(_ context.Context, k record.Key) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, there := m.stored[k]
	return there, nil
}

// published returns the events of a source ("" for all), as events does for a broker.
func (m *memoryEvents) published(t *testing.T, source string) map[record.Key]purge.Event {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make(map[record.Key]purge.Event)
	for k, data := range m.stored {
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

type memoryDead struct{}

// Put refuses a dead letter that names no request.
func (*memoryDead) Put(_ context.Context, letters []record.DeadLetter) []error {
	errs := make([]error, len(letters))
	for i := range letters {
		if letters[i].Key.ID == "" {
			errs[i] = errors.New("a dead letter of no request")
		}
	}
	return errs
}

// memoryJobs has one message for a job's part. It refuses a retry part that does not name the part
// it comes of.
type memoryJobs struct {
	mu       sync.Mutex
	last     uint64
	parts    map[uint64][]byte
	subjects map[string]uint64
}

func (*memoryJobs) PartLimit() int { return 3000 }

// put stores a part in place of the one that has its subject. The lock is held.
func (m *memoryJobs) put(subject string, data []byte) uint64 {
	delete(m.parts, m.subjects[subject])
	m.last++
	m.subjects[subject], m.parts[m.last] = m.last, bytes.Clone(data)
	return m.last
}

func (m *memoryJobs) Put(_ context.Context, head record.Head, bodies [][]byte) ([]uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	sequences := make([]uint64, len(bodies))
	for i, data := range bodies {
		sequences[i] = m.put(fmt.Sprintf("%s %s %s %q %d", head.Account, head.Zone, head.ID, data, i), data)
	}
	return sequences, nil
}

func (m *memoryJobs) PutAgain(_ context.Context, head record.Head, was uint64, data []byte) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.put(fmt.Sprint(head.Account, head.Zone, head.ID, "again", was), data), nil
}

func (m *memoryJobs) All(context.Context) iter.Seq2[record.StoredJob, error] {
	return func(yield func(record.StoredJob, error) bool) {
		m.mu.Lock()
		parts := maps.Clone(m.parts)
		m.mu.Unlock()
		for _, sequence := range slices.Sorted(maps.Keys(parts)) {
			if !yield(record.StoredJob{Sequence: sequence, Data: parts[sequence]}, nil) {
				return
			}
		}
	}
}

func (m *memoryJobs) Get(_ context.Context, sequence uint64) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.parts[sequence], nil
}

func (m *memoryJobs) Delete(_ context.Context, sequence uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.parts, sequence)
	return nil
}

func (m *memoryJobs) Count(context.Context) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.parts), nil
}

func (m *memoryJobs) Place(_ context.Context, sequence uint64) (record.Place, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for subject, last := range m.subjects {
		if _, there := m.parts[sequence]; there && last == sequence {
			return record.Place{Subject: subject, Sequence: sequence}, nil
		}
	}
	return record.Place{}, nil
}

func (m *memoryJobs) PutRetryPart(_ context.Context, of record.Place, head record.Head, data []byte) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !head.IsRetryPart() || head.From != of.Sequence {
		return 0, fmt.Errorf("no retry part of %d: due %v, from %d", of.Sequence, head.Due, head.From)
	}
	subject := of.Subject + "-left"
	if last, there := m.subjects[subject]; there && m.parts[last] != nil {
		return last, nil
	}
	return m.put(subject, data), nil
}

// wipe removes all stored jobs, as a purge or a deletion of their stream does; anew lets the
// numbers begin at one again.
func (m *memoryJobs) wipe(anew bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.parts)
	clear(m.subjects)
	if anew {
		m.last = 0
	}
}

// memoryParked has one message for a request, in whatever queue.
type memoryParked struct {
	mu       sync.Mutex
	requests map[record.Key]record.Parked
	queues   map[record.Queue][]string // ids
}

func (m *memoryParked) Put(_ context.Context, q record.Queue, all []record.Parked) []error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range all {
		if _, there := m.requests[p.Request.Key()]; !there {
			m.requests[p.Request.Key()] = p
			m.queues[q] = append(m.queues[q], p.Request.ID)
		}
	}
	return make([]error, len(all))
}

func (m *memoryParked) Find(_ context.Context, keys []record.Key) (map[record.Key]record.Request, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := make(map[record.Key]record.Request)
	for _, k := range keys {
		if p, there := m.requests[k]; there {
			found[k] = p.Request
		}
	}
	return found, nil
}

func (m *memoryParked) Queues(context.Context) ([]record.Queue, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Keys(m.queues)), nil
}

// memoryProgress has one record for a request, by compare-and-set.
type memoryProgress struct {
	mu      sync.Mutex
	last    uint64
	records map[record.Key]mark
}

type mark struct {
	data []byte
	at   record.Place
	keep bool
}

func (m *memoryProgress) Get(_ context.Context, k record.Key) ([]byte, record.Place, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.records[k].data, m.records[k].at, nil
}

func (m *memoryProgress) Put(_ context.Context, k record.Key, data []byte, after record.Place, keep bool) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.records[k].at != after {
		return false, nil
	}
	m.last++
	m.records[k] = mark{bytes.Clone(data), record.Place{Sequence: m.last}, keep}
	return true, nil
}
