package inbox

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

func TestPull_WaitsForEnoughRoom(t *testing.T) {
	for _, tt := range []struct{ size, used, want int }{
		{10_000, 0, 10_000},
		{10_000, 9_800, 200},
		{10_000, 9_801, 0}, // a tiny pull
		{100_000, 98_000, 2000},
		{100_000, 98_001, 0},
		{100, 75, 25},
		{100, 76, 0},
		{1, 0, 1},
		{1, 1, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newStream("s", 10)
			b, p := newInbox(s, tt.size)
			var charge Charge
			b.cfg.Budget.Set(&charge, purge.Bulk, purge.Bulk, tt.used)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			lot, err := p.Pull(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want > 0 && (len(s.pulls) != 1 || s.pulls[0] != tt.want) || tt.want == 0 && len(lot) > 0 {
				t.Errorf("%d of %d used: pulled for %v and got %d, want to pull for %d",
					tt.used, tt.size, s.pulls, len(lot), tt.want)
			}
		})
	}
}

func TestPull_GoesOnOnceThereIsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStream("s", 1)
		b, p := newInbox(s, 1000)
		var charge Charge
		b.cfg.Budget.Set(&charge, purge.Bulk, purge.Bulk, 1000)
		time.AfterFunc(300*time.Millisecond, func() { b.cfg.Budget.Clear(&charge) })
		begun := time.Now()
		pull(t, p, 1)
		if took := time.Since(begun); took != 300*time.Millisecond {
			t.Errorf("it took %v, want 300ms", took)
		}
	})
}

func TestPull_StopsWhilePaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStream("s", 3)
		b, p := newInbox(s, 1000)
		changed, again := b.Pause(purge.Bulk, true), b.Pause(purge.Bulk, true)
		if !changed || again || !b.Paused(purge.Bulk) || b.Paused(purge.Interactive) {
			t.Error("want the bulk lane to be paused once")
		}
		s.set(func() { s.rest = s.deliver(1) }) // what an open pull brought
		time.AfterFunc(10*time.Second, func() { b.Pause(purge.Bulk, false) })
		begun := time.Now()
		lot := pull(t, p, 3)
		if took := time.Since(begun); took < 10*time.Second || took > 11*time.Second {
			t.Errorf("it took %v, want the 10 s of the pause", took)
		}
		if lot[0].Count != 2 {
			t.Errorf("got delivery %d, want what the open pull brought to be released", lot[0].Count)
		}
		s.check(t)
	})
}

func TestPull_NoticesThatTheStreamWasMadeAnew(t *testing.T) {
	for name, full := range map[string]bool{"while it pulls": false, "while there is no room": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStream("s", 0)
				b, p := newInbox(s, 1000)
				if full {
					b.cfg.Budget.Set(new(Charge), purge.Bulk, purge.Bulk, 1000)
				}
				time.AfterFunc(5*time.Second, func() { s.set(func() { s.gone = true }) })
				ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
				defer cancel()
				if _, err := p.Pull(ctx); !errors.Is(err, record.ErrGone) {
					t.Errorf("got %v, want %v", err, record.ErrGone)
				}
			})
		})
	}
}

func TestPull_BearsFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStream("s", 1)
		_, p := newInbox(s, 1000)
		s.set(func() { s.away = true })
		if _, err := p.Pull(t.Context()); !errors.Is(err, errAway) {
			t.Errorf("got %v, want the reason why it can't begin", err)
		}
		s.set(func() { s.away = false })
		pull(t, p, 1)
		s.set(func() { s.away = true; s.all = append(s.all, &message{sequence: 2, answers: make(map[string]string)}) })
		time.AfterFunc(10*time.Second, func() { s.set(func() { s.away = false }) })
		pull(t, p, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if lot, err := p.Pull(ctx); len(lot) > 0 || err != nil {
			t.Errorf("got %d messages and %v, want neither when the context ends", len(lot), err)
		}
	})
}

