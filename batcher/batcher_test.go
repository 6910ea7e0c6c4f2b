package batcher_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/purge"
)

const (
	linger   = 2 * time.Millisecond
	quiet    = 20 * time.Millisecond
	maxQuiet = 250 * time.Millisecond

	interactive = purge.Interactive
	bulk        = purge.Bulk
)

// at is a moment of the tests, in milliseconds; much is late enough for whatever waits.
func at(ms int) time.Time {
	return time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC).Add(time.Duration(ms) * time.Millisecond)
}

const much = 3_600_000

func urls(zone string) batcher.Group {
	return batcher.Group{Account: "main", Zone: zone, Type: purge.URL}
}

// limited makes a batcher whose targets take as many bytes as they have letters.
func limited(limit, maxBytes int) *batcher.Batcher[string] {
	return batcher.New[string](batcher.Config{
		Limit: func(batcher.Group) int { return limit },
		Bytes: func(target string) int { return len(target) }, MaxBytes: maxBytes,
		Linger: linger, Quiet: quiet, MaxQuiet: maxQuiet,
	})
}

// show writes a batch as its targets, each with who waits for it: "a=r1,r2 b=r3".
func show(batch *batcher.Batch[string]) string {
	if batch == nil {
		return "none"
	}
	words := make([]string, len(batch.Slots))
	for i, s := range batch.Slots {
		words[i] = s.Target + "=" + strings.Join(s.Waiters, ",")
	}
	return strings.Join(words, " ")
}

func wantBatch(t *testing.T, got *batcher.Batch[string], want string) {
	t.Helper()
	if got := show(got); got != want {
		t.Errorf("got batch %q, want %q", got, want)
	}
}

func TestBatcher_EqualTargetsShareASlot(t *testing.T) {
	b := limited(10, 1000)
	b.Add(at(0), urls("zone-a"), bulk, "x", "r1")
	b.Add(at(1), urls("zone-a"), bulk, "y", "r1")
	b.Add(at(2), urls("zone-a"), bulk, "x", "r2")
	b.Add(at(3), urls("zone-b"), bulk, "x", "r3")
	b.Add(at(4), urls("zone-a"), bulk, "x", "r1")
	if got := b.Waiting(); got != 3 {
		t.Errorf("got %d targets waiting, want 3", got)
	}
	wantBatch(t, b.Next(at(much)), "x=r1,r2,r1 y=r1")
	wantBatch(t, b.Next(at(much)), "x=r3")
	wantBatch(t, b.Next(at(much)), "none")
	if got := b.Waiting(); got != 0 {
		t.Errorf("got %d targets waiting at the end, want 0", got)
	}
}

func TestBatcher_KeepsGroupsApart(t *testing.T) {
	base := batcher.Group{Account: "main", Zone: "zone-a", Type: purge.Prefix, Method: "delete", Hosts: "a.test"}
	for name, change := range map[string]func(*batcher.Group){
		"account": func(g *batcher.Group) { g.Account = "other" },
		"zone":    func(g *batcher.Group) { g.Zone = "zone-b" },
		"type":    func(g *batcher.Group) { g.Type = purge.Host },
		"method":  func(g *batcher.Group) { g.Method = "invalidate" },
		"hosts":   func(g *batcher.Group) { g.Hosts = "a.test,b.test" },
	} {
		t.Run(name, func(t *testing.T) {
			other := base
			change(&other)
			b := limited(10, 1000)
			b.Add(at(0), base, interactive, "x", "r1")
			b.Add(at(1), other, interactive, "x", "r2")
			for _, want := range []batcher.Group{base, other} {
				batch := b.Next(at(much))
				if batch == nil || batch.Group != want || len(batch.Slots) != 1 {
					t.Fatalf("got %+v, want one target of %+v", batch, want)
				}
			}
		})
	}
}

func TestBatcher_BindsLate(t *testing.T) {
	b := limited(2, 1000)
	b.Add(at(0), urls("zone-a"), bulk, "old", "r1")
	b.Add(at(0), urls("zone-a"), bulk, "older", "r2")
	if _, ok := b.When(at(100)); !ok {
		t.Fatal("got nothing to send, want two bulk targets")
	}
	b.Add(at(100), urls("zone-a"), interactive, "urgent", "r3")
	wantBatch(t, b.Next(at(100)), "urgent=r3 old=r1")
}

