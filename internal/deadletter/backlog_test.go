package deadletter

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/internal/record"
)

func TestConclude_StoresAndPublishes(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	all := refuse(1, 2)
	all[1].End = nil // its id is another request's
	waiting, dropped := d.backlog().Conclude(t.Context(), all)
	if len(waiting)+len(dropped) > 0 {
		t.Errorf("%v wait and %v are dropped, want none", waiting, dropped)
	}
	if want := []string{"1", "2"}; !slices.Equal(d.letters, want) || d.counted != 2 || len(d.events) != 1 {
		t.Errorf("got letters %v, %d counted, events %v, want %v, 2, one", d.letters, d.counted, d.events, want)
	}
}

// While some wait, those that come later wait behind them; each is stored once that can be.
func TestConclude_LetsWaitWhatCannotBeStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		b := d.backlog()
		d.full = true
		first := refuse(1, 2, 3)
		first[1].Letter.Message = "fits"
		if waiting, dropped := b.Conclude(t.Context(), first); len(waiting) != 2 || waiting[2] || len(dropped) > 0 {
			t.Errorf("%v wait and %v are dropped, want 1 and 3 to wait", waiting, dropped)
		}
		if waiting, _ := b.Conclude(t.Context(), refuse(4)); !waiting[4] || d.tries != 1 {
			t.Errorf("%v wait after %d tries, want 4 without a try of its own", waiting, d.tries)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var ended sync.WaitGroup
		ended.Go(func() { b.Run(ctx) })
		time.Sleep(time.Minute)
		d.set(func() {
			if len(d.stored) > 0 {
				t.Errorf("%v are stored, which cannot be", d.stored)
			}
			d.full = false
		})
		time.Sleep(time.Minute)
		if waiting, dropped := b.Conclude(t.Context(), refuse(5)); len(waiting)+len(dropped) > 0 {
			t.Errorf("%v wait and %v are dropped, though nothing waits before", waiting, dropped)
		}
		cancel()
		ended.Wait()
		if want := []int{1, 3, 4}; !slices.Equal(d.stored, want) || len(d.events) != 5 || d.counted != 5 {
			t.Errorf("%v are stored later, %d events, %d counted, want %v, 5, 5", d.stored, len(d.events), d.counted, want)
		}
	})
}

// What is beyond the bounds comes again by itself.
func TestConclude_IsBounded(t *testing.T) {
	t.Parallel()
	large := func(n int) []Refusal[int] {
		r := refuse(n)
		r[0].Letter.Data = make([]byte, maxBytes/2)
		return r
	}
	transient := refuse(1, 2)
	transient[0].Transient = true
	tests := []struct {
		name             string
		all              []Refusal[int]
		waiting, dropped int
	}{
		{"number", refuse(sequence(0, maxWaiting+10)...), maxWaiting, 10},
		{"bytes", slices.Concat(large(1), large(2), refuse(3)), 2, 1},
		{"no message", transient, 1, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			d.full = true
			waiting, dropped := d.backlog().Conclude(t.Context(), tt.all)
			if len(waiting) != tt.waiting || len(dropped) != tt.dropped {
				t.Errorf("%d wait and %d are dropped, want %d, %d", len(waiting), len(dropped), tt.waiting, tt.dropped)
			}
		})
	}
}

// There is room again for as many as were stored.
func TestRun_MakesRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		b := d.backlog()
		ctx, cancel := context.WithCancel(t.Context())
		var ended sync.WaitGroup
		ended.Go(func() { b.Run(ctx) })
		for round := range 3 {
			d.set(func() { d.full = true })
			all := refuse(sequence(round*maxWaiting, (round+1)*maxWaiting)...)
			for i := range all {
				all[i].Letter.Data = make([]byte, maxBytes/maxWaiting)
			}
			if _, dropped := b.Conclude(t.Context(), all); len(dropped) > 0 {
				t.Errorf("round %d: %d are dropped, want none", round, len(dropped))
			}
			d.set(func() { d.full = false })
			time.Sleep(time.Second)
		}
		cancel()
		ended.Wait()
		if len(d.stored) != 3*maxWaiting {
			t.Errorf("%d are stored, want %d", len(d.stored), 3*maxWaiting)
		}
	})
}

func TestConclude_WaitsForAMomentOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.hangs = true
		begun := time.Now()
		if waiting, _ := d.backlog().Conclude(t.Context(), refuse(1)); !waiting[1] || time.Since(begun) != storeWithin {
			t.Errorf("after %v %v wait, want 1 after %v", time.Since(begun), waiting, storeWithin)
		}
	})
}

// What is not known to be published when the context ends is not acked.
func TestConclude_DropsAllWhenTheContextEnds(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	all := refuse(1, 2)
	ended := &endedAfter{desk: d, end: cancel}
	b := New(Config[int]{Ledger: ended, Owner: d})
	if waiting, dropped := b.Conclude(ctx, all); len(dropped) != 2 || len(waiting) > 0 {
		t.Errorf("%v wait and %v are dropped, want both dropped", waiting, dropped)
	}
}

// endedAfter is a desk whose context ends before the event is published.
type endedAfter struct {
	*desk

	end func()
}

func (e *endedAfter) Publish(ctx context.Context, ends []record.Tally) error {
	e.end()
	return e.desk.Publish(ctx, ends)
}

// Whenever dead letters can be stored and cannot: each request ends once, at once, later or by
// coming again. The desk checks that no event is published without its dead letter, and none twice.
func TestBacklog_EndsEachRequestOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		// A negative step switches whether dead letters can be stored; others refuse so many
		// requests.
		steps := rapid.SliceOfN(rapid.IntRange(-4, 300), 1, 20).Draw(r, "steps")
		ends := make(map[int]int)
		requests := 0
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t)
			b := d.backlog()
			ctx, cancel := context.WithCancel(t.Context())
			var ended sync.WaitGroup
			ended.Go(func() { b.Run(ctx) })
			for _, n := range steps {
				if n < 0 {
					d.set(func() { d.full = !d.full })
					time.Sleep(time.Duration(-n-1) * time.Second)
					continue
				}
				all := refuse(sequence(requests, requests+n)...)
				requests += n
				waiting, dropped := b.Conclude(ctx, all)
				for _, refusal := range all {
					if !waiting[refusal.Request] {
						ends[refusal.Request]++
					}
					if dropped[refusal.Request] && b.left() < maxWaiting {
						t.Errorf("%d is dropped while %d wait", refusal.Request, b.left())
					}
				}
			}
			d.set(func() { d.full = false })
			time.Sleep(time.Minute)
			cancel()
			ended.Wait()
			for _, n := range d.stored {
				ends[n]++
			}
			if len(b.waiting) > 0 || b.bytes != 0 {
				t.Errorf("%d wait of %d bytes, want none", len(b.waiting), b.bytes)
			}
		})
		for n := range requests {
			if ends[n] != 1 {
				r.Errorf("request %d has ended %d times", n, ends[n])
			}
		}
	})
}
