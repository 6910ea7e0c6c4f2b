package tracker

import (
	"time"

	"github.com/edgepurge/edgepurge/internal/record"
)

// followed is a job with what its polls have shown.
type followed struct {
	record.InFlight

	due    time.Time
	polls  int
	alone  int  // polls in a row that showed one final row alone, of several targets
	looked bool // a poll before the deadline was answered
	late   int  // polls past the deadline that did not end it
}

// queue is a heap of jobs by when they are due.
type queue []*followed

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }

// Push is for container/heap.
func (q *queue) Push(x any) { *q = append(*q, x.(*followed)) }

// Pop is for container/heap.
func (q *queue) Pop() any {
	old := *q
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return last
}
