package batcher_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/purge"
)

const callLimit = 500

// hunt sends targets to an API that refuses every call with a bad one, and gives the number of calls
// beyond those that it takes when none is bad.
func hunt(t *testing.T, targets int, bad map[int]bool) (extra int) {
	t.Helper()
	b := batcher.New[int](batcher.Config{
		Limit: func(batcher.Group) int { return callLimit },
		Bytes: func(string) int { return 1 }, MaxBytes: 10_000_000,
	})
	for i := range targets {
		b.Add(at(0), urls("zone-a"), bulk, strconv.Itoa(i), i)
	}
	accepted, refused := 0, 0
	for batch := b.Next(at(1)); batch != nil; batch = b.Next(at(1)) {
		extra++
		sunk := 0
		for _, s := range batch.Slots {
			if bad[s.Waiters[0]] {
				sunk++
			}
		}
		switch {
		case sunk == 0:
			b.Cleared(batch)
			accepted += len(batch.Slots)
		case !b.Bisect(batch):
			refused++
		}
	}
	if refused != len(bad) || accepted != targets-len(bad) || b.Waiting() != 0 || b.Kept() != 0 {
		t.Fatalf("got %d accepted and %d refused alone, %d waiting, %d kept; want %d, %d and nothing left",
			accepted, refused, b.Waiting(), b.Kept(), targets-len(bad), len(bad))
	}
	return extra - (targets+callLimit-1)/callLimit
}

// The numbers of calls beyond those of clean batches: at least log2 of the ways to place the bad ones
// are needed, which is 9 for one of 500, 38 for 5, 118 for 20, 358 for 100.
func TestBisection_TakesFewCalls(t *testing.T) {
	tests := []struct {
		targets, bad        int
		scattered, together int // most calls
	}{
		{500, 0, 0, 0},
		{500, 1, 11, 11},
		{500, 2, 25, 23},
		{500, 5, 57, 50},
		{500, 20, 170, 90},
		{500, 100, 500, 180},
		{500, 250, 570, 340},
		{500, 500, 530, 530},
		{5000, 1, 11, 11},
		{5000, 10, 125, 60},
		{5000, 5000, 5100, 5100},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d of %d", tt.bad, tt.targets), func(t *testing.T) {
			dice := rand.New(rand.NewPCG(1, 2))
			rounds := 20
			if tt.bad == tt.targets || tt.targets > callLimit {
				rounds = 3
			}
			for range rounds {
				scattered, together := make(map[int]bool), make(map[int]bool)
				for _, i := range dice.Perm(tt.targets)[:tt.bad] {
					scattered[i] = true
				}
				from := dice.IntN(tt.targets - tt.bad + 1)
				for i := range tt.bad {
					together[from+i] = true
				}
				if n := hunt(t, tt.targets, scattered); n > tt.scattered {
					t.Errorf("scattered: %d calls more, want at most %d", n, tt.scattered)
				}
				if n := hunt(t, tt.targets, together); n > tt.together {
					t.Errorf("together, from %d: %d calls more, want at most %d", from, n, tt.together)
				}
			}
		})
	}
}

func TestBisection_FindsOneWhereverItIs(t *testing.T) {
	for i := range callLimit {
		if n := hunt(t, callLimit, map[int]bool{i: true}); n > 11 {
			t.Errorf("at %d: %d calls more, want at most 11", i, n)
		}
	}
}

// bisecting is a batcher with targets of one letter, whose batch was refused.
func bisecting(t *testing.T, letters string) *batcher.Batcher[string] {
	t.Helper()
	b := filled(bulk, len(letters), letters)
	refuse(t, b, b.Next(at(0)))
	return b
}

// refuse reports that a batch of several was refused because of a bad target.
func refuse(t *testing.T, b *batcher.Batcher[string], batch *batcher.Batch[string]) {
	t.Helper()
	if !b.Bisect(batch) {
		t.Fatalf("got %q for found, want its targets sent again", show(batch))
	}
}

