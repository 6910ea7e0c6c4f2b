package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/edgepurge/edgepurge/purge"
)

// floors are what the two parts of the floor took.
type floors struct {
	fetch  time.Duration // from the start of the process, as the worker is measured
	events time.Duration // from the first publish
}

// floors runs them on streams of their own, which edgepurge makes as it makes its own.
func (w *world) floors(ctx context.Context, n int) (f floors, err error) {
	const installation = "floor"
	subjects := purge.Subjects{Prefix: installation}
	if err := w.setup(ctx, "EDGEPURGE_NATS_PREFIX="+installation); err != nil {
		return f, err
	}
	if err := w.publish(ctx, subjects.Request(purge.Bulk, source), w.b.singles(0, n)); err != nil {
		return f, err
	}
	begin := time.Now()
	times, err := w.floor(ctx, installation, "fetch", n)
	if err != nil {
		return f, err
	}
	f.fetch = times.End.Sub(begin)
	err = w.until(ctx, 10*time.Millisecond, func() (bool, error) {
		s, err := w.state(ctx, subjects.Stream("REQUESTS"))
		return s.Msgs == 0, err
	})
	if err != nil {
		return f, err
	}
	if times, err = w.floor(ctx, installation, "events", n); err != nil {
		return f, err
	}
	f.events = times.End.Sub(times.Begin)
	told, err := w.state(ctx, subjects.Stream("EVENTS"))
	if err == nil && told.Msgs != uint64(n) {
		err = fmt.Errorf("floor: got %d events, want %d", told.Msgs, n)
	}
	for _, name := range []string{"REQUESTS", "EVENTS"} {
		err = errors.Join(err, w.js.DeleteStream(ctx, subjects.Stream(name)))
	}
	return f, err
}

func (w *world) floor(ctx context.Context, installation, what string, n int) (times floorTimes, err error) {
	self, err := os.Executable()
	if err != nil {
		return times, fmt.Errorf("find this program: %w", err)
	}
	out, err := command(ctx, w.dir, self, w.env(), floorCommand, "-url", w.url, "-prefix", installation, "-what", what, "-n", strconv.Itoa(n))
	if err != nil {
		return times, err
	}
	if err := json.Unmarshal(out, &times); err != nil {
		return times, fmt.Errorf("read what the floor says: %w", err)
	}
	return times, nil
}
