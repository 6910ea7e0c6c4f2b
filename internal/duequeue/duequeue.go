// Package duequeue keeps things until they are due: one goroutine waits for the next of them while
// others add some. Things that are due at the same time come in no order. It does not know what
// they are for, and bounds nothing.
package duequeue

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"github.com/edgepurge/edgepurge/internal/wait"
)

// Queue is a queue by time. All methods are safe for concurrent use, except that one goroutine at a
// time may call Take.
type Queue[T any] struct {
	added chan struct{} // capacity 1: the next thing may be another

	mu    sync.Mutex
	items items[T]
}

// New returns an empty Queue.
func New[T any]() *Queue[T] { return &Queue[T]{added: make(chan struct{}, 1)} }

// Add adds a thing that is due at a time.
func (q *Queue[T]) Add(due time.Time, thing T) {
	q.mu.Lock()
	heap.Push(&q.items, item[T]{due, thing})
	q.mu.Unlock()
	wait.Signal(q.added)
}

// Take waits until something is due, and removes and returns what was due first. It returns false
// when ctx has ended.
func (q *Queue[T]) Take(ctx context.Context) (thing T, ok bool) {
	for ctx.Err() == nil {
		thing, ok, wait := q.pop(time.Now())
		if ok {
			return thing, true
		}
		q.sleep(ctx, wait)
	}
	return thing, false
}

// Len counts the things in the queue.
func (q *Queue[T]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items)
}

// Reschedule sets anew when each thing is due. due is called with the lock held: it must not block
// or use the Queue.
func (q *Queue[T]) Reschedule(due func(thing T, due time.Time) time.Time) {
	q.mu.Lock()
	for i := range q.items {
		q.items[i].due = due(q.items[i].thing, q.items[i].due)
	}
	heap.Init(&q.items)
	q.mu.Unlock()
	wait.Signal(q.added)
}

// idle is how long Take sleeps while the queue is empty and nothing is added.
const idle = time.Hour

// pop returns what is due, or how long nothing is.
func (q *Queue[T]) pop(now time.Time) (thing T, ok bool, after time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		return thing, false, idle
	}
	if after := q.items[0].due.Sub(now); after > 0 {
		return thing, false, after
	}
	first, _ := heap.Pop(&q.items).(item[T])
	return first.thing, true, 0
}

func (q *Queue[T]) sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-q.added:
	case <-timer.C:
	}
}

type item[T any] struct {
	due   time.Time
	thing T
}

// items is a heap for container/heap.
type items[T any] []item[T]

func (s items[T]) Len() int           { return len(s) }
func (s items[T]) Less(i, j int) bool { return s[i].due.Before(s[j].due) }
func (s items[T]) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }

func (s *items[T]) Push(x any) {
	if it, ok := x.(item[T]); ok {
		*s = append(*s, it)
	}
}

func (s *items[T]) Pop() any {
	old := *s
	last := old[len(old)-1]
	old[len(old)-1] = item[T]{} // it is not kept
	*s = old[:len(old)-1]
	return last
}
