package worker

import (
	"cmp"
	"strings"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/internal/record"
)

// refusedTargets are what EdgeOne keeps out of the job that it made of a batch.
type refusedTargets struct {
	reasons map[string]string // target as sent -> reason
	unnamed int               // refused targets whose names are none of those sent
	why     string            // the reason of one of these
}

// maxRefusal bounds, in bytes, what is stored of the reason for targets that EdgeOne names
// otherwise.
const maxRefusal = 200

// refusals finds out which targets of a batch EdgeOne refused: by the name as it was sent, else by
// another spelling where it can be no other target's. Names that are left stand for targets all the
// same; where they are as many as the targets that are left, or there is no job, they are those.
func refusals(batch *batcher.Batch[waiter], c edgeone.Created) refusedTargets {
	f := refusedTargets{reasons: make(map[string]string)}
	if len(c.Refused) == 0 {
		return f
	}
	sent := make([]string, len(batch.Slots))
	for i, s := range batch.Slots {
		sent[i] = s.Target
	}
	var names, reasons []string
	known := make(map[string]bool)
	for _, r := range c.Refused {
		for _, name := range r.Targets {
			if known[name] {
				continue
			}
			known[name] = true
			names, reasons = append(names, name), append(reasons, cmp.Or(r.Reason, "refused by EdgeOne"))
		}
	}
	for i, at := range record.Pair(batch.Group.Type, sent, names) {
		if at >= 0 {
			f.reasons[sent[at]] = reasons[i]
			continue
		}
		f.unnamed++
		f.why = reasons[i]
	}
	if left := len(sent) - len(f.reasons); c.JobID == "" || f.unnamed >= left {
		for _, target := range sent {
			if _, ok := f.reasons[target]; !ok {
				f.reasons[target] = f.why
			}
		}
		f.unnamed = 0
	}
	return f
}

// cut is a text of at most so many bytes, of whole characters.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && s[most]&0xc0 == 0x80 {
		most--
	}
	return s[:most]
}

// setAside takes those targets out of a batch that EdgeOne accepted which it lists as refused
// because the day is exhausted: they are not at fault, and wait for the next day. The rest is nil
// when there are none.
func (rc *recorder) setAside(batch *batcher.Batch[waiter], out refusedTargets) (taken, rest *batcher.Batch[waiter]) {
	late := make(map[string]bool)
	for target, reason := range out.reasons {
		if isDayRefusal(reason) {
			late[target] = true
		}
	}
	if len(late) == 0 {
		return batch, nil
	}
	var now, later []*batcher.Slot[waiter]
	for _, s := range batch.Slots {
		if late[s.Target] {
			later = append(later, s)
			continue
		}
		now = append(now, s)
	}
	if len(later) == 0 {
		return batch, nil
	}
	rc.log.Warn("batch accepted in part: the day is exhausted", zap.String("zone", batch.Group.Zone),
		typeField(batch.Group.Type), zap.Int("accepted", len(now)), zap.Int("kept", len(later)))
	return part(batch, now), part(batch, later)
}

// isDayRefusal reports whether EdgeOne's reason for the refusal of a target is the daily quota. The
// list has no codes; the words are those of LimitExceeded.DailyQuota (EdgeOne API docs, in English
// and Chinese), its name, and the FailType of a task.
func isDayRefusal(reason string) bool {
	reason = strings.ToLower(reason)
	for _, word := range []string{"daily", "quotaexceeded", "每日", "每天", "当日", "今日"} {
		if strings.Contains(reason, word) {
			return true
		}
	}
	return false
}
