package ledger_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

func TestLedger_FindsWhatIsParked(t *testing.T) {
	b := newBroker(t)
	l := newLedger(b)
	r, fresh := request("r", 2), request("fresh", 1)
	q := record.Queue{Account: account, Zone: testZone, Type: purge.URL, Lane: purge.Bulk}
	errs := l.Park(t.Context(), q, []record.Parked{{Request: r, Body: purge.Request{Targets: []string{"a", "b"}}}})
	if !slices.Equal(errs, []error{nil}) {
		t.Fatalf("park: %v", errs)
	}
	want := map[record.Key]record.Found{r.Key(): {Digest: r.Digest, Received: r.Received, Parked: true}}
	if diff := cmp.Diff(want, find(t, l, true, r, fresh)); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	if f := want[r.Key()]; !f.AllRecorded() {
		t.Error("something is left to submit of what is parked")
	}
	// What comes from the queue is not kept from being sent by lying there.
	found, err := l.Find(t.Context(), []ledger.Query{{Key: r.Key(), Redelivered: true, Parked: true}})
	if len(found) != 0 || err != nil {
		t.Errorf("found %v, %v, want nothing", found, err)
	}

	// Another process takes over: it knows once it has looked.
	if _, err := b.Parked.Open(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	next := newLedger(b)
	queues, err := next.Queues(t.Context())
	if err != nil || !slices.Equal(queues, []record.Queue{q}) {
		t.Errorf("got queues %v, %v, want %v", queues, err, q)
	}
	if diff := cmp.Diff(want, find(t, next, false, r)); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
}

func TestLedger_ParksThroughFaults(t *testing.T) {
	for _, kind := range []fault{before, after, half} {
		store := newMemory()
		f := &faulty{under: store, plan: func(call int, _ string) fault {
			if call < 3 {
				return kind
			}
			return none
		}}
		q := record.Queue{Zone: testZone}
		var all []record.Parked
		for _, id := range []string{"a", "b", "c", "d"} {
			all = append(all, record.Parked{Request: request(id, 1)})
		}
		l := newLedger(f)
		for open := all; len(open) > 0; { // as package parking does
			var left []record.Parked
			for i, err := range l.Park(t.Context(), q, open) {
				if err != nil {
					left = append(left, open[i])
				}
			}
			open = left
		}
		if want := []string{"a", "b", "c", "d"}; !slices.Equal(store.parked.queues[q], want) {
			t.Errorf("%s: parked %v, want %v in order", faultNames[kind], store.parked.queues[q], want)
		}
	}
}

func TestLedger_GivesBackWhatCannotBeParked(t *testing.T) {
	b := newBroker(t)
	fit, large := request("fit", 1), request("large", 1)
	errs := newLedger(b).Park(t.Context(), record.Queue{Zone: testZone}, []record.Parked{
		{Request: large, Body: purge.Request{Targets: []string{string(make([]byte, 2<<20))}}}, {Request: fit},
	})
	if !errors.Is(errs[0], record.ErrUnfit) || errs[1] != nil {
		t.Errorf("got %v, want %v for the large one alone", errs, record.ErrUnfit)
	}
	if found, err := b.Parked.Find(t.Context(), []record.Key{fit.Key(), large.Key()}); err != nil || len(found) != 1 {
		t.Errorf("parked %v, %v, want the other", found, err)
	}
}
