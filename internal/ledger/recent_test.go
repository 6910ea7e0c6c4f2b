package ledger_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgepurge/edgepurge/internal/record"
)

// Where not all parts can be kept in memory it is those that end first, not the last that were
// stored; unless they stay long.
func TestRecent_KeepsTheOldestForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(newMemory())
		part := &record.Job{Targets: []string{strings.Repeat("x", 7<<20)}} // two find room
		kept := func(want ...uint64) {
			t.Helper()
			var got []uint64
			for n := range uint64(10) {
				if l.Kept(n) {
					got = append(got, n)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %v in memory, want %v", got, want)
			}
		}
		for n := range uint64(3) {
			l.Keep(n, part)
		}
		kept(0, 1)
		if err := l.Drop(t.Context(), part, 0); err != nil {
			t.Fatal(err)
		}
		l.Keep(3, part)
		kept(1, 3)
		time.Sleep(2 * time.Minute)
		kept(1, 3)
		l.Keep(4, part)
		kept(3, 4)
	})
}
