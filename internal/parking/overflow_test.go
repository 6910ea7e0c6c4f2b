package parking_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/internal/parking"
	"github.com/edgepurge/edgepurge/internal/quota"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

var (
	kindA = quota.Kind{Zone: "zone-a", Type: purge.URL}
	kindB = quota.Kind{Zone: "zone-b", Type: purge.URL}
	kindC = quota.Kind{Zone: "zone-c", Type: purge.URL}
)

// waiter is a request that waits.
type waiter struct {
	id

	lane      purge.Lane
	waits     map[quota.Kind]int
	elsewhere int // targets in calls under way
	sequence  uint64
	unfit     bool
}

func (r *waiter) ChargedLane() purge.Lane      { return r.lane }
func (r *waiter) Parkable() bool               { return !r.unfit }
func (r *waiter) Arrived() (time.Time, uint64) { return time.Unix(int64(r.sequence)/3, 0), r.sequence }

func (r *waiter) Open() int {
	n := r.elsewhere
	for _, waits := range r.waits {
		n += waits
	}
	return n
}

// hall is a line of waiters, and the gate before it.
type hall struct {
	waiters []*waiter
	holds   map[quota.Kind]quota.Hold
	room    int
}

func (h *hall) Until(k quota.Kind, _ time.Time) quota.Hold { return h.holds[k] }
func (h *hall) Room(quota.Kind) int                        { return h.room }

func (h *hall) Waiting(k quota.Kind) (n int) {
	for _, r := range h.waiters {
		n += r.waits[k]
	}
	return n
}

func (h *hall) Each(k quota.Kind, do func(*waiter)) {
	for _, r := range h.waiters {
		for range r.waits[k] {
			do(r)
		}
	}
}

// gate is the hall as the gate; its Waiting is another than the line's.
type gate struct{ *hall }

