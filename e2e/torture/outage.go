package main

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"time"

	"github.com/edgepurge/edgepurge/internal/wait"
)

// broker lets a fault befall NATS itself, and waits until it can be worked with again.
func (in *injector) broker(ctx context.Context, f fault, h *hit) {
	h.Reach = reachBroker
	switch f.Kind {
	case diskFull:
		in.fill(ctx, f, h)
	case stopServer:
		p := in.server(f.Pick)
		if !p.busy.TryLock() {
			h.Note = "in other hands"
			return
		}
		defer p.busy.Unlock()
		p.signal(syscall.SIGSTOP)
		wait.Sleep(ctx, f.For)
		p.signal(syscall.SIGCONT)
	default:
		in.killServers(ctx, f, h)
		return
	}
	in.recover(ctx, h)
}

func (in *injector) server(pick int) *program {
	all := in.w.servers.programs
	return all[pick%len(all)]
}

func (in *injector) killServers(ctx context.Context, f fault, h *hit) {
	victims := []*program{in.server(f.Pick)}
	switch f.Kind {
	case killAll:
		victims = in.w.servers.programs
	case killLeader:
		victims = []*program{in.leader(ctx, f.Pick)}
	default:
	}
	var mine []*program
	for _, p := range victims {
		if p.busy.TryLock() {
			defer p.busy.Unlock()
			mine = append(mine, p)
		}
	}
	for _, p := range mine {
		p.kill()
		h.Kills++
		h.Note += p.name + " "
	}
	var rest sync.WaitGroup
	if 2*len(mine) < len(in.w.servers.programs) {
		rest.Go(func() { in.recover(ctx, h) }) // a majority is there: it has to do without the others
	}
	wait.Sleep(ctx, f.For)
	var errs []error
	for _, p := range mine {
		errs = append(errs, p.start())
	}
	if rest.Wait(); h.To.IsZero() {
		in.recover(ctx, h)
	}
	if err := errors.Join(errs...); err != nil {
		h.Wrong = err.Error()
	}
}

// leader is the server that leads a stream; any one where that can't be told.
func (in *injector) leader(ctx context.Context, pick int) *program {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if s, err := in.w.js.Stream(ctx, streams()[pick%len(streams())]); err == nil && s.CachedInfo().Cluster != nil {
		for _, p := range in.w.servers.programs {
			if p.name == s.CachedInfo().Cluster.Leader {
				return p
			}
		}
	}
	return in.server(pick)
}

// fill lets the account's disk be full for a while.
func (in *injector) fill(ctx context.Context, f fault, h *hit) {
	if err := in.w.servers.fill(tight); err != nil {
		h.Wrong = err.Error()
	}
	wait.Sleep(ctx, f.For)
	if err := in.w.servers.fill(roomy); err != nil {
		h.Wrong = err.Error()
	}
}

// recover waits until every stream answers, which is when the outage is over. It waits for a minute at most, and also
// when the schedule is over.
func (in *injector) recover(ctx context.Context, h *hit) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	for !in.w.healthy(ctx) {
		if !wait.Sleep(ctx, 100*time.Millisecond) {
			h.Note += "not healthy a minute later"
			break
		}
	}
	h.To = time.Now()
}
