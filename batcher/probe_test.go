package batcher_test

import (
	"testing"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/purge"
)

func TestProbe_ComesBackAsItWas(t *testing.T) {
	b := bisecting(t, "abcdefgh")
	probe := b.Next(at(1))
	b.Return(probe, at(100))
	wantBatch(t, b.Next(at(99)), "none") // the others wait for it
	if due, ok := b.When(at(99)); !ok || !due.Equal(at(100)) {
		t.Errorf("got a batch at %v, %t, want it at %v", due, ok, at(100))
	}
	b.Hold("main", "zone-a", purge.URL, at(200))
	wantBatch(t, b.Next(at(199)), "none")
	if again := b.Next(at(200)); again != probe || again.Tries != 1 || !again.IsProbe() {
		t.Fatalf("got %+v, want the probe again", again)
	}
	b.Cleared(probe)
	wantBatch(t, b.Next(at(200)), "e=r1 f=r1") // its answer is not forgotten
}

func TestProbe_BacksOffAlone(t *testing.T) {
	b := limited(4, 1000)
	tags := batcher.Group{Account: "main", Zone: "zone-a", Type: purge.Tag}
	for _, g := range []batcher.Group{urls("zone-a"), tags} {
		for _, target := range []string{"a", "b", "c", "d"} {
			b.Add(at(0), g, bulk, target, string(g.Type))
		}
		refuse(t, b, b.Next(at(0)))
	}
	b.Return(b.Next(at(1)), at(much))
	wantBatch(t, b.Next(at(2)), "a=tag b=tag")
}

func TestProbe_IsTakenApart(t *testing.T) {
	tests := map[string]func(b *batcher.Batcher[string], probe *batcher.Batch[string]){
		"halves": func(b *batcher.Batcher[string], probe *batcher.Batch[string]) {
			left, right := probe.Halve()
			b.Return(left, at(1))
			b.Return(right, at(1))
		},
		"halves, in the other order": func(b *batcher.Batcher[string], probe *batcher.Batch[string]) {
			left, right := probe.Halve()
			b.Return(right, at(1))
			b.Return(left, at(1))
		},
		"one part waits, the other goes": func(b *batcher.Batcher[string], probe *batcher.Batch[string]) {
			rest := &batcher.Batch[string]{Group: probe.Group, Slots: probe.Slots[1:]}
			b.Return(rest, at(1))
			b.Cleared(&batcher.Batch[string]{Group: probe.Group, Slots: probe.Slots[:1]})
		},
		"one part waits, the other is refused": func(b *batcher.Batcher[string], probe *batcher.Batch[string]) {
			b.Return(&batcher.Batch[string]{Group: probe.Group, Slots: probe.Slots[2:]}, at(1))
			b.Bisect(&batcher.Batch[string]{Group: probe.Group, Slots: probe.Slots[:2]})
		},
	}
	for name, part := range tests {
		t.Run(name, func(t *testing.T) {
			b := bisecting(t, "abcdefgh")
			part(b, b.Next(at(1)))
			if b.Waiting() != b.Counted() || b.Waiting() < 7 {
				t.Errorf("got %d targets waiting, %d of them there", b.Waiting(), b.Counted())
			}
			wantFound(t, b, "g")
		})
	}
}

// late is a piece of a probe, whose other piece and everything else of the bisection is done.
func late(t *testing.T, b *batcher.Batcher[string]) *batcher.Batch[string] {
	t.Helper()
	probe := b.Next(at(1))
	b.Return(&batcher.Batch[string]{Group: probe.Group, Slots: probe.Slots[1:]}, at(1))
	for batch := b.Next(at(1)); batch != nil; batch = b.Next(at(1)) {
		b.Cleared(batch)
	}
	if b.Waiting() != 0 || b.Kept() != 0 {
		t.Fatalf("got %d targets waiting and %d things kept, want none", b.Waiting(), b.Kept())
	}
	return &batcher.Batch[string]{Group: probe.Group, Slots: probe.Slots[:1]}
}

func TestProbe_PieceComesBackLate(t *testing.T) {
	b := bisecting(t, "abcd")
	b.Return(late(t, b), at(1))
	wantFound(t, b, "a")
}

