package purge_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/purge"
)

func TestValid_DrawsTheLine(t *testing.T) {
	a := func(n int) string { return strings.Repeat("a", n) }
	tests := []struct {
		name     string
		valid    func(string) bool
		accepted []string
		refused  []string
	}{
		{
			"id", purge.ValidID,
			[]string{"a", "-", "Z9_-", "0", a(64)},
			[]string{"", "_", "_a", "a.b", "a b", "a*", "a>", "é", "a/b", a(65)},
		},
		{
			"source", purge.ValidSource,
			[]string{"ghost", "_", "-", "a0_-", a(32)},
			[]string{"", "Ghost", "a.b", "a b", "*", ">", a(33)},
		},
		{
			"zone", purge.ValidZone,
			[]string{"zone-3fkff38fyw8s", "zone-emulator", "zone-A", "zone-" + a(64)},
			[]string{"", "zone-", "zone", "3fkff38fyw8s", "Zone-a", "zone-a-b", "zone-a.b", "*", "zone-" + a(65)},
		},
		{
			"prefix", purge.ValidPrefix,
			[]string{"purge", "a-1", "-", a(32)},
			[]string{"", "Purge", "a_b", "a.b", "*", a(33)},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, s := range tt.accepted {
				if !tt.valid(s) {
					t.Errorf("%q was refused", s)
				}
			}
			for _, s := range tt.refused {
				if tt.valid(s) {
					t.Errorf("%q was accepted", s)
				}
			}
		})
	}
}

func TestGeneratedID_FitsIntoSubjectsAndIsNoProducers(t *testing.T) {
	subjects := purge.Subjects{Prefix: "purge"}
	seen := map[string]bool{}
	for _, stored := range []time.Time{changed, changed.Add(1), time.Unix(0, 0), time.Unix(0, -1), time.Unix(0, math.MaxInt64)} {
		for _, sequence := range []uint64{1, 2, math.MaxUint64} {
			id := purge.GeneratedID(stored, sequence)
			_, _, got, ok := subjects.ParseEvent(subjects.Event("ghost", purge.Completed, id))
			if !ok || got != id || purge.ValidID(id) || seen[id] {
				t.Errorf("%v, %d: got %q, want an id of our own, and no other's", stored, sequence, id)
			}
			if again := purge.GeneratedID(stored.In(time.FixedZone("", 3600)), sequence); again != id {
				t.Errorf("got %q for the same message, want %q", again, id)
			}
			seen[id] = true
		}
	}
	if got, want := purge.GeneratedID(changed, 35), "_dn1nhcz9jwg0-z"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPickID_TakesTheFirstThatFits(t *testing.T) {
	tests := []struct{ name, id, msgID, want string }{
		{"own", "a1", "ghost.b2", "a1"},
		{"header", "", "ghost.b2", "b2"},
		{"own that does not fit", "_a", "ghost.b2", "b2"},
		{"header of another source", "", "sanity.b2", ""},
		{"header of a longer source", "", "ghosts.b2", ""},
		{"header without a dot", "", "ghost-b2", ""},
		{"header without source", "", "b2", ""},
		{"header that does not fit", "", "ghost._b2", ""},
		{"header with another dot", "", "ghost.b.2", ""},
		{"header without id", "", "ghost.", ""},
		{"header that is the source", "", "ghost", ""},
		{"own of a replay", "_replay-7", "", ""},
		{"header of a replay", "", "ghost._replay-7", "_replay-7"},
		{"header of the largest replay", "", "ghost._replay-18446744073709551615", "_replay-18446744073709551615"},
		{"header of a replay of another source", "", "sanity._replay-7", ""},
		{"header of no replay", "", "ghost._replay-", ""},
		{"header of a replay with a sign", "", "ghost._replay-+7", ""},
		{"header of a replay with a zero before", "", "ghost._replay-07", ""},
		{"header of a replay beyond all", "", "ghost._replay-18446744073709551616", ""},
		{"header of a replay of a replay", "", "ghost._replay-_replay-7", ""},
		{"none", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := purge.PickID(purge.Request{ID: tt.id}, "ghost", tt.msgID); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
