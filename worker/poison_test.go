package worker

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgepurge/edgepurge/internal/quarantine"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// oftenGiven puts a message into the bulk lane as one that was delivered six times.
func (w *world) oftenGiven(body string) record.Delivery { return w.oftenGivenAs(7, body) }

func (w *world) oftenGivenAs(sequence uint64, body string) record.Delivery {
	d := record.Delivery{
		Subject: "purge.requests.bulk.test", Data: []byte(body), MsgID: "test.named", Sequence: sequence, Stored: time.Now(),
		Count: quarantine.MaxDeliveries + 1, Reply: fmt.Sprintf("bulk.%d", sequence),
	}
	w.lanes[purge.Bulk].deliveries <- d
	return d
}

// nameOf is the name by which the bulk lane's message is stored.
func nameOf(d record.Delivery) string {
	return fmt.Sprintf("bulk %d %d", d.Sequence, d.Stored.UnixNano())
}

func TestPoison_EndsUnreadAfterFiveTimesAlone(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before int // times that its handling alone was begun and not ended
		poison bool
	}{
		{"never", 0, false},
		{"four times", quarantine.MaxAlone - 1, false},
		{"five times", quarantine.MaxAlone, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				k := w.worker()
				d := w.oftenGiven(`{"id":"inside","targets":["https://www.example.com/page/1"]}`)
				name := nameOf(d)
				for range tt.before {
					if _, err := k.recorder.ledger.Quarantine().BeginAlone(t.Context(), name); err != nil {
						t.Fatal(err)
					}
				}
				stop := w.run(t, k)
				w.until(func() bool { return len(w.acked) == 1 })
				time.Sleep(time.Second)
				if err := stop(); err != nil {
					t.Errorf("run: %v", err)
				}
				if got := len(w.letters) == 1 && len(w.calls) == 0; got != tt.poison {
					t.Errorf("got %d dead letters and %d calls, want poison: %t", len(w.letters), len(w.calls), tt.poison)
				}
				if e := w.events["named"]; tt.poison && (e.Status != purge.Rejected || e.Reason == nil || e.Reason.Code != purge.CodePoison) {
					t.Errorf("got event %+v, want it rejected as poison", e)
				}
				// It was ended: the next time counts anew.
				if times, err := k.recorder.ledger.Quarantine().BeginAlone(t.Context(), name); times != 1 || err != nil {
					t.Errorf("got %d, %v after it was handled, want 1", times, err)
				}
			})
		})
	}
}

// One message that is handled alone holds up none of the others.
func TestPoison_OthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		k := w.worker()
		for range 3 {
			w.oftenGiven("no JSON")
		}
		w.give(t, purge.Bulk, 8, purge.Request{ID: "good", Targets: []string{page(1)}})
		stop := w.run(t, k)
		w.until(func() bool { return len(w.calls) == 1 })
		if err := stop(); err != nil {
			t.Errorf("run: %v", err)
		}
	})
}
