package e2e_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/edgepurge/edgepurge/purge"
)

// at is the same requests for another host.
func at(host string, all []purge.Request) []purge.Request {
	for i := range all {
		for k, target := range all[i].Targets {
			all[i].Targets[k] = strings.Replace(target, "www.example.com", host, 1)
		}
	}
	return all
}

func askZones(tw *twin) {
	tw.post(purge.Bulk, purge.Completed, urls("a", 5)...)
	tw.post(purge.Bulk, purge.Completed, at("other.example", urls("b", 5))...)
	tw.post(purge.Interactive, purge.Completed, at("third.example", urls("c", 5))...)
}

// askParked asks for more than the day takes, of each zone. What is lost on its way from the lane comes again
// sooner than in bulk.
func askParked(tw *twin) {
	tw.api.day = map[string]int{"zone-a": 20, "zone-b": 20, "zone-c": 20}
	tw.post(purge.Interactive, purge.Completed, urls("a", 50)...)
	tw.post(purge.Interactive, purge.Completed, at("other.example", urls("b", 50))...)
	tw.post(purge.Interactive, purge.Completed, at("third.example", urls("c", 50))...)
}

// endDay begins the next day once what waits for it is parked, or just when parking it fails.
func endDay(tw *twin) {
	tw.until("the queues", func() bool {
		return tw.hit() || tw.consumers("PURGE_PARKED") == 3 && tw.count("PURGE_PARKED") >= 50
	})
	tw.api.nextDay()
}

// askFailing asks for what EdgeOne takes and then fails at the first attempt.
func askFailing(tw *twin) {
	tw.api.fail = 6
	tw.post(purge.Bulk, purge.Completed, urls("bulk", 20)...)
	tw.post(purge.Bulk, purge.Completed, wide("wide", 1, 10, 0)...)
}

// askSlow asks for more than is sent at once.
func askSlow(tw *twin) { tw.post(purge.Interactive, purge.Completed, urls("urgent", 30)...) }

// askGated asks while no call that purges is answered.
func askGated(tw *twin) {
	tw.api.gate = make(chan struct{})
	askUrgent(tw)
}

// openGate has calls answered once the fault is done.
func openGate(tw *twin) {
	tw.until("the fault", tw.hit)
	close(tw.api.gate)
}

// handOvers is how often workers hand over at most until the fault is done: on a busy machine a lease runs out now and then
// instead of being given back.
const handOvers = 12

// drains has workers hand over to each other until the fault is done.
func drains(tw *twin) {
	for i := 0; i < handOvers && !tw.hit(); i++ {
		tw.post(purge.Interactive, purge.Completed, urls(fmt.Sprintf("hand-over%d-", i), 1)...)
		tw.until("the leader to work", func() bool { return len(tw.events()) == len(tw.asked) })
		tw.begin()
		tw.stopFirst()
		tw.t.Logf("hand-over %d: %d writes of this kind so far", i, tw.proxy.matched())
	}
}

// drainHeld has workers hand over while they hold what they could not send yet, until the fault is done.
func drainHeld(tw *twin) {
	for i := 0; i < handOvers && !tw.hit(); i++ {
		before := len(tw.api.all())
		tw.post(purge.Interactive, purge.Completed, urls(fmt.Sprintf("held%d-", i), 20)...)
		tw.until("jobs", func() bool { return len(tw.api.all()) > before+1 })
		tw.begin()
		tw.stopFirst()
	}
}

// pauses pauses and resumes a lane, as a person does: once more after an error.
func pauses(tw *twin) {
	b := tw.broker()
	for late := time.Now().Add(patience); !tw.hit() && time.Now().Before(late); {
		tw.until("the pause", func() bool {
			_, err := b.Control.Pause(tw.t.Context(), purge.Bulk)
			return err == nil
		})
		if paused, err := b.Control.Paused(tw.t.Context()); err == nil && paused[purge.Bulk].IsZero() {
			tw.t.Error("the lane is not paused")
		}
		tw.until("the end of the pause", func() bool {
			_, err := b.Control.Resume(tw.t.Context(), purge.Bulk)
			return err == nil
		})
		if paused, err := b.Control.Paused(tw.t.Context()); err == nil && !paused[purge.Bulk].IsZero() {
			tw.t.Error("the lane is paused")
		}
	}
}

// provisioned tells whether the streams are there that requests need.
func (tw *twin) provisioned() bool {
	for _, lane := range []purge.Lane{purge.Interactive, purge.Bulk} {
		if _, err := tw.js.Consumer(tw.t.Context(), "PURGE_REQUESTS", string(lane)); err != nil {
			return false
		}
	}
	return tw.count("PURGE_CONTROL") > 0
}
