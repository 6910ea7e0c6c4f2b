package worker

import (
	"strconv"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/edgeone"
)

func batchOf(targets ...string) *batcher.Batch[waiter] {
	b := &batcher.Batch[waiter]{Group: batcher.Group{Zone: "zone-a", Type: edgeone.TypeURL}}
	for _, target := range targets {
		b.Slots = append(b.Slots, &batcher.Slot[waiter]{Target: target})
	}
	return b
}

func TestTraces_ClaimLeavesWhatMayBeAnothers(t *testing.T) {
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	mine, other := batchOf("a", "b"), batchOf("x", "a", "b", "c")
	sent := start.Add(time.Minute)
	ambiguous := func(tr *traces, at time.Time) {
		tr.begin(other, at)
		tr.end(other, edgeone.Ambiguous, edgeone.Created{}, at)
	}
	tests := []struct {
		name   string
		before func(tr *traces)
		want   bool
	}{
		{"nobody's", func(*traces) {}, true},
		{"an elder call's, that has no answer yet", func(tr *traces) { tr.begin(other, start) }, false},
		{"a younger call's", func(tr *traces) { tr.begin(other, sent.Add(time.Second)) }, true},
		{"an elder call's of other targets", func(tr *traces) { tr.begin(batchOf("b", "c"), start) }, true},
		{"an elder call's of another zone", func(tr *traces) {
			o := batchOf("a", "b")
			o.Group.Zone = "zone-b"
			tr.begin(o, start)
		}, true},
		{"an elder call's, that was answered", func(tr *traces) {
			tr.begin(other, start)
			tr.end(other, edgeone.Done, edgeone.Created{JobID: "other"}, sent)
		}, true},
		{"an elder call's, that was lost just now", func(tr *traces) { ambiguous(tr, sent.Add(-time.Second)) }, false},
		{"the same, given up", func(tr *traces) {
			ambiguous(tr, sent.Add(-time.Second))
			tr.leave(other)
		}, false},
		{"an elder call's, that was lost long ago", func(tr *traces) {
			ambiguous(tr, start)
			tr.leave(other)
		}, true},
		{"an answered call's", func(tr *traces) {
			tr.begin(other, start)
			tr.end(other, edgeone.Done, edgeone.Created{JobID: "job"}, start)
		}, false},
		{"a known one", func(tr *traces) { tr.know("job", time.Time{}, start) }, false},
		{"a known one, that is forgotten", func(tr *traces) {
			tr.know("job", time.Time{}, sent.Add(-time.Second))
			for i := range knownJobs {
				tr.know(strconv.Itoa(i), time.Time{}, sent)
			}
		}, false},
		{"nobody's, many jobs later", func(tr *traces) {
			tr.know("old", time.Time{}, start)
			for i := range knownJobs {
				tr.know(strconv.Itoa(i), time.Time{}, sent)
			}
		}, true},
		{"a lost call's, that is forgotten", func(tr *traces) {
			for i := range lostCalls + 1 {
				o := batchOf(strconv.Itoa(i))
				tr.begin(o, sent.Add(-time.Second))
				tr.end(o, edgeone.Ambiguous, edgeone.Created{}, sent.Add(-time.Second))
				tr.leave(o)
			}
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := newTraces(false)
			tr.clock.Read(start, start, start)
			tt.before(&tr)
			tr.begin(mine, sent)
			tr.end(mine, edgeone.Ambiguous, edgeone.Created{}, sent.Add(2*time.Second))
			if got := tr.claim("job", mine, sent.Add(3*time.Second)); got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
			if tt.want && tr.claim("job", mine, sent.Add(3*time.Second)) {
				t.Error("got it twice")
			}
		})
	}
}

// A call's answer comes late, and names a job that another batch of its targets took for its own.
func TestTraces_AnAdoptedJobHasOneBatch(t *testing.T) {
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	tr := newTraces(false)
	tr.clock.Read(start, start, start)
	lost, slow := batchOf("a"), batchOf("a")
	tr.begin(lost, start)
	tr.end(lost, edgeone.Ambiguous, edgeone.Created{}, start.Add(time.Second))
	tr.begin(slow, start.Add(time.Second))
	if !tr.claim("job", lost, start.Add(2*time.Second)) {
		t.Fatal("got no job, want the first batch to have it")
	}
	if got := tr.end(slow, edgeone.Done, edgeone.Created{JobID: "job"}, start.Add(3*time.Second)); got != adopted {
		t.Errorf("got %v for the second batch, want %v", got, adopted)
	}
	tr.begin(slow, start.Add(4*time.Second))
	if got := tr.end(slow, edgeone.Done, edgeone.Created{JobID: "job"}, start.Add(5*time.Second)); got != repeated {
		t.Errorf("got %v for a call that came after, want %v", got, repeated)
	}
}

func TestTraces_ClaimLeavesWhatAnEarlierOwnerMayHaveMade(t *testing.T) {
	for _, handedOver := range []bool{false, true} {
		tr := newTraces(handedOver)
		now := time.Now()
		tr.clock.Read(now, now, now)
		mine := batchOf("a")
		tr.begin(mine, now)
		tr.end(mine, edgeone.Ambiguous, edgeone.Created{}, now)
		if got := tr.claim("job", mine, now); got == handedOver {
			t.Errorf("handed over %t: got %t", handedOver, got)
		}
	}
}
