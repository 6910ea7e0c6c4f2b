package e2e_test

import (
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone/emulator"
)

func TestStop_EndsWithinTheDrainTimeWhileNATSIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *emulator.Config) { c.Latency = 100 * time.Millisecond })
	w.cfg.Worker.Drain = time.Second
	w.provision()
	w.load(6000)
	stop := w.start()
	w.until("a call", func() bool { return w.api.Stats().CreateCalls > 0 }) // and most are yet to be admitted
	w.nats.Stop()
	begin := time.Now()
	stop()
	// Beside the drain: the end of the pulls, the lease and the connection, a second each at most, and thrice that on a
	// machine with much else to do. What waits for NATS would never end.
	if took := time.Since(begin); took > w.cfg.Worker.Drain+9*time.Second {
		t.Errorf("the stop took %v, want about the drain time of %v", took, w.cfg.Worker.Drain)
	}
	w.nats.Start()
	w.start()
	w.completed(6000)
}
