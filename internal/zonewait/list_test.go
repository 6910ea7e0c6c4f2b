package zonewait_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/internal/zonewait"
	"github.com/edgepurge/edgepurge/purge"
)

// request is one that waits.
type request struct {
	size    int
	stays   bool
	expires time.Time
}

func (r *request) Size() int                  { return r.size }
func (r *request) Stays() bool                { return r.stays }
func (r *request) ChargedLane() purge.Lane    { return purge.Bulk }
func (r *request) Expired(now time.Time) bool { return !r.expires.IsZero() && now.After(r.expires) }

// zones are read when a test says so.
type zones struct {
	updated chan struct{}
	failing bool
}

func (z *zones) Updated() <-chan struct{} { return z.updated }
func (z *zones) Failing() bool            { return z.failing }

func newList(share int) (*zonewait.List[*request], *zones) {
	z := &zones{updated: make(chan struct{}, 1)}
	return zonewait.New[*request](z, func(purge.Lane) int { return share }), z
}

func TestNext_BringsAllOnceZonesWereRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, z := newList(1)
		a, b := &request{size: 3}, &request{size: 4}
		for _, r := range []*request{a, b} {
			if !l.Hold(r, l.Reading()) {
				t.Error("a request must be parked, want it to wait because zones can be read")
			}
		}
		if l.Targets() != 7 {
			t.Errorf("%d targets wait, want 7", l.Targets())
		}
		var got []*request
		taken := false
		go func() { got, taken = l.Next(t.Context()) }()
		if synctest.Wait(); taken {
			t.Error("requests were brought before zones were read")
		}
		z.updated <- struct{}{}
		if synctest.Wait(); !slices.Equal(got, []*request{a, b}) || l.Targets() != 0 {
			t.Errorf("got %d requests, %d targets wait, want both in order and none", len(got), l.Targets())
		}
	})
}

// Zones may be read between the look-up of a request's zone and its wait. Then the next reading may
// be an hour away.
func TestNext_MissesNoReading(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, z := newList(1)
		before := l.Reading()
		z.updated <- struct{}{}
		if all, ok := l.Next(t.Context()); !ok || len(all) > 0 {
			t.Errorf("got %d requests, %v, want none yet", len(all), ok)
		}
		l.Hold(&request{size: 1}, before)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if all, ok := l.Next(ctx); !ok || len(all) != 1 {
			t.Errorf("got %d requests, %v, want the one at once", len(all), ok)
		}
		l.Hold(&request{size: 1}, l.Reading())
		if _, ok := l.Next(ctx); ok {
			t.Error("a request was brought, whose zone was looked up after the reading")
		}
	})
}

func TestExpire_TakesOutWhatHasExpired(t *testing.T) {
	t.Parallel()
	l, _ := newList(1)
	now := time.Now()
	old := &request{size: 2, expires: now.Add(-time.Second)}
	for _, r := range []*request{{size: 1}, old, {size: 4, expires: now.Add(time.Second)}} {
		l.Hold(r, 0)
	}
	if got := l.Expire(now); !slices.Equal(got, []*request{old}) || l.Targets() != 5 {
		t.Errorf("got %v, %d targets left, want the expired one and 5", got, l.Targets())
	}
}

// Whatever comes and goes: while zones can't be read no more than the share waits, except what must
// stay, and each request is in the list or was returned, once.
func TestList_IsBounded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const share = 20
		l, z := newList(share)
		in, out := make(map[*request]bool), make(map[*request]bool)
		take := func(all []*request) {
			for _, r := range all {
				if !in[r] || out[r] {
					t.Fatal("a request is returned that is not in the list")
				}
				out[r] = true
			}
		}
		now := time.Now()
		t.Repeat(map[string]func(*rapid.T){
			"hold": func(t *rapid.T) {
				r := &request{size: rapid.IntRange(1, 9).Draw(t, "size"), stays: rapid.IntRange(0, 5).Draw(t, "stays") == 0}
				if rapid.Bool().Draw(t, "expires") {
					r.expires = now.Add(time.Minute)
				}
				if l.Hold(r, l.Reading()) {
					in[r] = true
				} else if r.stays || !z.failing {
					t.Fatal("a request must be parked that must stay")
				}
			},
			"fail":    func(*rapid.T) { z.failing = true; take(l.Excess()) },
			"recover": func(*rapid.T) { z.failing = false },
			"expire":  func(*rapid.T) { now = now.Add(2 * time.Minute); take(l.Expire(now)) },
			"read": func(t *rapid.T) {
				z.updated <- struct{}{}
				all, ok := l.Next(context.Background())
				if take(all); !ok || l.Targets() != 0 {
					t.Fatalf("%d targets wait after all were taken", l.Targets())
				}
			},
			"": func(t *rapid.T) {
				all, movable := 0, 0
				for r := range in {
					if out[r] {
						continue
					}
					if all += r.size; !r.stays {
						movable += r.size
					}
				}
				if l.Targets() != all {
					t.Fatalf("%d targets are counted, want %d", l.Targets(), all)
				}
				if z.failing && movable > share {
					t.Fatalf("%d targets wait that could be parked, want at most %d", movable, share)
				}
			},
		})
	})
}
