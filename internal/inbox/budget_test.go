package inbox

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/purge"
)

// The room of a lane is its size less all that counts on it, whatever was set before.
func TestBudget_CountsWhatIsHeld(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type held struct {
			came, on purge.Lane
			targets  int
		}
		const interactive, bulk = 50, 100
		b := NewBudget(interactive, bulk)
		charges := make([]Charge, 5)
		model := make([]held, len(charges))
		unread := 0
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				i := rapid.IntRange(0, len(charges)-1).Draw(t, "request")
				h := rapid.SampledFrom([]held{
					{purge.Interactive, purge.Interactive, 0},
					{purge.Interactive, purge.Bulk, 0},
					{purge.Bulk, purge.Bulk, 0},
				}).Draw(t, "lanes")
				h.targets = rapid.IntRange(0, 60).Draw(t, "targets")
				b.Set(&charges[i], h.came, h.on, h.targets)
				model[i] = h
			},
			"clear": func(t *rapid.T) {
				i := rapid.IntRange(0, len(charges)-1).Draw(t, "request")
				b.Clear(&charges[i])
				model[i] = held{}
			},
			"unread": func(t *rapid.T) {
				n := rapid.IntRange(-unread, 5).Draw(t, "messages")
				b.Unread(n)
				unread += n
			},
			"": func(t *rapid.T) {
				used := make(map[purge.Lane]int)
				large := 0
				for _, h := range model {
					used[h.on] += h.targets
					if h.came != h.on {
						large += h.targets
					}
				}
				room := interactive - used[purge.Interactive] - unread
				if large >= bulk {
					room = 0
				}
				if got := b.Room(purge.Interactive); got != room {
					t.Fatalf("the interactive lane has room for %d, want %d", got, room)
				}
				if got := b.Room(purge.Bulk); got != bulk-used[purge.Bulk]-unread {
					t.Fatalf("the bulk lane has room for %d, want %d", got, bulk-used[purge.Bulk]-unread)
				}
				if b.Used(purge.Bulk) != used[purge.Bulk] || b.Size(purge.Bulk) != bulk {
					t.Fatalf("got %d of %d used, want %d", b.Used(purge.Bulk), b.Size(purge.Bulk), used[purge.Bulk])
				}
			},
		})
	})
}

func TestBudget_SaysThatThereIsMoreRoom(t *testing.T) {
	b := NewBudget(10, 10)
	var c Charge
	freed := func() bool {
		some := false
		for _, f := range b.freed {
			select {
			case <-f:
				some = true
			default:
			}
		}
		return some
	}
	steps := []struct {
		name string
		do   func()
		want bool
	}{
		{"more", func() { b.Set(&c, purge.Bulk, purge.Bulk, 5) }, false},
		{"as much", func() { b.Set(&c, purge.Bulk, purge.Bulk, 5) }, false},
		{"less", func() { b.Set(&c, purge.Bulk, purge.Bulk, 4) }, true},
		{"another lane", func() { b.Set(&c, purge.Interactive, purge.Interactive, 4) }, true},
		{"none", func() { b.Clear(&c) }, true},
		{"unread ones", func() { b.Unread(2) }, false},
		{"no unread ones", func() { b.Unread(-2) }, true},
	}
	for _, s := range steps {
		if s.do(); freed() != s.want {
			t.Errorf("%s: want to say so: %t", s.name, s.want)
		}
	}
}
