package tracker

import (
	"container/heap"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
)

// followed is a job with what its polls have shown.
type followed struct {
	record.InFlight

	tracked time.Time
	born    span // when it was made, by the server's clock
	polls   int
	short   bool // the last poll counted no success: the next reads the rows
	differs bool // counts contradicted each other: the rows are read from now on
	alone   int  // polls in a row that showed one final row alone, of several targets
	same    int  // polls in a row that showed as many final rows as there are targets, some of them the same
	looked  bool // a poll before the deadline was answered
	late    int  // polls past the deadline that did not end it
}

// seen notes when the job was made, from one of its rows. A time that the job can't have been made at is no better than
// none.
func (j *followed) seen(own []edgeone.Task) {
	if len(own) == 0 || own[0].Created.IsZero() {
		return
	}
	at := own[0].Created.Unix()
	if !j.born.known() || j.born.from <= at && at <= j.born.to {
		j.born = span{at, at}
	}
}

// turn is what is done next at a time: the poll of a job, or the count of a window.
type turn struct {
	due    time.Time
	job    *followed // nil: the window
	window *window
}

// first is the job that the turn is of, or one of them.
func (n turn) first() *followed {
	if n.job != nil {
		return n.job
	}
	return n.window.jobs[0]
}

// queue is a heap of turns by when they are due.
type queue []turn

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }

// Push is for container/heap.
func (q *queue) Push(x any) { *q = append(*q, x.(turn)) }

// Pop is for container/heap.
func (q *queue) Pop() any {
	old := *q
	last := old[len(old)-1]
	old[len(old)-1] = turn{}
	*q = old[:len(old)-1]
	return last
}

// push puts a turn in line.
func (t *Tracker) push(next turn) {
	t.mu.Lock()
	heap.Push(&t.turns, next)
	t.mu.Unlock()
	wait.Signal(t.wake)
}

// pop gives what is due, or how long nothing is.
func (t *Tracker) pop(now time.Time) (turn, time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.turns) == 0 {
		return turn{}, time.Hour
	}
	if wait := t.turns[0].due.Sub(now); wait > 0 {
		return turn{}, wait
	}
	return heap.Pop(&t.turns).(turn), 0
}