func TestProbe_LatePieceLeavesTheGateShut(t *testing.T) {
	b := bisecting(t, "abcd")
	piece := late(t, b)
	refuse(t, b, send(b, bulk, "r2", "e", "f", "g", "h"))
	if b.Next(at(1)) == nil || b.Bisect(piece) {
		t.Fatal("got no probe, or a single target taken back")
	}
	other := batcher.Group{Account: "main", Zone: "zone-a", Type: purge.Prefix}
	b.Add(at(0), other, bulk, "x", "r3")
	b.Add(at(0), other, bulk, "y", "r3")
	refuse(t, b, b.Next(at(much)))
	wantBatch(t, b.Next(at(much)), "none")
}

func TestProbe_IsLost(t *testing.T) {
	all := func(string) bool { return true }
	tests := map[string]func(b *batcher.Batcher[string], probe *batcher.Batch[string]){
		"all its targets expire": func(_ *batcher.Batcher[string], probe *batcher.Batch[string]) { probe.Remove(all) },
		"it ends for another reason": func(b *batcher.Batcher[string], probe *batcher.Batch[string]) {
			b.Drop(probe)
		},
		"it comes back and expires": func(b *batcher.Batcher[string], probe *batcher.Batch[string]) {
			b.Return(probe, at(much))
			probe.Slots[0].Waiters[0] = "gone"
			probe.Slots[1].Waiters[0] = "gone"
			probe.Slots[2].Waiters[0] = "gone"
			probe.Slots[3].Waiters[0] = "gone"
			b.Remove(func(w string) bool { return w == "gone" })
		},
	}
	for name, lose := range tests {
		t.Run(name, func(t *testing.T) {
			b := bisecting(t, "abcdefgh")
			lose(b, b.Next(at(1)))
			if b.Waiting() != 4 || b.Counted() != 4 {
				t.Errorf("got %d targets waiting, %d of them there, want 4", b.Waiting(), b.Counted())
			}
			batch := b.Next(at(1))
			wantBatch(t, batch, "e=r1 f=r1 g=r1 h=r1") // the bad one may be among those that are lost
			refuse(t, b, batch)
			wantFound(t, b, "g")
		})
	}
}

func TestProbe_ThatShrinksTellsNothingOfTheOthers(t *testing.T) {
	b := bisecting(t, "abcdefgh")
	probe := b.Next(at(1))
	probe.Slots[0].Waiters[0] = "gone"
	if left := probe.Remove(func(w string) bool { return w == "gone" }); left != 1 {
		t.Fatalf("got %d removed, want 1", left)
	}
	b.Cleared(probe)
	batch := b.Next(at(1))
	wantBatch(t, batch, "e=r1 f=r1 g=r1 h=r1")
	b.Cleared(batch)
	if b.Waiting() != 0 || b.Kept() != 0 {
		t.Errorf("got %d targets waiting and %d things kept, want none", b.Waiting(), b.Kept())
	}
}

func TestProbe_KeepsToTheLimitOfTheMoment(t *testing.T) {
	limit := 8
	b := batcher.New[string](batcher.Config{
		Limit: func(batcher.Group) int { return limit },
		Bytes: func(string) int { return 1 }, MaxBytes: 100,
	})
	for _, target := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		b.Add(at(0), urls("zone-a"), bulk, target, "r1")
	}
	refuse(t, b, b.Next(at(0)))
	limit = 3
	batch := b.Next(at(1))
	wantBatch(t, batch, "a=r1 b=r1 c=r1")
	b.Cleared(batch)
	wantFound(t, b, "g")
}

// wantFound answers all probes as if one target were bad.
func wantFound(t *testing.T, b *batcher.Batcher[string], bad string) {
	t.Helper()
	found := ""
	for batch := b.Next(at(1)); batch != nil; batch = b.Next(at(1)) {
		sunk := false
		for _, s := range batch.Slots {
			sunk = sunk || s.Target == bad
		}
		switch {
		case !sunk:
			b.Cleared(batch)
		case !b.Bisect(batch):
			found += batch.Slots[0].Target
		}
	}
	if found != bad {
		t.Errorf("found %q, want %q", found, bad)
	}
	if b.Waiting() != 0 || b.Kept() != 0 {
		t.Errorf("got %d targets waiting and %d things kept, want none", b.Waiting(), b.Kept())
	}
}
