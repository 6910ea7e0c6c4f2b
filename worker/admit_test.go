package worker

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// A request may come by its lane once more while it comes back from its queue, as after a crash
// before its ack. Each message is read as what it is, and the parked one is not acked because the
// request is parked.
func TestAdmit_LaneAndQueueBringTheSameRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		k := w.worker()
		body := purge.Request{ID: "a", Targets: pages(1)}
		parked := record.Parked{
			Request: record.Request{
				Source: "test", ID: "a", Lane: purge.Bulk, Type: purge.URL, Digest: body.Digest(), Total: 1, Received: time.Now(),
			},
			Body: body,
		}
		data, err := parked.Encode()
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			name  string
			queue bool // comes first
		}{
			{"the lane first", false},
			{"the queue first", true},
		} {
			one := deliver(t, k, w, nil, record.Delivery{
				Subject: "purge.requests.bulk.test", Data: []byte(`{"id":"a","targets":["` + page(0) + `"]}`),
				Sequence: 7, Stored: time.Now(), Count: 2, Reply: "bulk.7",
			})
			other := deliver(t, k, w, &record.Queue{Zone: "zone-a", Lane: purge.Bulk}, record.Delivery{
				Subject: "purge.parked.x", Data: data, Sequence: 7, Stored: time.Now(), Count: 1, Reply: "queue.7",
			})
			if tt.queue {
				one, other = other, one
			}
			first, _ := k.admitter.read(one)
			second, _ := k.admitter.read(other)
			if got := k.table.register(first); got != registered {
				t.Fatalf("%s: got %v, want it registered", tt.name, got)
			}
			if got := k.table.register(second); got != joined {
				t.Fatalf("%s: got %v, want it to join", tt.name, got)
			}
			again := k.table.finishDedupe([]arrival{first}, nil)
			if len(again) != 1 || again[0].Reply != other.Reply || again[0].Receipt != other.Receipt {
				t.Errorf("%s: got %+v back, want the second message with its intake", tt.name, again)
			}
			if got := k.table.register(second); got != joined {
				t.Fatalf("%s: got %v, want it to join after the look-up", tt.name, got)
			}
			w.acked, w.naked = nil, nil
			k.table.ackParked(t.Context(), []*request{first.request})
			if !slices.Equal(w.acked, []string{"bulk.7"}) || !slices.Equal(w.naked, []string{"queue.7"}) {
				t.Errorf("%s: acked %v, gave back %v, want the lane's message acked and the queue's back", tt.name, w.acked, w.naked)
			}
		}
	})
}
