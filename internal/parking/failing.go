package parking

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/edgepurge/edgepurge/internal/record"
)

// failing has the queues that fail, and why. The Parking's lock guards it.
type failing map[record.Queue]error

// over forgets a queue, and reports whether it was the last that failed.
func (f failing) over(q record.Queue) bool {
	if _, failed := f[q]; !failed {
		return false
	}
	delete(f, q)
	return len(f) == 0
}

func (f failing) text() string {
	if len(f) == 0 {
		return ""
	}
	byZone := func(a, b record.Queue) int { return cmp.Compare(a.Zone, b.Zone) }
	first := slices.MinFunc(slices.Collect(maps.Keys(f)), byZone)
	return fmt.Sprintf("requests can not be parked in %d queues, such as those of zone %q: %v",
		len(f), first.Zone, f[first])
}
