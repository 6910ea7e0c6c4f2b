package worker

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/inbox"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
	"github.com/edgepurge/edgepurge/purge"
)

// garage has the queues of parked requests.
type garage struct {
	world *world
	// Of the queues, guarded by the world's mu.
	queues map[record.Queue]*lane
	closed int
	broken bool // no queue can be opened
	stored int
}

func (g *garage) OpenQueue(_ context.Context, q record.Queue) (from inbox.Consumer, err error) {
	g.world.set(func() {
		if err = errAway; !g.broken {
			if g.queues[q] == nil {
				g.queues[q] = &lane{deliveries: make(chan record.Delivery, 1000)}
			}
			from, err = g.queues[q], nil
		}
	})
	return from, err
}

func (g *garage) CloseQueue(_ context.Context, q record.Queue) (closed bool, err error) {
	g.world.set(func() {
		if closed = len(g.queues[q].deliveries) == 0; closed {
			g.closed++
			delete(g.queues, q)
		}
	})
	return closed, nil
}

// parked stores a request at the end of a queue.
func (g *garage) parked(t *testing.T, q record.Queue, p *record.Parked) error {
	data, err := p.Encode()
	g.world.set(func() {
		if g.queues[q] == nil {
			t.Errorf("%s is stored in a queue that is not open", p.Request.ID)
			return
		}
		g.stored++
		g.queues[q].deliveries <- record.Delivery{
			Data: data, Sequence: uint64(g.stored), Stored: time.Now(), Count: 1, Reply: fmt.Sprintf("queue.%d", g.stored),
		}
	})
	return err
}

func newGarage(t *testing.T) (*garage, *world) {
	w := newWorld()
	g := &garage{world: w, queues: make(map[record.Queue]*lane)}
	w.queues, w.park = g, func(q record.Queue, p *record.Parked) error { return g.parked(t, q, p) }
	w.create = func(p edgeone.Purge) (edgeone.Created, error) {
		exhausted := false
		if w.set(func() { exhausted = w.exhausted }); exhausted && p.Zone == "zone-a" {
			return edgeone.Created{}, errDay
		}
		return accept(p)
	}
	w.exhausted = true
	return g, w
}

// give gives requests of a zone, one target each.
func (g *garage) give(t *testing.T, zone string, first, n int) {
	for i := range n {
		r := purge.Request{ID: fmt.Sprintf("%s-%d", zone, i), Zone: zone, Targets: []string{page(first + i)}}
		g.world.give(t, purge.Interactive, uint64(first+i), r)
	}
}

// What waits for its zone's day beyond the share is parked and acked, and comes back when the day
// has room.
func TestPark_ExcessIsParkedAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, w := newGarage(t)
		cfg, deps := w.parts()
		cfg.InteractiveWindow = 100
		stop := w.run(t, New(cfg, deps))
		g.give(t, "zone-a", 1, 60)
		w.until(func() bool { return len(w.acked) >= 50 })
		w.set(func() {
			if g.stored != 50 || w.jobs != 0 || len(w.late) != 0 {
				t.Errorf("%d parked, %d jobs, %d put off, want 50 parked alone", g.stored, w.jobs, len(w.late))
			}
		})
		g.give(t, "zone-b", 100, 1)
		w.until(func() bool { return slices.Contains(w.acked, "interactive.100") })
		w.set(func() { w.exhausted = false })
		w.until(func() bool { return len(w.acked) == 111 && g.closed > 0 })
		if err := stop(); err != nil {
			t.Error(err)
		}
		sent := make(map[string]bool)
		for _, call := range w.calls {
			for _, target := range call.Targets {
				sent[target] = true
			}
		}
		if len(sent) != 61 || len(g.queues) != 0 {
			t.Errorf("%d targets sent, %d queues left, want all 61 and none", len(sent), len(g.queues))
		}
	})
}

// A queue that can't be opened delays no other zone and no drain (I7): its requests come again
// later.
func TestPark_QueueThatCanNotBeOpenedDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, w := newGarage(t)
		g.broken = true
		cfg, deps := w.parts()
		cfg.InteractiveWindow = 100
		k := New(cfg, deps)
		stop := w.run(t, k)
		g.give(t, "zone-a", 1, 90)
		w.until(func() bool { return len(w.late) >= 80 })
		if k.Trouble() == "" {
			t.Error("there is no trouble, want one that names the zone")
		}
		begun := time.Now()
		g.give(t, "zone-b", 100, 10)
		w.until(func() bool { return w.jobs > 0 && len(w.acked) == 10 })
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("the other zone waited for %s", took)
		}
		wait.Sleep(t.Context(), time.Minute)
		begun = time.Now()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("the drain took %s", took)
		}
		if g.stored != 0 || slices.ContainsFunc(w.acked, func(reply string) bool { return strings.HasPrefix(reply, "queue") }) {
			t.Errorf("%d were stored, acked %v", g.stored, w.acked)
		}
	})
}
