package worker

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

// A request may come by its lane once more while it comes back from its queue, as after a crash before its ack. Each
// message is read as what it is, and the parked one is not acked because the request is parked.
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
		byLane := incoming{record.Delivery{
			Subject: "purge.requests.bulk.test", Data: []byte(`{"id":"a","targets":["` + page(0) + `"]}`),
			Sequence: 7, Stored: time.Now(), Count: 2, Reply: "bulk.7",
		}, newIntake("bulk", purge.Bulk, w.lanes[purge.Bulk], nil)}
		byQueue := incoming{record.Delivery{
			Subject: "purge.parked.x", Data: data, Sequence: 7, Stored: time.Now(), Count: 1, Reply: "queue.7",
		}, newIntake("queue", purge.Bulk, w.lanes[purge.Bulk], &record.Queue{Zone: "zone-a"})}

		for _, tt := range []struct {
			name          string
			first, second incoming
		}{
			{"the lane first", byLane, byQueue},
			{"the queue first", byQueue, byLane},
		} {
			first, _ := k.read(tt.first)
			second, _ := k.read(tt.second)
			if got := k.register(first); got != registered {
				t.Fatalf("%s: got %v, want it registered", tt.name, got)
			}
			if got := k.register(second); got != joined {
				t.Fatalf("%s: got %v, want it to join", tt.name, got)
			}
			again := k.unlook([]arrival{first}, nil)
			if len(again) != 1 || again[0].Reply != tt.second.Reply || again[0].in != tt.second.in {
				t.Errorf("%s: got %+v back, want the second message with its intake", tt.name, again)
			}
			if got := k.register(second); got != joined {
				t.Fatalf("%s: got %v, want it to join after the look-up", tt.name, got)
			}
			w.acked, w.naked = nil, nil
			k.ackParked(t.Context(), []*request{first.request})
			if !slices.Equal(w.acked, []string{"bulk.7"}) || !slices.Equal(w.naked, []string{"queue.7"}) {
				t.Errorf("%s: acked %v, gave back %v, want the lane's message acked and the queue's back", tt.name, w.acked, w.naked)
			}
		}
	})
}
