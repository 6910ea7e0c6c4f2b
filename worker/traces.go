package worker

import (
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"github.com/edgepurge/edgepurge/batcher"
	"github.com/edgepurge/edgepurge/internal/edgeone"
)

const (
	// knownJobs is how many jobs are remembered as known: those of the last 200 s at 20 calls a second,
	// far more than the time from a call to the last look for its job.
	knownJobs = 4096
	// lostCalls is how many calls are remembered of which nobody knows what they became, 20 kB each at
	// most.
	lostCalls = 128
)

// traces are what has to be known to tell whose a job is. What they forget they remember to have
// forgotten: then no job is taken for a batch's, and the batch is sent again.
//
// Its own lock is never held together with a call.
type traces struct {
	seed maphash.Seed // read-only

	mu      sync.Mutex
	clock   edgeone.Clock
	known   map[string]time.Time // job -> when it was adopted; zero: it was answered
	order   []known              // the same, by time
	open    map[*batcher.Batch[waiter]]*trace
	lost    []*trace
	forgot  time.Time // when the youngest job became known that is forgotten
	dropped time.Time // when the youngest call ended that is forgotten
	looking int       // batches whose job is looked for
}

type known struct {
	job string
	at  time.Time
}

// trace is a call without an answer.
type trace struct {
	zone, typ string
	sent      time.Time
	ended     time.Time // zero: the answer is awaited
	prints    []uint32  // of its targets
}

// newTraces begins now. An owner that handed over may have lost answers until just now.
func newTraces(handedOver bool) traces {
	var dropped time.Time
	if handedOver {
		dropped = time.Now()
	}
	return traces{
		seed:    maphash.MakeSeed(),
		known:   make(map[string]time.Time),
		open:    make(map[*batcher.Batch[waiter]]*trace),
		dropped: dropped,
	}
}

func (t *traces) print(target string) uint32 { return uint32(maphash.String(t.seed, target)) }

// begin notes that a batch is sent now.
func (t *traces) begin(batch *batcher.Batch[waiter], sent time.Time) {
	tr := &trace{zone: batch.Group.Zone, typ: batch.Group.Type, sent: sent, prints: make([]uint32, len(batch.Slots))}
	for i, s := range batch.Slots {
		tr.prints[i] = t.print(s.Target)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open[batch] = tr
}

// fate is what a job is to the call that was answered with its id.
type fate int

const (
	ours     fate = iota // made for this call, or there is none
	adopted              // another batch took it over while the answer was on its way
	repeated             // it was made for an earlier call
)

// end notes what came of a call, and returns whose the job is that the answer names.
func (t *traces) end(batch *batcher.Batch[waiter], class edgeone.Class, created edgeone.Created, now time.Time) fate {
	t.mu.Lock()
	defer t.mu.Unlock()
	tr := t.open[batch]
	tr.ended = now
	if class == edgeone.Ambiguous {
		return ours
	}
	t.clock.Read(created.ServerTime, tr.sent, now)
	delete(t.open, batch)
	if created.JobID == "" {
		return ours
	}
	at, known := t.known[created.JobID]
	switch {
	case !known:
		t.know(created.JobID, time.Time{}, now)
		return ours
	case at.Before(tr.sent):
		return repeated
	}
	return adopted
}

// leave forgets that a batch is looked for, whose job was not found.
func (t *traces) leave(batch *batcher.Batch[waiter]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	tr := t.open[batch]
	if tr == nil {
		return
	}
	delete(t.open, batch)
	t.lost = append(t.lost, tr)
	if len(t.lost) > lostCalls {
		if first := t.lost[0].ended; first.After(t.dropped) {
			t.dropped = first
		}
		t.lost = slices.Delete(t.lost, 0, 1)
	}
}

// learn notes a job that is no batch's of this worker.
func (t *traces) learn(job string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.know(job, time.Time{}, time.Now())
}

func (t *traces) know(job string, adopted, now time.Time) {
	if _, ok := t.known[job]; ok {
		return
	}
	t.known[job] = adopted
	t.order = append(t.order, known{job, now})
	if len(t.order) > knownJobs {
		t.forgot = t.order[0].at
		delete(t.known, t.order[0].job)
		t.order = t.order[1:]
	}
}

// since gives the earliest time by the server's clock at which a batch's job may have been made, and
// the latest that it can be now; false when nothing is known of that clock.
func (t *traces) since(sent, now time.Time) (from, to time.Time, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.clock.Known() {
		return from, to, false
	}
	from, _ = t.clock.Bounds(sent)
	_, to = t.clock.Bounds(now)
	return from, to, true
}

// strange tells that a job is not known to be anybody's.
func (t *traces) strange(job string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.known[job]
	return !ok
}

// claim makes an equal job that of a batch, for nobody else to take. It is false when it may be that
// of another call: a known one, or an older one without an answer that carried the batch's targets too
// and was not over well before this one went out. A job of the older one may have been made before this
// one was sent (I4), and times are too coarse to tell.
func (t *traces) claim(job string, batch *batcher.Batch[waiter], now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	tr := t.open[batch]
	if _, ok := t.known[job]; ok || tr == nil {
		return false
	}
	border := tr.sent.Add(-t.clock.Blur(tr.sent))
	if !t.forgot.Before(border) || !t.dropped.Before(border) {
		return false
	}
	rival := func(o *trace) bool {
		over := !o.ended.IsZero() && o.ended.Before(border)
		return o != tr && !over && o.zone == tr.zone && o.typ == tr.typ && !o.sent.After(tr.sent) &&
			slices.Contains(o.prints, tr.prints[0])
	}
	if slices.ContainsFunc(t.lost, rival) {
		return false
	}
	for _, o := range t.open {
		if rival(o) {
			return false
		}
	}
	delete(t.open, batch)
	t.know(job, now, now)
	return true
}

// enter takes one of n places to look from.
func (t *traces) enter(n int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.looking >= n {
		return false
	}
	t.looking++
	return true
}

func (t *traces) exit() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.looking--
}
