package parking

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/edgepurge/edgepurge/internal/record"
)

// logFirst and logMax bound the time between two lines of the log about queues that fail; it doubles.
const logFirst, logMax = 10 * time.Second, 10 * time.Minute

// trouble is what is wrong with the queues that fail. The Parking's lock guards it.
type trouble struct {
	queues map[record.Queue]error
	next   time.Time // of the next line of the log
	wait   time.Duration
}

// note keeps why a queue fails, and reports whether to log that.
func (t *trouble) note(q record.Queue, err error, now time.Time) bool {
	if t.queues == nil {
		t.queues = make(map[record.Queue]error)
	}
	if now.Sub(t.next) > logMax {
		t.next, t.wait = now, logFirst
	}
	t.queues[q] = err
	if now.Before(t.next) {
		return false
	}
	t.next = now.Add(t.wait)
	t.wait = min(logMax, 2*t.wait)
	return true
}

// over forgets a queue, and reports whether it was the last that failed.
func (t *trouble) over(q record.Queue) bool {
	if _, failed := t.queues[q]; !failed {
		return false
	}
	delete(t.queues, q)
	return len(t.queues) == 0
}

func (t *trouble) text() string {
	if len(t.queues) == 0 {
		return ""
	}
	byZone := func(a, b record.Queue) int { return cmp.Compare(a.Zone, b.Zone) }
	first := slices.MinFunc(slices.Collect(maps.Keys(t.queues)), byZone)
	return fmt.Sprintf("requests can not be parked in %d queues, such as those of zone %q: %v", len(t.queues), first.Zone, t.queues[first])
}
