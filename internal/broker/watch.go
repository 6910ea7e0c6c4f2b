package broker

import (
	"context"

	"github.com/nats-io/nats.go"
)

// Watch calls lost when the connection goes, and back when it is there again, until the context
// ends.
func (c *Conn) Watch(ctx context.Context, lost, back func()) {
	changes := c.nc.StatusChanged(nats.CONNECTED, nats.RECONNECTING)
	defer c.nc.RemoveStatusListener(changes)
	away := false
	for {
		select {
		case <-ctx.Done():
			return
		case status, ok := <-changes:
			switch {
			case !ok:
				return
			case status == nats.RECONNECTING && !away:
				away = true
				lost()
			case status == nats.CONNECTED && away:
				away = false
				back()
			}
		}
	}
}
