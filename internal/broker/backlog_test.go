package broker_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/purge"
)

func backlog(t *testing.T, b *broker.Broker, lane purge.Lane) broker.Backlog {
	t.Helper()
	got, err := b.Requests.Backlog(t.Context(), lane)
	if err != nil {
		t.Fatalf("backlog: %v", err)
	}
	return got
}

func TestBacklog_TellsWhatIsNotAcked(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	if diff := cmp.Diff(broker.Backlog{}, backlog(t, b, purge.Bulk)); diff != "" {
		t.Errorf("of an empty lane (-want +got):\n%s", diff)
	}
	request(t, b, purge.Interactive, 1)
	request(t, b, purge.Bulk, 5)
	stored := messages(t, js, "PURGE_REQUESTS", "purge.requests.bulk.*")
	want := broker.Backlog{Waiting: 5, Oldest: stored[0].Time}
	if diff := cmp.Diff(want, backlog(t, b, purge.Bulk)); diff != "" {
		t.Errorf("before a pull (-want +got):\n%s", diff)
	}
	got := pull(t, lane(t, b, purge.Bulk), 5)
	// The first is not acked yet: what lies behind it does not make the lane younger.
	if err := b.Requests.Ack(t.Context(), repliesOf(got[1:3])); err != nil {
		t.Fatal(err)
	}
	want = broker.Backlog{Unacked: 3, Oldest: stored[0].Time}
	if diff := cmp.Diff(want, backlog(t, b, purge.Bulk)); diff != "" {
		t.Errorf("with the first held (-want +got):\n%s", diff)
	}
	if err := b.Requests.Ack(t.Context(), repliesOf(got[:1])); err != nil {
		t.Fatal(err)
	}
	want = broker.Backlog{Unacked: 2, Oldest: stored[3].Time}
	if diff := cmp.Diff(want, backlog(t, b, purge.Bulk)); diff != "" {
		t.Errorf("with the first three acked (-want +got):\n%s", diff)
	}
	if err := b.Requests.Ack(t.Context(), repliesOf(got[3:])); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(broker.Backlog{}, backlog(t, b, purge.Bulk)); diff != "" {
		t.Errorf("with all acked (-want +got):\n%s", diff)
	}
	if got := backlog(t, b, purge.Interactive); got.Waiting != 1 || got.Oldest.IsZero() {
		t.Errorf("the other lane: got %+v, want its one message", got)
	}
}