// A queue is pulled as its owner has room for it, and says when nothing came.
func TestPull_OfAQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStream("q", 5)
		b, _ := newInbox(newStream("s", 0), 1000)
		b.cfg.Acker = s
		run(t, b)
		room := 0
		q := record.Queue{Account: "main", Zone: "zone-a", Type: purge.URL, Lane: purge.Interactive}
		p := b.Queue(q, s, func() int { return room })
		if p.Name() != "queue zone-a purge_url" || *p.Queue() != q || p.Lane() != purge.Interactive {
			t.Errorf("got %q, %v, %s", p.Name(), p.Queue(), p.Lane())
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		s.set(func() { s.rest = s.deliver(2) })
		if lot, err := p.Pull(ctx); len(lot) > 0 || err != nil {
			t.Errorf("got %d messages and %v, want none without room", len(lot), err)
		}
		room = 3
		lot := pull(t, p, 3)
		if !lot[0].Receipt.Parked() || p.Unacked() != 3 || s.counts()[0] != 2 {
			t.Errorf("got %d unacked, deliveries %v, want 3, the released ones first", p.Unacked(), s.counts())
		}
		if err := b.Ack(t.Context(), receipts(append(lot, pull(t, p, 2)...))); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if lot, err := p.Pull(t.Context()); len(lot) > 0 || err != nil || time.Since(begun) != pullTurn {
			t.Errorf("got %d messages and %v after %v, want none after %v", len(lot), err, time.Since(begun), pullTurn)
		}
		p.Stop()
		wait.Sleep(t.Context(), time.Second)
		b.mu.Lock()
		defer b.mu.Unlock()
		if slices.Contains(b.pullers, p) {
			t.Error("a queue that ended is remembered")
		}
		s.check(t)
	})
}

func TestStop_ReleasesWhatWasNotReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStream("s", 3)
		_, p := newInbox(s, 1000)
		s.set(func() { s.rest = s.deliver(2) })
		p.Stop()
		if lot := pull(t, p, 3); lot[0].Count != 2 || lot[2].Count != 1 || p.Unacked() != 3 {
			t.Errorf("got %+v, want the first two once more", lot)
		}
		s.check(t)
	})
}

// What the last leader held comes soon after a crash, while it is not acked by anyone.
func TestTakeOver_FetchesWhatTheLastLeaderHeld(t *testing.T) {
	tests := []struct {
		name       string
		held       int
		handedOver bool
		left       time.Duration // AckWait as a take-over left it that was cut short
		changes    []time.Duration
		within     time.Duration
	}{
		{"nothing", 0, false, 30 * time.Second, nil, time.Second},
		{"nothing, but AckWait is short", 0, false, time.Second, []time.Duration{30 * time.Second}, time.Second},
		{"some", 3, false, 30 * time.Second, []time.Duration{time.Second, 30 * time.Second}, 2 * time.Second},
		{"some that it drained", 3, true, 30 * time.Second, nil, 31 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStream("s", 5)
				s.inForce = tt.left
				b, p := newInbox(s, 1000)
				b.cfg.HandedOver = tt.handedOver
				run(t, b)
				s.set(func() { s.deliver(tt.held) }) // to the last leader
				begun := time.Now()
				lot := pull(t, p, 5)
				if took := time.Since(begun); took > tt.within {
					t.Errorf("it took %v, want at most %v", took, tt.within)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if again, err := p.Pull(ctx); err != nil || len(again) > 0 {
					t.Errorf("got %d messages once more, %v, want heartbeats to keep them", len(again), err)
				}
				if !slices.Equal(s.changes, tt.changes) {
					t.Errorf("AckWait became %v, want %v", s.changes, tt.changes)
				}
				b.Release(receipts(lot))
				s.check(t)
			})
		})
	}
}

// AckWait stays short until all has come, or what comes late would come after a whole AckWait; and
// meanwhile heartbeats keep what has come.
func TestTakeOver_WaitsForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStream("s", 3)
		b, p := newInbox(s, 1000)
		run(t, b)
		s.set(func() { s.deliver(3); s.all[2].lost = true })
		time.AfterFunc(shortMost/2, func() { s.set(func() { s.all[2].lost = false }) })
		begun := time.Now()
		pull(t, p, 3)
		took, counts := time.Since(begun), s.counts()
		if took > shortMost/2+time.Second || !slices.Equal(counts, []int{2, 2, 2}) {
			t.Errorf("all came after %v, by deliveries %v, want the second of each, the last after %v",
				took, counts, shortMost/2)
		}
		s.check(t)
	})
}

// AckWait is restored in the end, even if what the last leader held does not come.
func TestTakeOver_EndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStream("s", 3)
		_, p := newInbox(s, 1000)
		s.set(func() { s.deliver(3); s.all[2].lost = true })
		ctx, cancel := context.WithTimeout(t.Context(), 2*shortMost)
		defer cancel()
		begun := time.Now()
		for ctx.Err() == nil && len(s.changes) < 2 {
			turn, end := context.WithTimeout(ctx, time.Second)
			if _, err := p.Pull(turn); err != nil {
				t.Fatal(err)
			}
			end()
		}
		if took := time.Since(begun); len(s.changes) != 2 || took > shortMost+time.Second {
			t.Errorf("AckWait became %v within %v, want it restored after %v", s.changes, took, shortMost)
		}
	})
}
