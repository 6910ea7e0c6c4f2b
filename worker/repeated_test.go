package worker

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
)

// A call that is answered with the job of an earlier call is made again: that job may be older than
// the requests (I4). Where EdgeOne never gives another id, the targets end.
func TestRepeatedJob_IsNotBelieved(t *testing.T) {
	for name, tt := range map[string]struct {
		repeats, calls int
		status         purge.Status
	}{
		"once":     {1, 3, ""},
		"for ever": {1000, 1 + repeatedTries, purge.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				calls := 0
				w.create = func(p edgeone.Purge) (edgeone.Created, error) {
					if calls++; calls <= 1+tt.repeats {
						return edgeone.Created{JobID: "job-1"}, nil
					}
					return accept(p)
				}
				stop := w.run(t, w.worker())
				for i := range 2 {
					w.give(t, purge.Bulk, uint64(i+1), purge.Request{ID: fmt.Sprint("r", i), Targets: []string{page(i)}})
					time.Sleep(time.Second)
				}
				w.until(func() bool { return len(w.acked) == 2 })
				w.set(func() {
					if got := w.events["r1"].Status; got != tt.status || len(w.calls) != tt.calls {
						t.Errorf("the second is %q after %d calls, want %q after %d", got, len(w.calls), tt.status, tt.calls)
					}
					if want := map[purge.Status]int{"": 2, purge.Failed: 1}[tt.status]; w.jobs != want {
						t.Errorf("%d jobs are recorded, want %d", w.jobs, want)
					}
				})
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
