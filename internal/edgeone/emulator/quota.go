package emulator

import (
	"sync"
	"time"
)

// unlimited is what DescribeContentQuota tells where there is no daily quota.
const unlimited = 1_000_000_000

type account struct {
	zone string
	kind kind
}

// quota counts the targets of each zone and kind within a day.
type quota struct {
	batch, daily int
	day          time.Duration
	start        time.Time

	mu      sync.Mutex
	today   int64           // number of the day that spent is of; guarded by mu
	spent   map[account]int // guarded by mu
	refused bool            // something was, today; guarded by mu
}

func newQuota(c Config) *quota {
	return &quota{batch: c.BatchQuota, daily: c.DailyQuota, day: c.Day, start: time.Now(), spent: map[account]int{}}
}

// perCall is the most targets of one submission.
func (q *quota) perCall(k kind) int {
	ceiling := k.rule().ceiling
	if q.batch == 0 {
		return ceiling
	}
	return min(q.batch, ceiling)
}

// rest returns what is left of the day.
func (q *quota) rest(a account) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.left(a)
}

// take charges the accepted targets, and the failed ones where those are kept charged. With part it takes what
// fits. It returns how many of the accepted it took, and whether that may be.
func (q *quota) take(a account, accepted, failed int, part bool) (taken int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	left := q.left(a)
	if accepted+failed <= left {
		q.spent[a] += accepted + failed
		return accepted, true
	}
	q.refused = true
	if taken = min(accepted, left); !part || taken == 0 {
		return 0, false
	}
	q.spent[a] += min(left, accepted+failed)
	return taken, true
}

// left must be called with mu held. A new day forgets what was spent.
func (q *quota) left(a account) int {
	if day := int64(time.Since(q.start) / q.day); day != q.today {
		q.today, q.refused = day, false
		clear(q.spent)
	}
	if q.daily == 0 {
		return unlimited
	}
	return q.daily - q.spent[a]
}

// Exhausted reports whether a daily quota has refused targets or has nothing left, and when the next day begins.
func (e *Emulator) Exhausted() (until time.Time, exhausted bool) {
	q := e.quota
	q.mu.Lock()
	defer q.mu.Unlock()
	q.left(account{}) // a new day has refused nothing
	exhausted = q.refused
	for _, spent := range q.spent {
		exhausted = exhausted || q.daily > 0 && spent >= q.daily
	}
	return q.start.Add(time.Duration(q.today+1) * q.day), exhausted
}

// turn forgets what was spent today.
func (q *quota) turn() {
	q.mu.Lock()
	defer q.mu.Unlock()
	clear(q.spent)
	q.refused = false
}

// quotaRow is a line of DescribeContentQuota.
type quotaRow struct {
	Batch          int
	Daily          int
	DailyAvailable int
	Type           string
}

type quotaResponse struct {
	PurgeQuota    []quotaRow
	PrefetchQuota []quotaRow
	meta
}

// describeContentQuota is the action of that name, 2022-09-01 only.
func describeContentQuota(e *Emulator, c *call) (any, *refusal) {
	var id string
	r := decodeBody(c.body, func(d *decoder, name string) *refusal {
		if name == "ZoneId" {
			return d.text(name, &id)
		}
		return unknownParameter(name)
	})
	if r != nil {
		return nil, r
	}
	z, r := e.zones.find(id)
	if r != nil {
		return nil, r
	}
	response := quotaResponse{meta: c.meta()}
	for k := range kindCount {
		row := e.quota.row(account{z.id, k})
		if k == kindPrefetch {
			response.PrefetchQuota = append(response.PrefetchQuota, row)
			continue
		}
		response.PurgeQuota = append(response.PurgeQuota, row)
	}
	return response, nil
}

func (q *quota) row(a account) quotaRow {
	daily := q.daily
	if daily == 0 {
		daily = unlimited
	}
	return quotaRow{Batch: q.perCall(a.kind), Daily: daily, DailyAvailable: q.rest(a), Type: a.kind.rule().name}
}
