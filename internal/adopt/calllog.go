package adopt

import (
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
)

const (
	// maxKnownJobs is how many jobs are remembered as known: those of the last 200 s at 20 calls a
	// second, which is far longer than a call and the look-ups for its job take.
	maxKnownJobs = 4096
	// maxLostCalls is how many calls are remembered whose outcome nobody knows, each with 20 kB at
	// most.
	maxLostCalls = 128
)

// callLog remembers recent calls and jobs, so that it is known which call made a job. It also
// remembers how far back it has evicted: whatever may be older than that is ambiguous, and no job
// is taken for it.
type callLog struct {
	seed maphash.Seed // read-only

	mu    sync.Mutex
	clock edgeone.Clock
	jobs  map[string]time.Time // job -> when a call without an answer adopted it; zero: it was answered
	order []knownJob           // the same jobs, the oldest first
	open  map[*Call]struct{}   // calls without an answer whose job may still be found
	lost  []lostCall           // calls without an answer whose job was not found

	evictedJobsAt  time.Time // when the newest of the evicted jobs became known
	evictedCallsAt time.Time // when the newest of the evicted lost calls ended
}

type knownJob struct {
	id string
	at time.Time
}

// Call is one CreatePurgeTask call.
type Call struct {
	purge edgeone.Purge
	sent  time.Time // by this machine's clock, as ended
	ended time.Time // guarded by the log's lock; zero while the answer is awaited
}

// lostCall is what is kept of a call whose job was not found.
type lostCall struct {
	zone        string
	typ         purge.Type
	sent, ended time.Time
	hashes      []uint32 // of its targets
}

// Owner is whose job an answer names.
type Owner int

const (
	// Own is the job of the call that was answered. It also stands for an answer that names no job.
	Own Owner = iota
	// Adopted is a job that another call adopted before its answer arrived.
	Adopted
	// Repeated is the job of an earlier call.
	Repeated
)

// newCallLog returns a log that begins now. A leader that handed over may have lost answers until
// just now; after a crash its lease had to run out first.
func newCallLog(handedOver bool) *callLog {
	l := &callLog{seed: maphash.MakeSeed(), jobs: make(map[string]time.Time), open: make(map[*Call]struct{})}
	if handedOver {
		l.evictedCallsAt = time.Now()
	}
	return l
}

func (l *callLog) begin(p edgeone.Purge, sent time.Time) *Call {
	c := &Call{purge: p, sent: sent}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[c] = struct{}{}
	return c
}

func (l *callLog) end(c *Call, class edgeone.Class, created edgeone.Created, now time.Time) Owner {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.ended = now
	if class == edgeone.Ambiguous {
		return Own
	}
	l.clock.Read(created.ServerTime, c.sent, now)
	delete(l.open, c)
	if created.JobID == "" {
		return Own
	}
	adopted, known := l.jobs[created.JobID]
	switch {
	case !known:
		l.know(created.JobID, time.Time{}, now)
		return Own
	case adopted.Before(c.sent):
		return Repeated
	}
	return Adopted
}

// giveUp notes that no job of a lost call was found. It may have made one all the same.
func (l *callLog) giveUp(c *Call) {
	lost := lostCall{zone: c.purge.Zone, typ: c.purge.Type, sent: c.sent}
	for _, target := range named(c.purge) {
		lost.hashes = append(lost.hashes, l.hash(target))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	lost.ended = c.ended
	delete(l.open, c)
	l.lost = append(l.lost, lost)
	if len(l.lost) > maxLostCalls {
		if at := l.lost[0].ended; at.After(l.evictedCallsAt) {
			l.evictedCallsAt = at
		}
		l.lost = slices.Delete(l.lost, 0, 1)
	}
}

// markKnown notes a job that no call of this log made.
func (l *callLog) markKnown(job string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.know(job, time.Time{}, now)
}

// know notes a job; the lock must be held.
func (l *callLog) know(job string, adopted, now time.Time) {
	if _, ok := l.jobs[job]; ok {
		return
	}
	l.jobs[job] = adopted
	l.order = append(l.order, knownJob{job, now})
	if len(l.order) > maxKnownJobs {
		l.evictedJobsAt = l.order[0].at
		delete(l.jobs, l.order[0].id)
		l.order = l.order[1:]
	}
}

// isUnknown reports whether a job may be that of a lost call.
func (l *callLog) isUnknown(job string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, known := l.jobs[job]
	return !known
}

// createdRange returns the earliest time by EdgeOne's clock at which a call's job may have been
// made, and the latest that it can be there now. It returns false while nothing is known of that
// clock.
func (l *callLog) createdRange(c *Call, now time.Time) (from, to time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.clock.Known() {
		return from, to, false
	}
	from, _ = l.clock.Bounds(c.sent)
	_, to = l.clock.Bounds(now)
	return from, to, true
}

// claim makes a job that equals a call the call's own, so that no other takes it. It returns false
// if the job may be another call's: a known job, or that of an earlier call without an answer that
// has one of this call's targets too and was not over well before this call was sent. The earlier
// call may have made it before this one was sent (I4), and CreateTime is too coarse to exclude
// that.
func (l *callLog) claim(job string, c *Call, now time.Time) bool {
	targets := named(c.purge)
	if len(targets) == 0 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.jobs[job]; known {
		return false
	}
	if _, open := l.open[c]; !open {
		return false
	}
	since := c.sent.Add(-l.clock.Blur(c.sent))
	if !l.evictedJobsAt.Before(since) || !l.evictedCallsAt.Before(since) {
		return false
	}
	rival := func(zone string, typ purge.Type, sent, ended time.Time) bool {
		over := !ended.IsZero() && ended.Before(since)
		return !over && zone == c.purge.Zone && typ == c.purge.Type && !sent.After(c.sent)
	}
	// A job that equals both calls has all targets of either, so that one target is enough to
	// compare.
	for _, o := range l.lost {
		if rival(o.zone, o.typ, o.sent, o.ended) && slices.Contains(o.hashes, l.hash(targets[0])) {
			return false
		}
	}
	for o := range l.open {
		if o != c && rival(o.purge.Zone, o.purge.Type, o.sent, o.ended) && slices.Contains(named(o.purge), targets[0]) {
			return false
		}
	}
	delete(l.open, c)
	l.know(job, now, now)
	return true
}

func (l *callLog) hash(target string) uint32 { return uint32(maphash.String(l.seed, target)) }

// named are the targets of a call. One of type all has none, and is given one that all such calls
// have.
func named(p edgeone.Purge) []string {
	if p.Type == purge.All {
		return []string{""}
	}
	return p.Targets
}
