package main

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/edgepurge/edgepurge/e2e/kit"
	"github.com/edgepurge/edgepurge/internal/wait"
)

// injector carries the schedule out.
type injector struct {
	w    *world
	hits *notes
}

// run carries out each fault at its time, and returns when all are over and everything runs again.
func (in *injector) run(ctx context.Context, list []fault, begin time.Time) {
	var faults sync.WaitGroup
	for _, f := range list {
		if !wait.Sleep(ctx, time.Until(begin.Add(f.At))) {
			break
		}
		faults.Go(func() {
			h := hit{Kind: f.Kind, Worker: -1, From: time.Now()}
			in.carry(ctx, f, &h)
			if h.To.IsZero() {
				h.To = time.Now()
			}
			in.hits.add(h)
		})
	}
	faults.Wait()
}

func (in *injector) carry(ctx context.Context, f fault, h *hit) {
	switch f.Kind {
	case killOwner, stopOwner, drainOwner, killStandby, stopStandby, drainStandby:
		in.process(ctx, f, h)
	case cutOwner, cutAll, hangOwner, refuseOwner, refuseAll:
		in.ways(ctx, f, h)
	case killServer, killLeader, killAll, stopServer, diskFull:
		in.broker(ctx, f, h)
	default:
		h.Reach = reachAPI
		lift := in.w.api.impose(f.Kind, f.Share)
		wait.Sleep(ctx, f.For)
		lift()
	}
}

// take picks the leader, or a standby, that no other fault has in hand.
func (in *injector) take(owner bool, pick int) (int, *program) {
	all := in.w.workers
	first := in.w.api.caller()
	for i := range all {
		n := (first + i) % len(all)
		if !owner {
			n = (first + 1 + (i+pick)%(len(all)-1)) % len(all)
		}
		if all[n].busy.TryLock() {
			return n, all[n]
		}
		if owner {
			break // it is in trouble already, and another would not be the leader
		}
	}
	return -1, nil
}

// process kills, stops or drains a worker, and sets it going again.
func (in *injector) process(ctx context.Context, f fault, h *hit) {
	h.Reach = reachWorker
	owner := f.Kind == killOwner || f.Kind == stopOwner || f.Kind == drainOwner
	n, p := in.take(owner, f.Pick)
	if p == nil {
		h.Note = "nobody to do it to"
		return
	}
	defer p.busy.Unlock()
	h.Worker = n
	switch f.Kind {
	case stopOwner, stopStandby:
		p.signal(syscall.SIGSTOP)
		wait.Sleep(ctx, f.For)
		p.signal(syscall.SIGCONT)
		return
	case drainOwner, drainStandby:
		if err := p.drain(drainTime + 5*time.Second); err != nil {
			h.Wrong = err.Error()
		}
		took := time.Since(h.From)
		h.Clean = h.Wrong == "" && took < drainTime
		h.Note = fmt.Sprintf("ended after %v", took.Round(time.Millisecond))
	default:
		p.kill()
		h.Kills = 1
	}
	h.To = time.Now() // of the old life; the new one is another matter
	wait.Sleep(ctx, f.For)
	if err := p.start(); err != nil {
		h.Wrong = err.Error()
	}
}

// ways cuts a worker's, or every worker's, connections to NATS.
func (in *injector) ways(ctx context.Context, f fault, h *hit) {
	h.Reach = reachLink
	var links []*kit.Link
	for i, list := range in.w.links {
		if f.Kind == cutAll || f.Kind == refuseAll {
			links = append(links, list...)
			h.Reach = reachBroker
		} else if i == in.w.api.caller() {
			links = list
			h.Worker = i
		}
	}
	g := kit.Refused
	switch f.Kind {
	case cutOwner, cutAll:
		for _, l := range links {
			l.Cut()
		}
		return
	case hangOwner:
		g = kit.Held
	default:
	}
	for _, l := range links {
		l.Set(g)
	}
	wait.Sleep(ctx, f.For)
	for _, l := range links {
		l.Set(kit.Open)
		if g == kit.Held && f.Pick%2 == 0 {
			l.Cut() // what hung there is lost; else it arrives late
		}
	}
}
