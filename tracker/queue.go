package tracker

import (
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/record"
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

// turn is what is done next: the poll of a job, or the count of a window.
type turn struct {
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
