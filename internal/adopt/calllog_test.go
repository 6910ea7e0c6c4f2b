package adopt

import (
	"strconv"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
)

var start = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// newTestLog returns a log that knows the API's clock, which is ours.
func newTestLog(handedOver bool, now time.Time) *callLog {
	l := newCallLog(handedOver)
	l.clock.Read(now, now, now)
	return l
}

func TestClaim_LeavesWhatMayBeAnothers(t *testing.T) {
	t.Parallel()
	mine, other := urls("a", "b"), urls("x", "a", "b", "c")
	sent := start.Add(time.Minute)
	lose := func(l *callLog, p edgeone.Purge, at time.Time) *Call {
		c := l.begin(p, at)
		l.end(c, edgeone.Ambiguous, edgeone.Created{}, at)
		return c
	}
	answer := func(l *callLog, job string, at time.Time) {
		l.end(l.begin(other, start), edgeone.Done, edgeone.Created{JobID: job}, at)
	}
	all := edgeone.Purge{Zone: "zone-a", Type: purge.All}
	tests := []struct {
		name   string
		purge  edgeone.Purge
		before func(l *callLog)
		want   bool
	}{
		{"nobody's", mine, func(*callLog) {}, true},
		{"an elder call's, that has no answer yet", mine, func(l *callLog) { l.begin(other, start) }, false},
		{"a younger call's", mine, func(l *callLog) { l.begin(other, sent.Add(time.Second)) }, true},
		{"an elder call's of other targets", mine, func(l *callLog) { l.begin(urls("b", "c"), start) }, true},
		{"an elder call's of another zone", mine, func(l *callLog) {
			l.begin(edgeone.Purge{Zone: "zone-b", Type: purge.URL, Targets: mine.Targets}, start)
		}, true},
		{"an elder call's of another type", mine, func(l *callLog) {
			l.begin(edgeone.Purge{Zone: "zone-a", Type: purge.Prefix, Targets: mine.Targets}, start)
		}, true},
		{"an elder call's, that was answered", mine, func(l *callLog) { answer(l, "other", sent) }, true},
		{"an elder call's, that was lost just now", mine, func(l *callLog) { lose(l, other, sent.Add(-time.Second)) }, false},
		{"the same, given up", mine, func(l *callLog) { l.giveUp(lose(l, other, sent.Add(-time.Second))) }, false},
		{"an elder call's, that was lost long ago", mine, func(l *callLog) { l.giveUp(lose(l, other, start)) }, true},
		{"an elder call's for the whole zone", all, func(l *callLog) { l.begin(all, start) }, false},
		{"the same, given up", all, func(l *callLog) { l.giveUp(lose(l, all, sent.Add(-time.Second))) }, false},
		{"an answered call's", mine, func(l *callLog) { answer(l, "job", start) }, false},
		{"a known one", mine, func(l *callLog) { l.markKnown("job", start) }, false},
		{"a known one, that is evicted", mine, func(l *callLog) {
			l.markKnown("job", sent.Add(-time.Second))
			for i := range maxKnownJobs {
				l.markKnown(strconv.Itoa(i), sent)
			}
		}, false},
		{"nobody's, many jobs later", mine, func(l *callLog) {
			l.markKnown("old", start)
			for i := range maxKnownJobs {
				l.markKnown(strconv.Itoa(i), sent)
			}
		}, true},
		{"a lost call's, that is evicted", mine, func(l *callLog) {
			for i := range maxLostCalls + 1 {
				l.giveUp(lose(l, urls(strconv.Itoa(i)), sent.Add(-time.Second)))
			}
		}, false},
		{"nobody's, many lost calls later", mine, func(l *callLog) {
			for i := range maxLostCalls + 1 {
				l.giveUp(lose(l, urls(strconv.Itoa(i)), start))
			}
		}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newTestLog(false, start)
			tt.before(l)
			c := lose(l, tt.purge, sent)
			if got := l.claim("job", c, sent.Add(3*time.Second)); got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
			if l.claim("job", c, sent.Add(3*time.Second)) && tt.want {
				t.Error("got it twice")
			}
		})
	}
}

// The answer to a call comes late, and names a job that another call of its targets has adopted.
func TestEnd_ReturnsWhoseTheJobIs(t *testing.T) {
	t.Parallel()
	l := newTestLog(false, start)
	lost := l.begin(urls("a"), start)
	l.end(lost, edgeone.Ambiguous, edgeone.Created{}, start.Add(time.Second))
	slow := l.begin(urls("a"), start.Add(time.Second))
	if !l.claim("job", lost, start.Add(2*time.Second)) {
		t.Fatal("got no job, want the first call to have it")
	}
	if got := l.end(slow, edgeone.Done, edgeone.Created{JobID: "job"}, start.Add(3*time.Second)); got != Adopted {
		t.Errorf("got %v for the second call, want %v", got, Adopted)
	}
	late := l.begin(urls("a"), start.Add(4*time.Second))
	if got := l.end(late, edgeone.Done, edgeone.Created{JobID: "job"}, start.Add(5*time.Second)); got != Repeated {
		t.Errorf("got %v for a call that came after, want %v", got, Repeated)
	}
	none := l.begin(urls("a"), start.Add(6*time.Second))
	if got := l.end(none, edgeone.Done, edgeone.Created{}, start.Add(7*time.Second)); got != Own {
		t.Errorf("got %v for an answer without a job, want %v", got, Own)
	}
	if len(l.open) > 0 {
		t.Errorf("%d calls are open, want none: all have ended", len(l.open))
	}
}

func TestClaim_LeavesWhatAnEarlierLeaderMayHaveMade(t *testing.T) {
	t.Parallel()
	for _, handedOver := range []bool{false, true} {
		now := time.Now()
		l := newTestLog(handedOver, now)
		c := l.begin(urls("a"), now)
		l.end(c, edgeone.Ambiguous, edgeone.Created{}, now)
		if got := l.claim("job", c, now); got == handedOver {
			t.Errorf("handed over %t: got %t", handedOver, got)
		}
	}
}
