package worker

import (
	"slices"
	"testing"

	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/record"
)

// What is read of a message may be a hundred times as large: a lot of large ones is read bit by bit
// (I5).
func TestParts_BoundWhatIsReadAtOnce(t *testing.T) {
	const most = admitBytes
	for _, tt := range []struct{ sizes, want []int }{
		{nil, []int{0}},
		{[]int{0}, []int{1}},
		{[]int{1, 2, 3}, []int{3}},
		{[]int{most, 1}, []int{1, 1}},
		{[]int{1, most}, []int{1, 1}},
		{[]int{9 * most, 9 * most, 1}, []int{1, 1, 1}},
		{[]int{most / 2, most / 2, 1, most - 1, most, 0, 0}, []int{2, 2, 3}},
	} {
		lot := make([]inbox.Delivery, len(tt.sizes))
		for i, size := range tt.sizes {
			lot[i] = inbox.Delivery{Delivery: record.Delivery{Sequence: uint64(i), Data: make([]byte, size)}}
		}
		var got []int
		var all []uint64
		for part := range parts(lot) {
			got = append(got, len(part))
			for _, d := range part {
				all = append(all, d.Sequence)
			}
		}
		if !slices.Equal(got, tt.want) || len(all) != len(lot) || !slices.IsSorted(all) {
			t.Errorf("%v: got parts of %v with %v, want %v", tt.sizes, got, all, tt.want)
		}
	}
}
