package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/purge"
)

// notices say on stderr, as long as a command waits, why nothing goes on. Their end is joined by stop.
func notices(cmd *cobra.Command, b *broker.Broker, lane purge.Lane, say func(string)) (stop func()) {
	ctx, cancel := context.WithCancel(cmd.Context())
	address := where(b)
	var all sync.WaitGroup
	all.Go(func() {
		b.Conn.Watch(ctx,
			func() {
				say(fmt.Sprintf("the connection to NATS (%s) is lost; it is tried again and again, and what is submitted goes on", address))
			},
			func() { say(fmt.Sprintf("connected to NATS again (%s)", where(b))) })
	})
	all.Go(func() {
		if since, ok := pausedLane(ctx, cmd, lane); ok {
			say(fmt.Sprintf("the lane %s is paused since %s: nothing of it is purged until `edgepurge resume %s`", lane, stamp(since), lane))
		}
	})
	return func() { cancel(); all.Wait() }
}

// pauseWait bounds the look for a pause.
const pauseWait = 3 * time.Second

// pausedLane reports since when a lane is paused, where this user may know. It asks over a connection of its own, because
// a refusal would be taken for one of what the command itself asks for.
func pausedLane(ctx context.Context, cmd *cobra.Command, lane purge.Lane) (time.Time, bool) {
	cfg, _, err := loadConfig(cmd)
	if err != nil {
		return time.Time{}, false
	}
	b, err := connect(ctx, cfg, pauseWait)
	if err != nil {
		return time.Time{}, false
	}
	defer b.Conn.Close()
	ctx, cancel := context.WithTimeout(ctx, pauseWait)
	defer cancel()
	since, err := b.Control.PausedSince(ctx, lane)
	return since, err == nil && !since.IsZero()
}