func TestBatcher_InteractiveLeavesFirstAndBulkFillsUp(t *testing.T) {
	b := limited(4, 1000)
	for i := range 4 {
		b.Add(at(i), urls("zone-a"), bulk, fmt.Sprintf("b%d", i), "bulk")
	}
	for i := range 3 {
		b.Add(at(10+i), urls("zone-a"), interactive, fmt.Sprintf("i%d", i), "now")
	}
	batch := b.Next(at(20))
	wantBatch(t, batch, "i0=now i1=now i2=now b0=bulk")
	if !batch.Urgent || !batch.Since.Equal(at(10)) {
		t.Errorf("got urgent %t since %v, want true since %v", batch.Urgent, batch.Since, at(10))
	}
	batch = b.Next(at(much))
	wantBatch(t, batch, "b1=bulk b2=bulk b3=bulk")
	if batch.Urgent || !batch.Since.Equal(at(1)) {
		t.Errorf("got urgent %t since %v, want false since %v", batch.Urgent, batch.Since, at(1))
	}
}

func TestBatcher_PromotesABulkTarget(t *testing.T) {
	b := limited(10, 1000)
	for _, target := range []string{"x", "y", "z"} {
		b.Add(at(0), urls("zone-a"), bulk, target, "r1")
	}
	b.Add(at(5), urls("zone-a"), interactive, "first", "r2")
	b.Add(at(6), urls("zone-a"), interactive, "y", "r3")
	b.Add(at(7), urls("zone-a"), interactive, "last", "r4")
	b.Add(at(8), urls("zone-a"), bulk, "y", "r5")
	if got := b.Waiting(); got != 5 {
		t.Errorf("got %d targets waiting, want 5", got)
	}
	wantBatch(t, b.Next(at(10)), "first=r2 y=r1,r3,r5 last=r4 x=r1 z=r1")

	b.Add(at(20), urls("zone-a"), bulk, "y", "r6")
	wantBatch(t, b.Next(at(much)), "y=r6")
}

