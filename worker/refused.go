package worker

import (
	"cmp"

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

// maxRefusal bounds, in bytes, what is stored of the reason for targets that EdgeOne names otherwise.
const maxRefusal = 200

// refusals finds out which targets of a batch EdgeOne refused: by the name as it was sent, else by another spelling where
// it can be no other target's. Names that are left stand for targets all the same; where they are as many as the targets
// that are left, or there is no job, they are those.
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
