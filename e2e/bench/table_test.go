package main

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{7}, 7},
		{[]float64{9, 1}, 5},
		{[]float64{3, 100, 1}, 3},
		{[]float64{4, 1, 3, 2}, 2.5},
	} {
		if got := median(tt.values); got != tt.want {
			t.Errorf("%v: got %v, want %v", tt.values, got, tt.want)
		}
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("of nothing: got %v, want NaN", got)
	}
}

func TestPercentile_IsTheNearestRank(t *testing.T) {
	t.Parallel()
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i)
	}
	for _, tt := range []struct {
		values  []float64
		p, want float64
	}{
		{hundred, 50, 50},
		{hundred, 95, 95},
		{hundred, 99, 99},
		{hundred, 100, 100},
		{hundred, 0, 1},
		{[]float64{5}, 99, 5},
		{[]float64{2, 1, 3}, 50, 2},
		{[]float64{2, 1, 3}, 67, 3},
	} {
		if got := percentile(tt.values, tt.p); got != tt.want {
			t.Errorf("p%v of %d values: got %v, want %v", tt.p, len(tt.values), got, tt.want)
		}
	}
	if got := percentile(nil, 50); !math.IsNaN(got) {
		t.Errorf("of nothing: got %v, want NaN", got)
	}
	if hundred[0] != 100 {
		t.Error("the values were sorted in place")
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]float64{
		"0": 0, "200000": 200000, "123": 123.4, "99.5": 99.54, "20": 20, "1.05": 1.05, "0.5": 0.5, "0.386": 0.3861, "-3.5": -3.5,
	} {
		if got := number(v); got != want {
			t.Errorf("%v: got %s, want %s", v, got, want)
		}
	}
}

func TestGoal_Met(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		goal                goal
		under, equal, above bool
	}{
		{atLeast(5), false, true, true},
		{atMost(5), true, true, false},
		{below(5), true, false, false},
		{goal{}, true, true, true},
	} {
		if u, e, a := tt.goal.met(4), tt.goal.met(5), tt.goal.met(6); u != tt.under || e != tt.equal || a != tt.above {
			t.Errorf("%+v: got %v, %v, %v for 4, 5, 6, want %v, %v, %v", tt.goal, u, e, a, tt.under, tt.equal, tt.above)
		}
	}
}

func TestTable_HoldsMediansAgainstGoals(t *testing.T) {
	t.Parallel()
	tab := table{Header: header{
		Edgepurge: "edgepurge 1.2.3", Revision: "0123456789ab", NATS: "v2.15.2", Go: "go1.26", Cores: 2, Load: "0.1 0.2 0.3",
		Begin: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), Runs: 3,
	}}
	for _, v := range []float64{97, 99, 98.5} {
		tab.add("limit", 1, []figure{
			{"fixed window", "accepted", v, "%", atLeast(98)},
			{"fixed window", "refused", 0, "%", atMost(0.5)},
			{"", "calls for a job", v / 97, "", below(1)},
		})
	}
	tab.add("raw", 3, []figure{{"", "first call", 12.34, "ms", goal{}}})
	tab.Failures = []failure{{"memory", 1, "run 2: worker-0 ended by itself"}}
	var b strings.Builder
	if err := tab.markdown(&b); err != nil {
		t.Fatal(err)
	}
	const want = `edgepurge 1.2.3 0123456789ab, nats-server v2.15.2, go1.26, 2 cores, 2026-11-22 10:00:00. Medians; runs: 3.
The NATS server, the emulator, the workers, and the load and the counting in the bench itself share these cores. Load of the machine before: 0.1 0.2 0.3.

| scenario | workers | setting | figure | median | runs | goal | ratio | met |
|---|--:|---|---|--:|---|--:|--:|---|
| limit | 1 | fixed window | accepted | 98.5 % | 97 to 99 | >= 98 % | 1.01 | yes |
| limit | 1 | fixed window | refused | 0 % | 0 | <= 0.5 % | 0.00 | yes |
| limit | 1 | - | calls for a job | 1.02 | 1 to 1.02 | < 1 | 1.02 | no |
| raw | 3 | - | first call | 12.3 ms | 12.3 | - | - | - |

memory with 1 workers gave no figures: run 2: worker-0 ended by itself

` + "```sh" + `
go run ./e2e/bench -only limit -workers 1 -runs 3
go run ./e2e/bench -only raw -workers 3 -runs 3
` + "```\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}