func TestBisect_LeavesASingleTargetToItsCaller(t *testing.T) {
	b := filled(bulk, 4, "a")
	if b.Bisect(b.Next(at(much))) {
		t.Error("got a single target taken back, want it left")
	}
	if b.Waiting() != 0 || b.Kept() != 0 {
		t.Errorf("got %d targets waiting, want none", b.Waiting())
	}
}

func TestBisection_NarrowsDown(t *testing.T) {
	b := bisecting(t, "abcdefgh")
	if got := b.Waiting(); got != 8 {
		t.Errorf("got %d targets waiting, want 8", got)
	}
	batch := b.Next(at(1))
	wantBatch(t, batch, "a=r1 b=r1 c=r1 d=r1")
	b.Cleared(batch) // so it is one of e to h
	batch = b.Next(at(1))
	wantBatch(t, batch, "e=r1 f=r1")
	refuse(t, b, batch)
	batch = b.Next(at(1))
	wantBatch(t, batch, "e=r1")
	b.Cleared(batch) // so it is f, which is asked alone all the same
	batch = b.Next(at(1))
	wantBatch(t, batch, "f=r1")
	if b.Bisect(batch) {
		t.Error("got f taken back, want it found")
	}
	batch = b.Next(at(1))
	wantBatch(t, batch, "g=r1 h=r1")
	b.Cleared(batch)
	wantBatch(t, b.Next(at(much)), "none")
	if b.Waiting() != 0 || b.Kept() != 0 {
		t.Errorf("got %d targets waiting and %d things kept, want none", b.Waiting(), b.Kept())
	}
}

func TestBisection_SendsOneProbeAZone(t *testing.T) {
	b := limited(2, 1000)
	tags := batcher.Group{Account: "main", Zone: "zone-a", Type: purge.Tag}
	for _, g := range []batcher.Group{urls("zone-a"), tags, urls("zone-b")} {
		for _, target := range []string{"x", "y"} {
			b.Add(at(0), g, bulk, target, string(g.Type))
		}
		refuse(t, b, b.Next(at(0)))
	}
	first := b.Next(at(1))
	wantBatch(t, first, "x=url")
	second := b.Next(at(1))
	if wantBatch(t, second, "x=url"); second.Group == first.Group {
		t.Errorf("got two probes of %+v, want one of each zone", first.Group)
	}
	wantBatch(t, b.Next(at(much)), "none")
	if due, ok := b.When(at(1)); ok {
		t.Errorf("got a batch at %v, want none before a probe is answered", due)
	}
	b.Cleared(first)
	batch := b.Next(at(1))
	if wantBatch(t, batch, "x=tag"); batch.Group != tags {
		t.Errorf("got a probe of %+v, want the other type's turn", batch.Group)
	}
}

func TestBisection_GoesBehindWhatIsFresh(t *testing.T) {
	b := limited(2, 1000)
	pair := func(zone string, lane purge.Lane, name string) {
		b.Add(at(0), urls(zone), lane, name+"1", "r")
		b.Add(at(0), urls(zone), lane, name+"2", "r")
	}
	pair("zone-a", bulk, "bisect-bulk")
	refuse(t, b, b.Next(at(0)))
	pair("zone-b", interactive, "bisect-interactive")
	refuse(t, b, b.Next(at(0)))
	pair("zone-c", bulk, "fresh")
	pair("zone-d", interactive, "urgent")
	for _, want := range []string{
		"urgent1=r urgent2=r", "bisect-interactive1=r", "fresh1=r fresh2=r", "bisect-bulk1=r", "none",
	} {
		wantBatch(t, b.Next(at(1)), want)
	}
}

func TestBisection_GetsAnAgedShare(t *testing.T) {
	for _, lane := range []purge.Lane{interactive, bulk} {
		t.Run(string(lane), func(t *testing.T) {
			const calls = 100
			b := limited(20, 1000)
			for i := range 20 {
				b.Add(at(0), urls("zone-a"), lane, fmt.Sprint("bisect", i), "r")
			}
			refuse(t, b, b.Next(at(10)))
			probes := 0
			for call := range calls {
				for i := range 20 {
					b.Add(at(10+call), urls("zone-b"), lane, fmt.Sprint(call, "-", i), "r")
				}
				batch := b.Next(at(10 + call))
				if !batch.IsProbe() {
					continue
				}
				if probes++; call%10 != 9 {
					t.Errorf("call %d is a probe, want one after nine others", call)
				}
				b.Bisect(batch)
			}
			if probes < 5 {
				t.Errorf("got %d probes in %d calls, want one in ten until the bad one is found", probes, calls)
			}
		})
	}
}