func (g gate) Waiting(time.Time) (kinds []quota.Kind) {
	for k, h := range g.holds {
		if h.Waits {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

func (h *hall) overflow() *parking.Overflow[*waiter] {
	sizes := map[purge.Lane]int{purge.Bulk: 100, purge.Interactive: 40}
	return parking.NewOverflow("main", gate{h}, h, func(lane purge.Lane) int { return sizes[lane] })
}

func (h *hall) add(n int, waits map[quota.Kind]int) *waiter {
	r := &waiter{
		id: id(fmt.Sprint("r", n)), lane: purge.Bulk, waits: waits, sequence: uint64(n),
	}
	h.waiters = append(h.waiters, r)
	return r
}

func waiting(kinds ...quota.Kind) map[quota.Kind]quota.Hold {
	holds := make(map[quota.Kind]quota.Hold)
	for _, k := range kinds {
		holds[k] = quota.Hold{Waits: true}
	}
	return holds
}

func queueOf(k quota.Kind, lane purge.Lane) record.Queue {
	return record.Queue{Account: "main", Zone: k.Zone, Type: k.Type, Lane: lane}
}

func TestOverflow_KindsShareHalfOfTheWindow(t *testing.T) {
	t.Parallel()
	o := new(hall).overflow()
	for _, tt := range []struct{ blocked, bulk, interactive int }{
		{0, 10, 4}, {1, 10, 4}, {5, 10, 4}, {10, 5, 2}, {25, 2, 1}, {1000, 1, 1},
	} {
		o.SetBlocked(tt.blocked)
		if bulk, interactive := o.Share(purge.Bulk), o.Share(purge.Interactive); bulk != tt.bulk || interactive != tt.interactive {
			t.Errorf("%d kinds: got shares of %d and %d, want %d and %d", tt.blocked, bulk, interactive, tt.bulk, tt.interactive)
		}
	}
}

// A new request is parked when all that is left of it waits, and one of its kinds has its share in
// line.
func TestOverflow_ParksANewRequest(t *testing.T) {
	t.Parallel()
	type targets = map[quota.Kind]int
	some := func(t targets) *waiter { return &waiter{waits: t} }
	ab, a5 := targets{kindA: 1, kindB: 1}, targets{kindA: 5}
	queued := &waiter{id: "queued", waits: targets{kindA: 50}}
	tests := map[string]struct {
		inLine  targets
		holds   map[quota.Kind]quota.Hold
		request *waiter
		want    string // the zone of the queue
	}{
		"its zone takes calls":           {targets{kindA: 10}, nil, some(a5), ""},
		"within the share":               {targets{kindA: 5}, waiting(kindA), some(a5), ""},
		"beyond the share":               {targets{kindA: 6}, waiting(kindA), some(a5), "zone-a"},
		"one zone takes calls":           {targets{kindA: 10}, waiting(kindA), some(ab), ""},
		"both zones wait, one is full":   {targets{kindB: 10}, waiting(kindA, kindB), some(ab), "zone-b"},
		"both zones wait, both are full": {targets{kindA: 10, kindB: 10}, waiting(kindA, kindB), some(ab), "zone-a"},
		"large, and nothing is in line":  {targets{}, waiting(kindA), some(targets{kindA: 50}), "zone-a"},
		"from a queue, as the try":       {targets{}, waiting(kindA), queued, ""},
		"from a queue, behind another":   {targets{kindA: 1}, waiting(kindA), queued, "zone-a"},
		"it can't be parked":             {targets{kindA: 10}, waiting(kindA), &waiter{unfit: true, waits: a5}, ""},
		"nothing of it waits for a call": {targets{kindA: 10}, waiting(kindA), some(targets{}), ""},
	}
	for name, tt := range tests {
		h := &hall{holds: tt.holds}
		h.add(1, tt.inLine)
		tt.request.lane = purge.Bulk
		q := h.overflow().QueueFor(tt.request, tt.request.waits, time.Now())
		switch {
		case q == nil && tt.want != "":
			t.Errorf("%s: it is not parked, want it in the queue of %s", name, tt.want)
		case q != nil && *q != queueOf(quota.Kind{Zone: tt.want, Type: purge.URL}, purge.Bulk):
			t.Errorf("%s: got queue %v, want that of zone %q", name, *q, tt.want)
		}
	}
}

// The newest are parked, of those of which nothing is under way.
func TestOverflow_ParksTheNewestInLine(t *testing.T) {
	t.Parallel()
	h := &hall{holds: waiting(kindA, kindB)}
	h.add(9, map[quota.Kind]int{kindA: 2}).lane = purge.Interactive // its lane has its own share
	h.add(8, map[quota.Kind]int{kindA: 1})
	h.add(7, map[quota.Kind]int{kindA: 1}).unfit = true
	h.add(6, map[quota.Kind]int{kindA: 3}).elsewhere = 1
	h.add(5, map[quota.Kind]int{kindA: 3, kindC: 1}) // whose zone takes calls
	h.add(4, map[quota.Kind]int{kindA: 3, kindB: 9})
	h.add(3, map[quota.Kind]int{kindA: 6})
	h.add(2, map[quota.Kind]int{kindA: 4})
	got := h.overflow().Excess(kindA, time.Now())
	want := []*waiter{h.waiters[5], h.waiters[1]}
	if q := queueOf(kindA, purge.Bulk); len(got) != 1 || !slices.Equal(got[q], want) {
		t.Errorf("got %v, want requests 4 and 8 in the queue of zone-a", got)
	}
}

func TestOverflow_LeavesTheOldestHoweverLarge(t *testing.T) {
	t.Parallel()
	h := &hall{holds: waiting(kindA)}
	h.add(2, map[quota.Kind]int{kindA: 1})
	h.add(1, map[quota.Kind]int{kindA: 99})
	got := h.overflow().Excess(kindA, time.Now())[queueOf(kindA, purge.Bulk)]
	if !slices.Equal(got, h.waiters[:1]) {
		t.Errorf("got %v, want the newer one alone", got)
	}
}

func TestOverflow_ParksNoMoreAndNoLessThanTheExcess(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := &hall{holds: waiting(kindA, kindB)}
		n := rapid.IntRange(0, 30).Draw(t, "requests")
		for _, i := range rapid.Permutation(numbers(n)).Draw(t, "order") {
			r := h.add(i, map[quota.Kind]int{
				kindA: rapid.IntRange(1, 8).Draw(t, "a"), kindB: rapid.IntRange(0, 2).Draw(t, "b"),
			})
			r.lane = rapid.SampledFrom([]purge.Lane{purge.Bulk, purge.Interactive}).Draw(t, "lane")
			r.elsewhere = rapid.IntRange(-3, 1).Draw(t, "elsewhere")
			r.elsewhere = max(0, r.elsewhere)
			r.unfit = rapid.IntRange(0, 9).Draw(t, "fit") == 0
		}
		o := h.overflow()
		o.SetBlocked(rapid.IntRange(0, 12).Draw(t, "blocked"))
		out := o.Excess(kindA, time.Now())
		for q, requests := range out {
			if q != queueOf(kindA, q.Lane) {
				t.Fatalf("got queue %v, want one of zone-a", q)
			}
			if !slices.IsSortedFunc(requests, func(a, b *waiter) int { return int(a.sequence) - int(b.sequence) }) {
				t.Fatalf("%v are parked in another order than they came", requests)
			}
		}
		if h.Waiting(kindA) <= min(o.Share(purge.Bulk), o.Share(purge.Interactive)) && len(out) > 0 {
			t.Fatalf("%v are parked, though all fits into a share", out)
		}
		for _, lane := range []purge.Lane{purge.Bulk, purge.Interactive} {
			h.check(t, lane, o.Share(lane), out[queueOf(kindA, lane)])
		}
	})
}

// check holds what is parked of a lane against what stays.
func (h *hall) check(t *rapid.T, lane purge.Lane, share int, parked []*waiter) {
	left, stay := 0, []*waiter(nil)
	for _, r := range h.waiters {
		movable := r.lane == lane && !r.unfit && r.elsewhere == 0
		switch {
		case slices.Contains(parked, r) && !movable:
			t.Fatalf("request %d is parked, which must stay", r.sequence)
		case movable && !slices.Contains(parked, r):
			left += r.waits[kindA]
			stay = append(stay, r)
		}
	}
	for _, r := range stay {
		for _, p := range parked {
			if p.sequence < r.sequence {
				t.Fatalf("request %d is parked before the newer one %d", p.sequence, r.sequence)
			}
		}
	}
	if len(stay) > 1 && left > share && h.Waiting(kindA) > share {
		t.Fatalf("%d targets of lane %s stay, want at most %d", left, lane, share)
	}
	if len(parked) > 0 && len(stay) > 0 && left+parked[0].waits[kindA] <= share {
		t.Fatalf("request %d is parked, though there is room for it", parked[0].sequence)
	}
}

func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i + 1
	}
	return all
}