func TestBatcher_BoundsABatchByTargetsAndBytes(t *testing.T) {
	tests := map[string]struct {
		limit, maxBytes int
		targets         []string
		want            []string
	}{
		"targets":                 {2, 100, []string{"a", "b", "c"}, []string{"a=r b=r", "c=r"}},
		"limit below one":         {-3, 100, []string{"a", "b"}, []string{"a=r", "b=r"}},
		"bytes to the last one":   {9, 4, []string{"aa", "bb", "c"}, []string{"aa=r bb=r", "c=r"}},
		"bytes but one":           {9, 4, []string{"aa", "bbb", "c"}, []string{"aa=r", "bbb=r c=r"}},
		"first one too large":     {9, 4, []string{"aaaaa", "b", "c"}, []string{"aaaaa=r", "b=r c=r"}},
		"later one too large":     {9, 4, []string{"a", "bbbbb", "c"}, []string{"a=r", "bbbbb=r", "c=r"}},
		"small ones keep in line": {9, 4, []string{"aa", "bbb", "c", "d"}, []string{"aa=r", "bbb=r c=r", "d=r"}},
	}
	for name, test := range tests {
		for _, lane := range []purge.Lane{interactive, bulk} {
			t.Run(name+"/"+string(lane), func(t *testing.T) {
				b := limited(test.limit, test.maxBytes)
				for _, target := range test.targets {
					b.Add(at(0), urls("zone-a"), lane, target, "r")
				}
				var got []string
				for batch := b.Next(at(much)); batch != nil; batch = b.Next(at(much)) {
					got = append(got, show(batch))
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("batches (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestBatcher_AsksForTheLimitOfTheMoment(t *testing.T) {
	limit := 1
	b := batcher.New[string](batcher.Config{
		Limit: func(g batcher.Group) int {
			if g != urls("zone-a") {
				t.Errorf("asked for the limit of %+v", g)
			}
			return limit
		},
		Bytes: func(string) int { return 1 }, MaxBytes: 100,
	})
	for _, target := range []string{"a", "b", "c", "d"} {
		b.Add(at(0), urls("zone-a"), bulk, target, "r")
	}
	wantBatch(t, b.Next(at(0)), "a=r")
	limit = 2
	wantBatch(t, b.Next(at(0)), "b=r c=r")
}

func TestBatcher_RemoveTakesOutWhoIsDropped(t *testing.T) {
	b := limited(10, 1000)
	asked := make(map[string]int)
	gone := func(names ...string) func(string) bool {
		clear(asked)
		return func(w string) bool {
			asked[w]++
			return slices.Contains(names, w)
		}
	}
	b.Add(at(0), urls("zone-a"), bulk, "x", "r1")
	b.Add(at(0), urls("zone-a"), bulk, "y", "r2")
	b.Return(b.Next(at(much)), at(0)) // x and y come back
	b.Add(at(1), urls("zone-a"), bulk, "x", "r3")
	b.Add(at(1), urls("zone-a"), interactive, "x", "r4") // promoted
	b.Add(at(1), urls("zone-a"), bulk, "z", "r5")
	b.Add(at(1), urls("zone-b"), bulk, "z", "r6")

	if got := b.Remove(gone("r1", "r3", "r6", "nobody")); got != 2 {
		t.Errorf("got %d targets removed, want 2: x of the batch that came back and z of zone-b", got)
	}
	if diff := cmp.Diff(map[string]int{"r1": 1, "r2": 1, "r3": 1, "r4": 1, "r5": 1, "r6": 1}, asked); diff != "" {
		t.Errorf("times asked (-want +got):\n%s", diff)
	}
	if got := b.Waiting(); got != 3 {
		t.Errorf("got %d targets waiting, want 3", got)
	}
	wantBatch(t, b.Next(at(much)), "x=r4 z=r5")
	if got := b.Remove(gone("r2")); got != 1 {
		t.Errorf("got %d targets removed, want 1", got)
	}
	if _, ok := b.When(at(much)); ok || b.Waiting() != 0 {
		t.Errorf("got %d targets waiting, want none", b.Waiting())
	}
	wantBatch(t, b.Next(at(much)), "none")
}

func TestBatcher_RemoveOfPromotedTargetsLeavesTheRest(t *testing.T) {
	b := limited(2, 1000)
	for _, target := range []string{"a", "b", "c", "d"} {
		b.Add(at(0), urls("zone-a"), bulk, target, "r1")
	}
	b.Add(at(1), urls("zone-a"), interactive, "a", "r2")
	b.Add(at(1), urls("zone-a"), interactive, "c", "r2")
	drop := func(w string) bool { return w == "r2" }
	if got := b.Remove(drop); got != 0 {
		t.Errorf("got %d targets removed, want 0: others wait for them", got)
	}
	b.Add(at(2), urls("zone-a"), interactive, "b", "r3")
	wantBatch(t, b.Next(at(much)), "a=r1 c=r1")
	wantBatch(t, b.Next(at(much)), "b=r1,r3 d=r1")
	wantBatch(t, b.Next(at(much)), "none")
}

func TestBatcher_RemovedTargetsTakeNoPlace(t *testing.T) {
	b := limited(2, 1000)
	g := urls("zone-a")
	b.Hold(g.Account, g.Zone, g.Type, at(much))
	b.Add(at(0), g, bulk, "stays", "r1")
	for i := range 1000 {
		b.Add(at(i), g, bulk, "goes", "r2")
		b.Remove(func(w string) bool { return w == "r2" })
	}
	for i := range 1000 {
		target := fmt.Sprint("promoted", i)
		b.Add(at(i), g, bulk, target, "r3")
		b.Add(at(i), g, interactive, target, "r3")
		b.Remove(func(w string) bool { return w == "r3" })
	}
	if got := b.Lined(); b.Waiting() != 1 || got > 4 {
		t.Errorf("got %d places for %d target, want no more than 4 (I5)", got, b.Waiting())
	}
}

func TestBatcher_ForgetsGroupsWithoutTargets(t *testing.T) {
	b := limited(2, 1000)
	for i := range 10 {
		b.Add(at(0), urls(fmt.Sprint("zone-sent-", i)), bulk, "x", "r1")
		b.Next(at(much))
		b.Add(at(0), urls(fmt.Sprint("zone-dropped-", i)), bulk, "x", "r1")
		b.Remove(func(string) bool { return true })
	}
	if got := b.Lined(); got != 0 {
		t.Errorf("got %d places for nothing, want none (I5)", got)
	}
}