func TestBisection_ZonesTakeTurns(t *testing.T) {
	b := limited(64, 1000)
	for _, zone := range []string{"zone-a", "zone-b", "zone-c"} {
		for i := range 64 {
			b.Add(at(0), urls(zone), bulk, strconv.Itoa(i), "r")
		}
		refuse(t, b, b.Next(at(0)))
	}
	for call := range 15 {
		batch := b.Next(at(1))
		if want := fmt.Sprint("zone-", string("abc"[call%3])); batch.Group.Zone != want {
			t.Fatalf("call %d: got a probe of %s, want %s (I7)", call, batch.Group.Zone, want)
		}
		b.Bisect(batch)
	}
}

func TestBisection_IsJoinedByNobody(t *testing.T) {
	b := bisecting(t, "abcd")
	b.Add(at(1), urls("zone-a"), bulk, "a", "r2")
	wantBatch(t, b.Next(at(much)), "a=r2")
	wantBatch(t, b.Next(at(much)), "a=r1 b=r1")
}

func TestBisection_SeveralBatchesShareChunks(t *testing.T) {
	b := limited(4, 1000)
	refuse(t, b, send(b, bulk, "r1", "bad", "a", "b", "c"))
	refuse(t, b, send(b, bulk, "r2", "bad", "d", "e", "f"))
	// What loses a target may have lost the bad one.
	b.Remove(func(w string) bool { return w == "r1 of bad" || w == "r2 of bad" })
	wantBatch(t, b.Next(at(1)), "a=r1 of a b=r1 of b c=r1 of c d=r2 of d")
}

func TestBisection_TakesBatchesInTheirOrder(t *testing.T) {
	b := limited(4, 1000)
	refuse(t, b, send(b, bulk, "r1", "bad", "a", "b", "c"))
	refuse(t, b, send(b, bulk, "r2", "bad", "d", "e", "f"))
	for _, want := range []string{
		"bad=r1 of bad a=r1 of a", "bad=r1 of bad", "b=r1 of b c=r1 of c a=r1 of a", "bad=r2 of bad d=r2 of d",
	} {
		batch := b.Next(at(1))
		wantBatch(t, batch, want)
		if batch.Slots[0].Target != "bad" {
			b.Cleared(batch)
			continue
		}
		b.Bisect(batch)
	}
}

// send gives a batch of new targets.
func send(b *batcher.Batcher[string], lane purge.Lane, w string, targets ...string) *batcher.Batch[string] {
	for _, target := range targets {
		b.Add(at(0), urls("zone-a"), lane, target, w+" of "+target)
	}
	return b.Next(at(0))
}

// No call carries a target twice, and he who waits for it in the bulk lane gets it as soon as he who
// waits in the interactive one.
func TestBisection_EqualTargetsOfThePoolBecomeOne(t *testing.T) {
	b := limited(4, 1000)
	refuse(t, b, send(b, bulk, "r1", "bad", "a", "b", "c"))
	refuse(t, b, send(b, interactive, "r2", "bad", "b", "c", "d"))
	left := b.Remove(func(w string) bool { return w == "r1 of bad" || w == "r2 of bad" })
	if got := b.Waiting(); left != 2 || got != 4 || b.Counted() != 4 {
		t.Errorf("got %d removed, %d waiting, %d there; want 2, 4, 4", left, got, b.Counted())
	}
	batch := b.Next(at(1))
	wantBatch(t, batch, "b=r1 of b,r2 of b c=r1 of c,r2 of c d=r2 of d a=r1 of a")
	if !batch.Urgent {
		t.Error("got a bulk batch, want it interactive")
	}
}