func TestOverflow_BringsBackWhatThereIsRoomFor(t *testing.T) {
	t.Parallel()
	later := time.Now().Add(time.Minute)
	tests := map[string]struct {
		inLine, room, window int
		hold                 quota.Hold
		want                 int
	}{
		"its day has room":              {0, 50, 90, quota.Hold{}, 50},
		"less what is in line":          {20, 50, 90, quota.Hold{}, 30},
		"as the window allows":          {0, 50, 7, quota.Hold{}, 7},
		"nothing is known of its day":   {0, 0, 90, quota.Hold{}, 10},
		"its zone must not be tried":    {0, 50, 90, quota.Hold{Waits: true, Until: later}, 0},
		"one may try":                   {0, 0, 90, quota.Hold{Waits: true}, 10},
		"another tries":                 {1, 0, 90, quota.Hold{Waits: true}, 0},
		"a short hold of another cause": {0, 50, 90, quota.Hold{Until: later}, 50},
	}
	for name, tt := range tests {
		h := &hall{room: tt.room, holds: map[quota.Kind]quota.Hold{kindA: tt.hold}}
		h.add(1, map[quota.Kind]int{kindA: tt.inLine})
		if got := h.overflow().Room(queueOf(kindA, purge.Bulk), tt.window, time.Now()); got != tt.want {
			t.Errorf("%s: got room for %d, want %d", name, got, tt.want)
		}
	}
}

func TestOverflow_FitsWhatIsStoredElsewhere(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		inLine, targets int
		holds           map[quota.Kind]quota.Hold
		want            bool
	}{
		{0, 500, waiting(kindA), true}, {5, 5, waiting(kindA), true}, {5, 6, waiting(kindA), false}, {50, 60, nil, true},
	} {
		h := &hall{holds: maps.Clone(tt.holds)}
		h.add(1, map[quota.Kind]int{kindA: tt.inLine})
		if got := h.overflow().Fits(kindA, tt.targets, time.Now()); got != tt.want {
			t.Errorf("%d in line, %d more: got %v, want %v", tt.inLine, tt.targets, got, tt.want)
		}
	}
}
