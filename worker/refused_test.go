package worker

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
)

func TestFailure_RefusedInAnotherSpelling(t *testing.T) {
	const a, b, c = "https://www.example.com/%c3%a9", "https://www.example.com/b", "https://www.example.com/c"
	for _, tt := range []struct {
		name    string
		job     string
		names   []string
		refused []string
		unnamed int
	}{
		{"none", "job", nil, nil, 0},
		{"as it was sent", "job", []string{a}, []string{a}, 0},
		{"an escape in upper case", "job", []string{"https://www.example.com/%C3%A9"}, []string{a}, 0},
		{"decoded", "job", []string{"https://www.example.com/é"}, []string{a}, 0},
		{"the host's case, root and port", "job", []string{"HTTPS://WWW.example.com.:443/b"}, []string{b}, 0},
		{"a name that fits none", "job", []string{"4711"}, nil, 1},
		{"one that fits and one that does not", "job", []string{b, "4711"}, []string{b}, 1},
		{"a name twice", "job", []string{"4711", "4711"}, nil, 1},
		{"as many names as targets", "job", []string{"1", "2", "3"}, []string{a, b, c}, 0},
		{"as many as are left", "job", []string{a, "1", "2"}, []string{a, b, c}, 0},
		{"no job", "", []string{a, b, "1"}, []string{a, b, c}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			batch := &batcher.Batch[waiter]{Group: batcher.Group{Type: purge.URL}}
			for _, target := range []string{a, b, c} {
				batch.Slots = append(batch.Slots, &batcher.Slot[waiter]{Target: target})
			}
			got := refusals(batch, edgeone.Created{JobID: tt.job, Refused: []edgeone.Refusal{{Reason: "why", Targets: tt.names}}})
			want := make(map[string]string)
			for _, target := range tt.refused {
				want[target] = "why"
			}
			if diff := cmp.Diff(want, got.reasons); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
			if got.unnamed != tt.unnamed {
				t.Errorf("%d targets are refused by names that none has, want %d", got.unnamed, tt.unnamed)
			}
		})
	}
}

func TestCut_LeavesCharactersWhole(t *testing.T) {
	for text, want := range map[string]string{"abc": "abc", "abcdef": "abcd", "abcé": "abc", "abé": "abé", "éééé": "éé"} {
		if got := cut(text, 4); got != want {
			t.Errorf("got %q of %q, want %q", got, text, want)
		}
	}
}
