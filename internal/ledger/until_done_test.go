package ledger_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// picky is a store that refuses some of what it is given at once, each once.
type picky struct {
	*memory

	refuse map[string]bool // ids of requests
	lots   [][]string      // ids, of each call
}

func (p *picky) judge(ids []string) []error {
	p.lots = append(p.lots, ids)
	errs := make([]error, len(ids))
	for i, id := range ids {
		if p.refuse[id] {
			delete(p.refuse, id)
			errs[i] = errFault
		}
	}
	return errs
}

func (p *picky) stores() ledger.Stores {
	s := p.memory.stores()
	s.Events, s.Dead = pickyEvents{s.Events, p}, pickyDead{p}
	return s
}

type pickyEvents struct {
	ledger.EventStore

	p *picky
}

func (s pickyEvents) Publish(_ context.Context, all []purge.Event) []error {
	ids := make([]string, len(all))
	for i, e := range all {
		ids[i] = e.Data.Request
	}
	return s.p.judge(ids)
}

type pickyDead struct{ p *picky }

func (s pickyDead) Put(_ context.Context, all []record.DeadLetter) []error {
	ids := make([]string, len(all))
	for i, d := range all {
		ids[i] = d.Key.ID
	}
	return s.p.judge(ids)
}

func TestLedger_SendsAgainOnlyWhatIsNotStored(t *testing.T) {
	ids := []string{"a", "b", "c", "d"}
	tests := []struct {
		name string
		do   func(context.Context, *ledger.Ledger) error
		told []string
	}{
		{"events", func(ctx context.Context, l *ledger.Ledger) error {
			var ends []record.Tally
			for _, id := range ids {
				ends = append(ends, record.Tally{Request: request(id, 1)})
			}
			return l.Publish(ctx, ends)
		}, []string{"a", "c", "b", "d"}},
		{"dead letters", func(ctx context.Context, l *ledger.Ledger) error {
			var letters []record.DeadLetter
			for _, id := range ids {
				letters = append(letters, record.DeadLetter{Key: record.Key{Source: "ghost", ID: id}})
			}
			return l.StoreDeadLetters(ctx, letters)
		}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &picky{memory: newMemory(), refuse: map[string]bool{"b": true, "d": true}}
				var told []string
				l := ledger.New(ledger.Config{Instance: "test", Published: func(e purge.Event) { told = append(told, e.Data.Request) }}, store.stores(), zap.NewNop())
				if err := tt.do(t.Context(), l); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff([][]string{ids, {"b", "d"}}, store.lots); diff != "" {
					t.Errorf("lots that were stored (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.told, told); diff != "" {
					t.Errorf("told (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestLedger_RetriesUntilTheContextEnds(t *testing.T) {
	job := jobOf("job-1")
	r, spanning := request("r", 1), request("spanning", 2)
	put(job, r, false, 0)
	put(job, spanning, true, 0)
	tests := []struct {
		name string
		do   func(context.Context, *ledger.Ledger, record.InFlight) error
	}{
		{"Tell", func(ctx context.Context, l *ledger.Ledger, _ record.InFlight) error {
			return l.Publish(ctx, []record.Tally{{Request: r}})
		}},
		{"Bury", func(ctx context.Context, l *ledger.Ledger, _ record.InFlight) error {
			return l.StoreDeadLetters(ctx, []record.DeadLetter{{Key: r.Key()}})
		}},
		{"Record", func(ctx context.Context, l *ledger.Ledger, _ record.InFlight) error {
			_, err := l.Record(ctx, job)
			return err
		}},
		{"Find", func(ctx context.Context, l *ledger.Ledger, _ record.InFlight) error {
			_, err := l.Find(ctx, []ledger.Query{{Key: r.Key(), Redelivered: true}})
			return err
		}},
		{"RecordFailures", func(ctx context.Context, l *ledger.Ledger, _ record.InFlight) error {
			return l.RecordFailures(ctx, spanning, []record.Failure{{Index: 0}}, true)
		}},
		{"End", func(ctx context.Context, l *ledger.Ledger, f record.InFlight) error {
			return l.End(ctx, f, record.Outcome{})
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newMemory()
				inFlight := must(t, newLedger(store), job)[0]
				var calls []time.Duration
				start := time.Now()
				f := &faulty{under: store, plan: func(int, string) fault {
					calls = append(calls, time.Since(start))
					return before
				}}
				l := newLedger(f)
				lost := errors.New("the lease is lost")
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Hour, func() { cancel(lost) })
				if err := tt.do(ctx, l, inFlight); !errors.Is(err, lost) {
					t.Errorf("%s: %v, want the context's cause", tt.name, err)
				}
				if took := time.Since(start); took != time.Hour {
					t.Errorf("%s gave up after %v, want at the context's end", tt.name, took)
				}
				if len(calls) < 2 || calls[1] > 100*time.Millisecond {
					t.Errorf("the first tries were at %v, want the second soon", calls[:min(2, len(calls))])
				}
				gap := time.Duration(0)
				for i := 1; i < len(calls); i++ {
					gap = max(gap, calls[i]-calls[i-1])
				}
				if gap > 3*time.Second {
					t.Errorf("there were %v between two tries, want about two seconds at most", gap)
				}
				n := f.count()
				if err := tt.do(ctx, l, inFlight); !errors.Is(err, lost) || f.count() != n {
					t.Errorf("with an ended context: %v after %d calls, want none", err, f.count()-n)
				}
			})
		})
	}
}

func TestLedger_ReportsEventsThatAreStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		f := &faulty{under: store}
		fails := 3
		f.plan = func(int, string) fault {
			if fails--; fails >= 0 {
				return after
			}
			return none
		}
		var told []string
		l := ledger.New(ledger.Config{Instance: "site-a", Published: func(e purge.Event) {
			if _, stored := store.events.stored[record.Key{Source: e.Data.Source, ID: e.Data.Request}]; !stored {
				t.Errorf("%s is told, and not stored", e.Subject)
			}
			told = append(told, e.Source+" "+e.Subject)
		}}, f.stores(), zap.NewNop())
		end := record.Tally{
			Request: request("r", 2), Sent: true, Attempts: 1, Zones: []string{testZone},
			Failures: []record.Failure{{Index: 0, Target: "a", Code: "x"}, {Index: 1, Target: "b", Code: "y"}},
		}
		if err := l.Publish(t.Context(), []record.Tally{end}); err != nil {
			t.Fatal(err)
		}
		if want := []string{"/edgepurge/site-a ghost/r"}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
		if len(f.events) != 4 {
			t.Errorf("the event was published %d times, want 4", len(f.events))
		}
		for _, lot := range f.events {
			if !lot[0].Time.Equal(f.events[0][0].Time) {
				t.Error("the event is another one each time")
			}
		}
	})
}
