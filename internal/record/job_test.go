package record_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/record"
)

func TestShare_AddJoinsNeighboursToRuns(t *testing.T) {
	tests := map[string]struct {
		pairs [][2]int // position in the table, index in the request
		want  [][3]int
	}{
		"nothing":              {nil, nil},
		"one":                  {[][2]int{{7, 3}}, [][3]int{{7, 3, 1}}},
		"in order":             {[][2]int{{7, 3}, {8, 4}, {9, 5}}, [][3]int{{7, 3, 3}}},
		"gap in the table":     {[][2]int{{7, 3}, {9, 4}}, [][3]int{{7, 3, 1}, {9, 4, 1}}},
		"gap in the request":   {[][2]int{{7, 3}, {8, 5}}, [][3]int{{7, 3, 1}, {8, 5, 1}}},
		"backwards":            {[][2]int{{8, 4}, {7, 3}}, [][3]int{{8, 4, 1}, {7, 3, 1}}},
		"one target twice":     {[][2]int{{7, 3}, {7, 4}, {8, 5}}, [][3]int{{7, 3, 1}, {7, 4, 2}}},
		"the same again":       {[][2]int{{7, 3}, {7, 3}}, [][3]int{{7, 3, 1}, {7, 3, 1}}},
		"same index elsewhere": {[][2]int{{7, 3}, {8, 3}}, [][3]int{{7, 3, 1}, {8, 3, 1}}},
		"only the last joins":  {[][2]int{{0, 0}, {5, 5}, {1, 1}}, [][3]int{{0, 0, 1}, {5, 5, 1}, {1, 1, 1}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var s record.Share
			for _, p := range test.pairs {
				s.Add(p[0], p[1])
			}
			if diff := cmp.Diff(test.want, s.Runs); diff != "" {
				t.Errorf("runs (-want +got):\n%s", diff)
			}
			if got, want := s.Count(), len(test.pairs); got != want {
				t.Errorf("got %d targets, want %d", got, want)
			}
		})
	}
}

func TestFound_KnowsWhetherAnythingIsLeft(t *testing.T) {
	tests := map[string]struct {
		found record.Found
		want  bool
	}{
		"nothing is known":       {record.Found{}, false},
		"all are held":           {record.Found{Recorded: []bool{true, true}}, true},
		"one is not":             {record.Found{Recorded: []bool{true, false}}, false},
		"ended":                  {record.Found{Ended: true}, true},
		"ended, and seen before": {record.Found{Ended: true, Recorded: []bool{true, false}}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := test.found.AllRecorded(); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}

func TestKey_IsTheSubjectOfAnEvent(t *testing.T) {
	r := record.Request{Source: "ghost", ID: "post-4711-r3"}
	if got, want := r.Key().String(), "ghost/post-4711-r3"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
