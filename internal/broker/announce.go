package broker

import (
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/edgepurge/edgepurge/purge"
)

// Announce publishes progress to whoever listens. Nothing is stored, and no answer is waited for.
func (b *Broker) Announce(e purge.ProgressEvent) error {
	data, err := e.Encode()
	if err != nil {
		return err
	}
	m := nats.NewMsg(b.subjects.Progress(e.Data.Source, e.Data.Request))
	m.Header.Set("Content-Type", purge.EventContentType)
	m.Data = data
	if err := b.nc.PublishMsg(m); err != nil {
		return fmt.Errorf("publish progress: %w", err)
	}
	return nil
}
