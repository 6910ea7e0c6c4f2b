package main

import (
	"math/rand/v2"
	"slices"
	"time"
)

// kind is what goes wrong.
type kind string

// The kinds of fault. Those with a share befall that part of the API's calls.
const (
	killOwner    kind = "kill-owner"    // SIGKILL, and started again after a while
	killStandby  kind = "kill-standby"  //
	stopOwner    kind = "stop-owner"    // SIGSTOP, then SIGCONT
	stopStandby  kind = "stop-standby"  //
	drainOwner   kind = "drain-owner"   // SIGTERM, and started again
	drainStandby kind = "drain-standby" //

	cutOwner    kind = "cut-owner"    // its connections to NATS are reset
	cutAll      kind = "cut-all"      // those of all workers
	hangOwner   kind = "hang-owner"   // its connections to NATS carry nothing for a while
	refuseOwner kind = "refuse-owner" // its connections are reset, and refused for a while
	refuseAll   kind = "refuse-all"   //

	killServer kind = "kill-server" // SIGKILL of a NATS server, and started again
	killLeader kind = "kill-leader" // of the one that leads a stream
	killAll    kind = "kill-all"    // of every one
	stopServer kind = "stop-server" // SIGSTOP, then SIGCONT
	diskFull   kind = "disk-full"   // the broker's account may store nothing more

	apiReset    kind = "api-reset"    // connections closed, not executed
	apiHang     kind = "api-hang"     // no answer, not executed
	api5xx      kind = "api-5xx"      // HTTP 502, not executed
	apiGarbled  kind = "api-garbled"  // a page, {}, or nothing, not executed
	apiLost     kind = "api-lost"     // executed, then connection closed
	apiSlow     kind = "api-slow"     // executed, answered after the worker has given up
	apiLate     kind = "api-late"     // executed, answered late but in time
	apiThrottle kind = "api-throttle" // RequestLimitExceeded, not executed
	apiSmall    kind = "api-small"    // LimitExceeded.BatchQuota for more than a few targets
)

// fault is one entry of the schedule.
type fault struct {
	At    time.Duration `json:"at"` // after the load has begun
	Kind  kind          `json:"kind"`
	For   time.Duration `json:"for"`             // how long it lasts
	Pick  int           `json:"pick"`            // which of several: modulo how many there are
	Share float64       `json:"share,omitempty"` // of the API's calls
}

// course is how often a kind comes, how long it lasts, and which share of the calls it befalls.
type course struct {
	kind         kind
	weight       int
	least, most  time.Duration
	few, many    float64
	single, trio bool // with one server, with three
}

// lease is how long a leader that is not heard of stays the leader.
const lease = 3 * time.Second

func courses() []course {
	both := func(k kind, weight int, least, most time.Duration, share ...float64) course {
		c := course{kind: k, weight: weight, least: least, most: most, single: true, trio: true}
		if len(share) == 2 {
			c.few, c.many = share[0], share[1]
		}
		return c
	}
	trio := func(c course) course { c.single = false; return c }
	const s = time.Second
	return []course{
		both(killOwner, 26, s/5, 4*s), both(killStandby, 6, s/5, 4*s),
		both(stopOwner, 8, lease+s, 2*lease+2*s), both(stopStandby, 2, s, 2*lease),
		both(drainOwner, 7, s/10, 2*s), both(drainStandby, 2, s/10, 2*s),
		both(cutOwner, 6, s/10, s/10), both(cutAll, 2, s/10, s/10),
		both(hangOwner, 4, s, 3*lease), both(refuseOwner, 4, s/2, 2*lease), both(refuseAll, 2, s/2, 2*lease),
		both(killServer, 11, s/10, 4*s), trio(both(killLeader, 11, s/10, 4*s)), trio(both(killAll, 1, s/10, 2*s)),
		both(stopServer, 3, s, 2*lease), both(diskFull, 2, s, 4*s),
		both(apiReset, 4, s/2, 4*s, 0.3, 1), both(apiHang, 3, s/2, 3*s, 0.3, 1), both(api5xx, 3, s/2, 4*s, 0.3, 1),
		both(apiGarbled, 3, s/2, 4*s, 0.3, 1), both(apiLost, 8, s, 6*s, 0.05, 0.5), both(apiSlow, 4, s, 4*s, 0.05, 0.3),
		both(apiLate, 4, s, 6*s, 0.3, 1), both(apiThrottle, 4, s, 5*s, 0.1, 0.6), both(apiSmall, 2, s, 6*s, 1, 1),
	}
}

// setting is what a run is like from the first to the last.
type setting struct {
	Seed       uint64        `json:"seed"`
	Nodes      int           `json:"nodes"` // NATS servers: 1 or 3
	Length     time.Duration `json:"length"`
	DailyQuota int           `json:"daily_quota"` // targets a day, 0 for no limit
	Day        time.Duration `json:"day"`
	TaskFailed float64       `json:"task_failed"` // share of the emulator's rows
	Window     string        `json:"window"`      // how the emulator counts calls
}

// settle draws what the seed decides of a run. A number of servers above 0 is the caller's.
func settle(seed uint64, length time.Duration, nodes int) setting {
	rng := rand.New(rand.NewPCG(seed, 0x73657474))
	s := setting{Seed: seed, Nodes: 1 + 2*rng.IntN(2), Length: length, Day: 24 * time.Hour, Window: "fixed"}
	if rng.IntN(4) == 0 {
		s.DailyQuota, s.Day = 800+rng.IntN(1200), 15*time.Second
	}
	if rng.IntN(3) == 0 {
		s.TaskFailed = 0.002
	}
	if rng.IntN(4) == 0 {
		s.Window = "sliding"
	}
	if nodes > 0 {
		s.Nodes = nodes
	}
	return s
}

// gap is the mean time from one fault to the next.
const gap = 1700 * time.Millisecond

// schedule draws the faults of a run, in the order of their begin; all end within its length.
func schedule(s setting) []fault {
	rng := rand.New(rand.NewPCG(s.Seed, uint64(s.Nodes)))
	menu := slices.DeleteFunc(courses(), func(c course) bool { return s.Nodes == 1 && !c.single || s.Nodes == 3 && !c.trio })
	total := 0
	for _, c := range menu {
		total += c.weight
	}
	var list []fault
	for at := 2 * time.Second; ; at += time.Duration(rng.ExpFloat64() * float64(gap)) {
		c := draw(rng, menu, total)
		f := fault{At: at.Truncate(time.Millisecond), Kind: c.kind, Pick: rng.IntN(6)}
		f.For = (c.least + time.Duration(rng.Float64()*float64(c.most-c.least))).Truncate(time.Millisecond)
		f.Share = float64(int((c.few+rng.Float64()*(c.many-c.few))*100)) / 100
		if at > s.Length-time.Second {
			return list
		}
		f.For = min(f.For, s.Length-at)
		list = append(list, f)
	}
}

func draw(rng *rand.Rand, menu []course, total int) course {
	at := rng.IntN(total)
	for _, c := range menu {
		if at -= c.weight; at < 0 {
			return c
		}
	}
	return menu[len(menu)-1]
}
