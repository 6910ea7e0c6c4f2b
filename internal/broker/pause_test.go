package broker_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/natstest"
	"github.com/edgepurge/edgepurge/purge"
)

// paused gives the paused lanes, each with whether it is since a time.
func paused(t *testing.T, b *broker.Broker) map[purge.Lane]bool {
	t.Helper()
	got, err := b.Control.Paused(t.Context())
	if err != nil {
		t.Fatalf("read pauses: %v", err)
	}
	lanes := make(map[purge.Lane]bool)
	for lane, since := range got {
		lanes[lane] = !since.IsZero()
	}
	return lanes
}

func TestPause_IsStoredUntilItIsResumed(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	other := connect(t, s, settings())
	if got := paused(t, b); len(got) != 0 {
		t.Errorf("got %v, want none paused", got)
	}
	if was, err := b.Control.Resume(t.Context(), purge.Bulk); was || err != nil {
		t.Errorf("resume of what is not paused: %v, %v", was, err)
	}
	first, err := b.Control.Pause(t.Context(), purge.Bulk)
	if err != nil || time.Since(first) > time.Minute {
		t.Fatalf("pause: %v, %v", first, err)
	}
	if again, err := other.Control.Pause(t.Context(), purge.Bulk); err != nil || !again.Equal(first) {
		t.Errorf("pause again: %v, %v, want since %v", again, err, first)
	}
	if diff := cmp.Diff(map[purge.Lane]bool{purge.Bulk: true}, paused(t, other)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if was, err := other.Control.Resume(t.Context(), purge.Bulk); !was || err != nil {
		t.Errorf("resume: %v, %v, want it was paused", was, err)
	}
	if got := paused(t, b); len(got) != 0 {
		t.Errorf("got %v, want none paused", got)
	}
}

// A producer can have the server's answer to a publish land there.
func TestPause_CountsOurWordAlone(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	for _, lane := range []purge.Lane{purge.Interactive, purge.Bulk} {
		mustSend(t, js, "purge.control.pause."+string(lane), []byte(`{"stream":"PURGE_REQUESTS","seq":1}`))
	}
	if got := paused(t, b); len(got) != 0 {
		t.Errorf("got %v, want none paused", got)
	}
	mustSend(t, js, "purge.control.pause.bulk", []byte(`{"stream":"PURGE_REQUESTS","seq":2}`))
	if _, err := b.Control.Pause(t.Context(), purge.Bulk); err != nil {
		t.Fatalf("pause: %v", err)
	}
	if diff := cmp.Diff(map[purge.Lane]bool{purge.Bulk: true}, paused(t, b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPause_SaysWhatToDoWithoutStreams(t *testing.T) {
	t.Parallel()
	b := connect(t, natstest.Start(t, nil), settings())
	const want = "read pause of lane bulk: stream PURGE_CONTROL does not exist: run `edgepurge setup`, or start a worker"
	if _, err := b.Control.Pause(t.Context(), purge.Bulk); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
