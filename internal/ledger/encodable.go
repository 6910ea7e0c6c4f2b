package ledger

import (
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/purge"
)

// encodable gives the event as it is, or what can be told of it when it can't be encoded, which no
// further try would mend; false when nothing can.
func (l *Ledger) encodable(event purge.Event) (purge.Event, bool) {
	_, err := event.Encode()
	if err == nil {
		return event, true
	}
	o := &event.Data
	o.FailuresOmitted += len(o.Failures)
	o.Failures, o.Labels = nil, nil
	o.Times = purge.Times{Finished: o.Times.Finished}
	_, lost := event.Encode()
	l.log.Error("event can't be encoded; it is told without failures, labels and times",
		zap.String("request", event.Subject), zap.Error(err), zap.Bool("given_up", lost != nil))
	return event, lost == nil
}
