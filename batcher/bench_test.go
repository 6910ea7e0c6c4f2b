package batcher_test

import (
	"fmt"
	"testing"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/purge"
)

// BenchmarkBatcher_AddNext is what it costs to take in 100,000 targets and give them in calls of 500:
// at 20 calls a second, 10,000 targets a second, it must be far from mattering.
func BenchmarkBatcher_AddNext(b *testing.B) {
	const size, limit = 100_000, 500
	targets := make([]string, size)
	for i := range targets {
		targets[i] = fmt.Sprintf("https://www.example.com/blog/2026/11/%06d/", i)
	}
	for name, lane := range map[string]purge.Lane{"interactive": interactive, "bulk": bulk} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				got := addNext(targets, lane, limit)
				if got != size {
					b.Fatalf("got %d targets in batches, want %d", got, size)
				}
			}
			b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds(), "targets/s")
		})
	}
}

// BenchmarkBatcher_AddRepeats takes in 100,000 targets, each a hundred times: equal ones share a slot.
func BenchmarkBatcher_AddRepeats(b *testing.B) {
	const size, distinct, limit = 100_000, 1_000, 500
	targets := make([]string, size)
	for i := range targets {
		targets[i] = fmt.Sprintf("https://www.example.com/blog/2026/11/%06d/", i%distinct)
	}
	b.ReportAllocs()
	for b.Loop() {
		if got := addNext(targets, bulk, limit); got != distinct {
			b.Fatalf("got %d targets in batches, want %d", got, distinct)
		}
	}
	b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds(), "targets/s")
}

func addNext(targets []string, lane purge.Lane, limit int) int {
	q := batcher.New[int](batcher.Config{
		Limit: func(batcher.Group) int { return limit },
		Bytes: func(target string) int { return len(target) }, MaxBytes: 10_000_000,
		Linger: linger, Quiet: quiet, MaxQuiet: maxQuiet,
	})
	for i, target := range targets {
		q.Add(at(0), urls("zone-a"), lane, target, i)
	}
	n := 0
	for batch := q.Next(at(0)); batch != nil; batch = q.Next(at(0)) {
		n += len(batch.Slots)
	}
	return n
}

// crowd is a batcher of so many groups, each a zone of its own: a source may name as many as it likes.
func crowd(groups int) *batcher.Batcher[string] {
	q := limited(500, 10_000_000)
	for i := range groups {
		q.Add(at(i%1000), urls(fmt.Sprint("zone-", i)), bulk, "x", "r")
	}
	return q
}

// The choice of one call among many groups must not grow with their number: it is made under the
// worker's lock.
func BenchmarkBatcher_NextOfManyGroups(b *testing.B) {
	for _, groups := range []int{1, 100, 50_000} {
		b.Run(fmt.Sprintf("groups=%d", groups), func(b *testing.B) {
			q := crowd(groups)
			q.Next(at(much))
			q.Add(at(0), urls("zone-0"), bulk, "x", "r")
			b.ReportAllocs()
			for b.Loop() {
				q.Return(q.Next(at(much)), at(0))
			}
		})
	}
}

func BenchmarkBatcher_WhenOfManyGroups(b *testing.B) {
	for _, groups := range []int{1, 100, 50_000} {
		b.Run(fmt.Sprintf("groups=%d", groups), func(b *testing.B) {
			q := crowd(groups)
			b.ReportAllocs()
			for b.Loop() {
				q.When(at(0))
			}
		})
	}
}

// BenchmarkBatcher_AddToManyGroups adds one target to one of many groups, and asks when to send.
func BenchmarkBatcher_AddToManyGroups(b *testing.B) {
	for _, groups := range []int{1, 100, 50_000} {
		b.Run(fmt.Sprintf("groups=%d", groups), func(b *testing.B) {
			q := crowd(groups)
			zones := make([]batcher.Group, groups)
			for i := range zones {
				zones[i] = urls(fmt.Sprint("zone-", i))
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				q.Add(at(1000), zones[i%groups], interactive, "y", "r")
				q.When(at(1000))
				i++
			}
		})
	}
}
