package main

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestSentOf_CountsWhatWasAccepted(t *testing.T) {
	t.Parallel()
	calls := callsEvery(noon, 50*time.Millisecond, 4, func(i int, c *create) {
		c.targets = [][]string{{"a", "b"}, {"c"}, {"b", "d"}, {"e", "a"}}[i]
		if i == 3 {
			c.job = ""
		}
	})
	want := sent{calls: 3, distinct: 4, twice: 1, took: 100 * time.Millisecond}
	if got := sentOf(calls); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := sentOf(nil); got != (sent{}) {
		t.Errorf("of nothing: got %+v", got)
	}
}

func TestRepeats_AreAFifthOfTheList(t *testing.T) {
	t.Parallel()
	b := &bench{options: options{ids: true}}
	times := make(map[string]int)
	n, behind := 0, 0
	for body := range b.repeats(1000, 800) {
		var i, p int
		_, err := fmt.Sscanf(string(body), `{"id":"r-%d","zone":"zone-emulator","targets":["https://www.example.com/blog/2026/11/post-%d/"]}`, &i, &p)
		if err != nil || i != n {
			t.Fatalf("request %d: %v in %s", n, err, body)
		}
		if times[page(p)]++; times[page(p)] > 1 && n >= 800 {
			behind++
		}
		n++
	}
	if n != 1000 || len(times) != 800 {
		t.Errorf("got %d requests for %d URLs, want 1000 for 800", n, len(times))
	}
	if behind > 150 {
		t.Errorf("%d of 200 repeats are at the end of the list, want them all over it", behind)
	}
}

func TestArrivalsOf_TakesTheFirstCallWithEachTarget(t *testing.T) {
	t.Parallel()
	full := slices.Repeat([]string{"bulk"}, batch)
	with := func(n int, targets ...string) []string { return append(targets, full[:n-len(targets)]...) }
	calls := callsEvery(noon, 50*time.Millisecond, 7, func(i int, c *create) {
		c.targets = [][]string{
			with(50),           // before the first: its fill does not count
			with(batch, "u-0"), // at 50 ms
			with(batch, "u-1"), // refused
			with(batch, "u-1"), // at 150 ms
			with(90, "u-1"),    // again: does not count
			with(batch, "u-2"), // at 250 ms
			with(10),           // behind the last
		}[i]
		if i == 2 {
			c.job = ""
		}
	})
	got := arrivalsOf(calls, map[string]time.Time{
		"u-0": noon.Add(20 * time.Millisecond), "u-1": noon.Add(30 * time.Millisecond), "u-2": noon.Add(240 * time.Millisecond),
		"u-3": noon.Add(time.Second),
	})
	if diff := cmp.Diff([]float64{30, 120, 10}, got.took); diff != "" {
		t.Errorf("milliseconds (-want +got):\n%s", diff)
	}
	if want := (1 + 1 + 0.9 + 1) / 4; math.Abs(got.fill-want) > 1e-9 {
		t.Errorf("fill: got %v, want %v", got.fill, want)
	}
}

func TestLagsOf_CountsWhatHasNoEventYet(t *testing.T) {
	t.Parallel()
	const task = 20 * time.Second
	calls := callsEvery(noon, time.Second, 9, func(i int, c *create) {
		if c.job = fmt.Sprint("job-", i); i == 4 {
			c.job = "" // refused: nothing to wait for
		}
	})
	end := func(i int) time.Time { return calls[i].arrived.Add(task) }
	events := []told{
		{end(0).Add(2 * time.Second), []string{"job-0"}},
		{end(1).Add(5 * time.Second), []string{"job-1", "job-0"}},
		{end(1).Add(1 * time.Second), []string{"job-1"}},
		{end(2).Add(3 * time.Second), []string{"job-2"}},
		{end(3).Add(3 * time.Second), []string{"job-3"}},
		{end(5).Add(4 * time.Second), []string{"job-5"}},
		{end(6).Add(4 * time.Second), []string{"job-6", "job-7"}},
	}
	got := lagsOf(calls, events, task, end(8).Add(6*time.Second))
	if diff := cmp.Diff([]float64{2, 1, 3, 3, 4, 4, 3, 6}, got.all); diff != "" {
		t.Errorf("seconds (-want +got):\n%s", diff)
	}
	if want := 4.5 - 1.5; got.growth != want {
		t.Errorf("growth: got %v, want %v", got.growth, want)
	}
}

func TestRise_IsFromTheLowestToWhatComesAfterIt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		quarters [4]float64
		want     float64
	}{
		{[4]float64{1, 2, 9, 2}, 8},
		{[4]float64{14, 5, 10, 10}, 5},
		{[4]float64{1, 2, 3, 4}, 3},
		{[4]float64{4, 3, 2, 0}, -1},
		{[4]float64{5, 5, 5, 5}, 0},
	} {
		if got := rise(tt.quarters); got != tt.want {
			t.Errorf("%v: got %v, want %v", tt.quarters, got, tt.want)
		}
	}
	few := callsEvery(noon, time.Second, 3, nil)
	if got := lagsOf(few, nil, 0, noon).growth; !math.IsNaN(got) {
		t.Errorf("of three jobs: got %v, want NaN", got)
	}
	odd := []float64{1, 1, 1, 2, 2, 2, 9, 9, 9, 3, 3, 3, 99}
	if got, want := quarters(odd), [4]float64{1, 2, 9, 3}; got != want {
		t.Errorf("%v: got %v, want %v", odd, got, want)
	}
}

func TestGapOf_IsAroundTheOwnersEnd(t *testing.T) {
	t.Parallel()
	const spacing = 50 * time.Millisecond
	at := noon.Add(5*time.Second + 10*time.Millisecond)
	for _, tt := range []struct {
		name  string
		calls []create
		want  gap
	}{
		{"none", callsEvery(noon, spacing, 20*20, nil), gap{}},
		{
			"four seconds",
			slices.Concat(callsEvery(noon, spacing, 20*5+1, nil), callsEvery(noon.Add(9*time.Second), spacing, 20*20, nil)),
			gap{4*time.Second - spacing, 4*time.Second - spacing},
		},
		{
			"refused calls are none",
			callsEvery(noon, spacing, 20*20, func(i int, c *create) {
				if i > 100 && i <= 110 {
					c.job = ""
				}
			}),
			gap{500 * time.Millisecond, 500 * time.Millisecond},
		},
		{
			"those before do not count",
			slices.Concat(callsEvery(noon.Add(-9*time.Second), spacing, 1, nil), callsEvery(noon, spacing, 20*20, nil)),
			gap{},
		},
		{
			"longer than the aftermath",
			slices.Concat(callsEvery(noon, spacing, 20*5+1, nil), callsEvery(noon.Add(25*time.Second), spacing, 20, nil)),
			gap{20*time.Second - spacing, aftermath},
		},
	} {
		if got := gapOf(tt.calls, at); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestScenario_RunsWithWorkersEnough(t *testing.T) {
	t.Parallel()
	s := scenario{name: "takeover", least: 2}
	for _, tt := range [][2][]int{{{1, 3}, {3}}, {{1}, {2}}, {{2, 3}, {2, 3}}} {
		if got := s.workers(tt[0]); !slices.Equal(got, tt[1]) {
			t.Errorf("asked for %v: got %v, want %v", tt[0], got, tt[1])
		}
	}
}
