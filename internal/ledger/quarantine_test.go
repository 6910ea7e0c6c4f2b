package ledger_test

import (
	"testing"
	"testing/synctest"

	"github.com/edgepurge/edgepurge/internal/ledger"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

func TestLedger_CountsWhatIsHandledAlone(t *testing.T) {
	b := newBroker(t)
	begin := func(name string, want int) {
		t.Helper()
		// Each time another process, which knows nothing of the one before.
		if got, err := newLedger(b).Quarantine().BeginAlone(t.Context(), name); err != nil || got != want {
			t.Errorf("%s: got %d times, %v, want %d", name, got, err, want)
		}
	}
	begin("a", 1)
	begin("a", 2)
	begin("b", 1)
	begin("a", 3)
	for range 2 { // a second time, as after a lost answer
		if err := newLedger(b).Quarantine().EndAlone(t.Context(), "a"); err != nil {
			t.Errorf("end: %v", err)
		}
	}
	begin("a", 1)
	begin("b", 2)
}

// A try whose answer is lost may be done all the same: five of them would make any message one that
// ended the process five times.
func TestLedger_CountsOnceThroughFaults(t *testing.T) {
	for _, kind := range []fault{before, after} {
		synctest.Test(t, func(t *testing.T) {
			store := newMemory()
			puts := 0
			f := &faulty{under: store, plan: func(_ int, method string) fault {
				if method != "Progress.Put" || puts == 5 {
					return none
				}
				puts++
				return kind
			}}
			for want := 1; want <= 2; want++ {
				if got, err := newLedger(f).Quarantine().BeginAlone(t.Context(), "a"); got != want || err != nil {
					t.Errorf("%s: got %d, %v, want %d", faultNames[kind], got, err, want)
				}
			}
		})
	}
}

// The note of a newer version is left as it is; nothing is counted meanwhile.
func TestLedger_LeavesANewerNoteOfWhatIsAloneAlone(t *testing.T) {
	store := newMemory()
	key := record.Key{Source: "!", ID: "!"}
	const newer = `{"v":99,"times":{"a":7}}`
	if ok, err := store.progress.Put(t.Context(), key, []byte(newer), record.Place{}, false); !ok || err != nil {
		t.Fatal(ok, err)
	}
	for range 2 {
		if got, err := newLedger(store).Quarantine().BeginAlone(t.Context(), "a"); got != 1 || err != nil {
			t.Errorf("got %d, %v, want 1", got, err)
		}
	}
	if data, _, _ := store.progress.Get(t.Context(), key); string(data) != newer {
		t.Errorf("got %s, want it as it was", data)
	}
}

// A request may come from any source under any id, with a message that was delivered before: the
// note is none of its.
func TestLedger_NoteOfWhatIsAloneIsNoRequestsProgress(t *testing.T) {
	store := newMemory()
	l := newLedger(store)
	if _, err := l.Quarantine().BeginAlone(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	for k := range store.progress.records {
		if purge.ValidID(k.ID) {
			t.Errorf("the note is kept under %s, which a request may be", k)
		}
	}
	k := record.Key{Source: "!", ID: "alone"}
	found, err := l.Find(t.Context(), []ledger.Query{{Key: k, Redelivered: true}})
	if err != nil || len(found) != 0 || len(store.events.stored) != 0 {
		t.Errorf("got %v, %v and events %v for a request of its name, want nothing", found, err, store.events.stored)
	}
	if times, err := newLedger(store).Quarantine().BeginAlone(t.Context(), "a"); times != 2 || err != nil {
		t.Errorf("got %d, %v, want the note as it was", times, err)
	}
}
