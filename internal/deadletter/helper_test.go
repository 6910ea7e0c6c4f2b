package deadletter

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/internal/wait"
)

var errFull = errors.New("the stream is full")

// desk is a Ledger, and an Owner whose requests are numbers.
type desk struct {
	t testing.TB

	mu      sync.Mutex
	full    bool // dead letters cannot be stored
	hangs   bool // nor refused
	tries   int
	letters []string // the ids of those that are stored
	events  map[string]int
	counted int
	stored  []int // by Run
}

func newDesk(t testing.TB) *desk { return &desk{t: t, events: make(map[string]int)} }

func (d *desk) backlog() *Backlog[int] {
	return New(Config[int]{Ledger: d, Owner: d, Log: zap.NewNop()})
}

func (d *desk) set(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

func (d *desk) TryStoreDeadLetters(ctx context.Context, letters []record.DeadLetter) []error {
	var full, hangs bool
	d.set(func() { d.tries++; full, hangs = d.full, d.hangs })
	if hangs {
		<-ctx.Done()
	}
	errs := make([]error, len(letters))
	for i, l := range letters {
		switch {
		case ctx.Err() != nil:
			errs[i] = context.Cause(ctx)
		case full && l.Message != "fits":
			errs[i] = errFull
		default:
			d.set(func() { d.letters = append(d.letters, l.Key.ID) })
		}
	}
	return errs
}

func (d *desk) StoreDeadLetters(ctx context.Context, letters []record.DeadLetter) error {
	for {
		full := false
		if d.set(func() { full = d.full }); !full {
			break
		}
		if !wait.Sleep(ctx, 100*time.Millisecond) {
			return context.Cause(ctx)
		}
	}
	d.set(func() {
		for _, l := range letters {
			d.letters = append(d.letters, l.Key.ID)
		}
	})
	return nil
}

func (d *desk) Publish(ctx context.Context, ends []record.Tally) error {
	if len(ends) > 0 && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	d.set(func() {
		for _, e := range ends {
			if d.events[e.ID]++; d.events[e.ID] > 1 {
				d.t.Errorf("%s has two events", e.ID)
			}
			stored := false
			for _, id := range d.letters {
				stored = stored || id == e.ID
			}
			if !stored {
				d.t.Errorf("%s has an event and no dead letter", e.ID)
			}
		}
	})
	return nil
}

func (d *desk) Counted(letters []record.DeadLetter) { d.set(func() { d.counted += len(letters) }) }

func (d *desk) Stored(_ context.Context, requests []int) {
	d.set(func() { d.stored = append(d.stored, requests...) })
}

// refuse returns the refusals of these requests.
func refuse(requests ...int) []Refusal[int] {
	all := make([]Refusal[int], len(requests))
	for i, n := range requests {
		id := strconv.Itoa(n)
		all[i] = Refusal[int]{
			Request: n, Letter: record.DeadLetter{Key: record.Key{ID: id}, Data: []byte("data")},
			End: &record.Tally{Request: record.Request{ID: id}},
		}
	}
	return all
}

// sequence returns the numbers from the first to before the second.
func sequence(from, to int) (all []int) {
	for n := from; n < to; n++ {
		all = append(all, n)
	}
	return all
}

func (b *Backlog[R]) left() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting)
}
