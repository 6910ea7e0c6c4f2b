package worker

import (
	"strings"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/quota"
	"github.com/edgepurge/edgepurge/purge"
)

// part is a batch of some of another's slots.
func part(batch *batcher.Batch[waiter], slots []*batcher.Slot[waiter]) *batcher.Batch[waiter] {
	return &batcher.Batch[waiter]{
		Group: batch.Group, Slots: slots, Urgent: batch.Urgent, Since: batch.Since, Tries: batch.Tries,
	}
}

func kindOf(g batcher.Group) quota.Kind { return quota.Kind{Zone: g.Zone, Type: g.Type} }

// purgeOf returns the call that a batch becomes.
func purgeOf(batch *batcher.Batch[waiter]) edgeone.Purge {
	p := edgeone.Purge{Zone: batch.Group.Zone, Type: batch.Group.Type, Method: batch.Group.Method}
	if batch.Group.Hosts != "" {
		p.Hosts = strings.Split(batch.Group.Hosts, ",")
	}
	if p.Type == purge.All {
		return p
	}
	p.Targets = make([]string, len(batch.Slots))
	for i, s := range batch.Slots {
		p.Targets[i] = s.Target
	}
	return p
}

// typeField names a type in the log as EdgeOne does.
func typeField(t purge.Type) zap.Field { return zap.String("type", edgeone.TypeName(t)) }
