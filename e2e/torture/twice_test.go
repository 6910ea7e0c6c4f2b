package main

import (
	"testing"

	"github.com/edgepurge/edgepurge/purge"
)

func TestCheck_ExcusesWhatAFaultExplains(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		first func(c *call) // the one that is sent again
		hit   hit
		want  bool
	}{
		{"answer lost", func(c *call) { c.Fate = apiLost }, hit{}, true},
		{"answer too late", func(c *call) { c.Fate, c.Gone = apiSlow, true }, hit{}, true},
		{"given up for no reason", func(c *call) { c.Gone = true }, hit{}, false},
		{"late, and in time", func(c *call) { c.Fate = apiLate }, hit{}, false},
		{"killed half a second later", nil, hit{Kind: killOwner, Reach: reachWorker, From: at(2.5), To: at(2.6)}, true},
		{"killed two seconds later", nil, hit{Kind: killOwner, Reach: reachWorker, From: at(4.1), To: at(4.2)}, false},
		{"another killed", nil, hit{Kind: killOwner, Reach: reachWorker, Worker: 1, From: at(2.5), To: at(2.6)}, false},
		{"drained in time", nil, hit{Kind: drainOwner, Reach: reachWorker, From: at(2.5), To: at(2.6), Clean: true}, false},
		{"broker away", nil, hit{Kind: killServer, Reach: reachBroker, Worker: -1, From: at(1.5), To: at(1.9)}, true},
		{"broker away long before", nil, hit{Kind: killServer, Reach: reachBroker, Worker: -1, From: at(-9), To: at(-8)}, false},
		{"another's link cut", nil, hit{Kind: cutOwner, Reach: reachLink, Worker: 2, From: at(2), To: at(2.1)}, false},
		{"API away", nil, hit{Kind: apiReset, Reach: reachAPI, Worker: -1, From: at(0), To: at(9)}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := sound()
			if tt.first != nil {
				tt.first(&r.calls[0])
			}
			r.hits = []hit{tt.hit}
			r.calls = append(r.calls, created("job2", 8))
			r.rows = append(r.rows, row{"job2", target, "success"})
			for i := range 2 {
				r.events[i] = ended([]string{"a", "b"}[i], purge.Completed, "job2")
				r.events[i].told.Stored = at(10)
			}
			v, wrong := judged(t, r)
			if v.twice != 1 || (len(wrong) == 0) != tt.want {
				t.Errorf("%d twice, wrong is %v; want 1, excused %t", v.twice, v.wrong, tt.want)
			}
		})
	}
}

// A later request for the same URL needs a job of its own.
func TestCheck_LaterRequestIsNoRepeat(t *testing.T) {
	t.Parallel()
	r := sound()
	r.calls = append(r.calls, created("job2", 3))
	r.rows = append(r.rows, row{"job2", target, "success"})
	r.events[1] = ended("b", purge.Completed, "job2")
	if v, wrong := judged(t, r); v.twice != 0 || len(wrong) > 0 {
		t.Errorf("%d twice, wrong is %v; want none", v.twice, v.wrong)
	}
}

// What EdgeOne failed is sent again.
func TestCheck_FailedTaskIsSentAgain(t *testing.T) {
	t.Parallel()
	r := sound()
	r.rows[0].Status = "failed"
	r.calls = append(r.calls, created("job2", 3))
	r.rows = append(r.rows, row{"job2", target, "success"})
	for i := range 2 {
		r.events[i] = ended([]string{"a", "b"}[i], purge.Completed, "job1", "job2")
	}
	if v, wrong := judged(t, r); v.twice != 0 || len(wrong) > 0 {
		t.Errorf("%d twice, wrong is %v; want none", v.twice, v.wrong)
	}
}

// An event tells jobs, not which of its targets each was for: a job that has a target of the request may have been there
// for another request's.
func TestCheck_SharedJobIsNoRepeat(t *testing.T) {
	t.Parallel()
	r := sound()
	r.calls = append(r.calls, created("job2", 3))
	r.rows = append(r.rows, row{"job2", target, "success"})
	r.events[1] = ended("b", purge.Completed, "job1", "job2")
	if v, wrong := judged(t, r); v.twice != 0 || len(wrong) > 0 {
		t.Errorf("%d twice, wrong is %v; want none", v.twice, v.wrong)
	}
}
