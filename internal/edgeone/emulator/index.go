package emulator

import (
	"slices"
	"sort"
)

// index holds jobs in creation order, with the sums of what stands before each, so that the rows of a span of jobs
// are counted without a walk. What was added is never written again: a view stays good without a lock.
type index struct {
	jobs []*job
	sums []sum // one more than jobs: sums[i] is of jobs[:i]
	head int   // jobs before it were dropped
}

func (ix *index) add(j *job) {
	if len(ix.sums) == 0 {
		ix.sums = append(ix.sums, sum{})
	}
	ix.jobs = append(ix.jobs, j)
	ix.sums = append(ix.sums, ix.sums[len(ix.sums)-1].plus(j.sum))
}

// drop forgets the oldest job. Now and then the living ones move, so that at most an eighth of what is held is dead.
func (ix *index) drop() {
	ix.head++
	if ix.head*8 > len(ix.jobs) {
		ix.jobs = slices.Clone(ix.jobs[ix.head:])
		ix.sums = slices.Clone(ix.sums[ix.head:])
		ix.head = 0
	}
}

func (ix *index) empty() bool { return ix.head == len(ix.jobs) }

func (ix *index) view() view {
	if ix.empty() {
		return view{}
	}
	return view{jobs: ix.jobs[ix.head:], sums: ix.sums[ix.head:]}
}

// view is a span of an index.
type view struct {
	jobs []*job
	sums []sum
}

func viewOf(j *job) view {
	return view{jobs: []*job{j}, sums: []sum{{}, j.sum}}
}

// span narrows a view to jobs[lo:hi]; an empty span is the empty view.
func (v view) span(lo, hi int) view {
	if lo >= hi {
		return view{}
	}
	return view{jobs: v.jobs[lo:hi], sums: v.sums[lo : hi+1]}
}

// until returns how many jobs were created at that time, in Unix nanoseconds, or before.
func (v view) until(created int64) int {
	return sort.Search(len(v.jobs), func(i int) bool { return v.jobs[i].created > created })
}

// total sums jobs[lo:hi].
func (v view) total(lo, hi int) sum {
	if lo >= hi {
		return sum{}
	}
	return v.sums[hi].minus(v.sums[lo])
}
