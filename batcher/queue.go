package batcher

import "slices"

// queue is a first-in, first-out line of slots; those marked gone are passed over.
type queue[W any] struct {
	line  []*Slot[W]
	live  int // of the line, those that are not gone
	bytes int // of these
}

func (q *queue[W]) push(s *Slot[W]) {
	q.line = append(q.line, s)
	q.live++
	q.bytes += s.bytes
}

// lose marks a slot of the line as gone. The line closes up when half of it is, for in a group that
// may not be sent the gone would never reach the front (I5).
func (q *queue[W]) lose(s *Slot[W]) {
	s.gone = true
	q.live--
	q.bytes -= s.bytes
	if q.live <= len(q.line)/2 {
		q.line = slices.DeleteFunc(q.line, func(s *Slot[W]) bool { return s.gone })
	}
}

// front is the first slot that is not gone, nil when there is none.
func (q *queue[W]) front() *Slot[W] {
	for len(q.line) > 0 && q.line[0].gone {
		q.line[0] = nil
		q.line = q.line[1:]
	}
	if len(q.line) == 0 {
		q.line = nil
		return nil
	}
	return q.line[0]
}

// pop takes what front gave.
func (q *queue[W]) pop() {
	q.live--
	q.bytes -= q.line[0].bytes
	q.line[0] = nil
	q.line = q.line[1:]
}
