package duequeue_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/internal/duequeue"
)

// Whatever is added and set anew while somebody waits, each thing comes once, when it is due.
func TestQueue_GivesEachThingWhenItIsDue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		type step struct {
			kind int
			in   time.Duration
		}
		steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
			in := rapid.IntRange(-2, 20).Draw(t, "in")
			return step{rapid.IntRange(0, 4).Draw(t, "kind"), time.Duration(in) * time.Second}
		}), 1, 40).Draw(rt, "steps")
		fault := ""
		synctest.Test(t, func(t *testing.T) {
			q := duequeue.New[int]()
			want := make(map[int]time.Time) // when each thing comes
			got := make(map[int]time.Time)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for {
					thing, ok := q.Take(ctx)
					if !ok {
						return
					}
					if _, twice := got[thing]; twice {
						fault = "a thing came twice"
					}
					got[thing] = time.Now()
				}
			}()
			for i, s := range steps {
				now := time.Now()
				switch s.kind {
				case 0, 1, 2:
					due := now.Add(s.in)
					q.Add(due, i)
					want[i] = later(due, now)
				case 3:
					q.Reschedule(func(thing int, due time.Time) time.Time {
						due = due.Add(-s.in * time.Duration(thing%3)) // the order changes
						want[thing] = later(due, now)
						return due
					})
				case 4:
					time.Sleep(s.in)
				}
				synctest.Wait()
				if waits := len(want) - len(got); q.Len() != waits {
					fault = "it counts other things than wait"
				}
			}
			time.Sleep(time.Hour)
			synctest.Wait()
			cancel()
			<-ended
			for i, at := range want {
				if !got[i].Equal(at) {
					fault = "a thing came at another time than it was due"
				}
			}
			if len(got) != len(want) {
				fault = "a thing did not come"
			}
		})
		if fault != "" {
			rt.Fatal(fault)
		}
	})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func TestTake_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := duequeue.New[string]()
		q.Add(time.Now().Add(time.Minute), "later")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		if thing, ok := q.Take(ctx); ok || time.Since(begun) != time.Second {
			t.Errorf("got %q, %t after %v, want nothing after a second", thing, ok, time.Since(begun))
		}
		q.Add(time.Now(), "now")
		if thing, ok := q.Take(ctx); ok {
			t.Errorf("got %q though the context has ended", thing)
		}
		if q.Len() != 2 {
			t.Errorf("has %d things, want both", q.Len())
		}
	})
}

func TestTake_GivesTheFirstFirst(t *testing.T) {
	t.Parallel()
	q := duequeue.New[int]()
	now := time.Now()
	for _, i := range []int{3, 1, 4, 5, 2} {
		q.Add(now.Add(-time.Hour+time.Duration(i)*time.Second), i)
	}
	var got []int
	for q.Len() > 0 {
		thing, _ := q.Take(t.Context())
		got = append(got, thing)
	}
	if !slices.Equal(got, []int{1, 2, 3, 4, 5}) {
		t.Errorf("got %v, want them in order", got)
	}
}
