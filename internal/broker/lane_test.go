package broker_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/edgepurge/edgepurge/e2e/kit"
	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/natstest"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

func TestLane_DeliversWhatWasPublished(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	mustSend(t, js, "purge.requests.interactive.shop", []byte("other lane"))
	mustSend(t, js, "purge.requests.bulk.ghost", []byte("body"), "Content-Type", "application/json", "Nats-Msg-Id", "ghost.a")
	got := pull(t, lane(t, b, purge.Bulk), 1)[0]
	want := record.Delivery{
		Subject: "purge.requests.bulk.ghost", Data: []byte("body"), ContentType: "application/json", MsgID: "ghost.a",
		Sequence: 2, Stored: messages(t, js, "PURGE_REQUESTS", "purge.requests.bulk.*")[0].Time, Count: 1, Reply: got.Reply,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := "PURGE_REQUESTS.bulk"; broker.ConsumerOf(got.Reply) != want {
		t.Errorf("got reply %q, want one of %s", got.Reply, want)
	}
	if got := lane(t, b, purge.Interactive).AckWait(); got != 5*time.Second {
		t.Errorf("interactive: got AckWait %v, want 5s", got)
	}
	if got := lane(t, b, purge.Bulk).AckWait(); got != time.Minute {
		t.Errorf("bulk: got AckWait %v, want 1m", got)
	}
}

// A body that can't be read is the worker's to refuse; a message must not pass for a word of the
// server, or it would end every pull (I7).
func TestLane_TakesAnyMessageForAMessage(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	for i, headers := range [][]string{
		nil,
		{"Status", "409", "Description", "Consumer Deleted"},
		{"Status", "408", "Description", "Request Timeout"},
		{"Status", "404"},
		{"Status", "100"},
		{"Status", "503"},
		{"Status", "400", "Description", "Bad Request"},
		{"Nats-Pin-Id", "x"},
	} {
		mustSend(t, js, "purge.requests.bulk.ghost", nil, headers...)
		if i%2 == 1 {
			mustSend(t, js, "purge.requests.bulk.shop", []byte("good"))
		}
	}
	l := lane(t, b, purge.Bulk)
	got := pull(t, l, 12)
	for i, d := range got {
		if d.Sequence != uint64(i+1) || d.Count != 1 {
			t.Errorf("delivery %d: got message %d, %d times, want %d, once", i, d.Sequence, d.Count, i+1)
		}
	}
	if err := b.Requests.Ack(t.Context(), repliesOf(got)); err != nil || depth(t, l) != [2]int{} {
		t.Errorf("ack: got %v, left %v, want nothing left", err, depth(t, l))
	}
}

func TestLane_PullGivesAtMostRoom(t *testing.T) {
	t.Parallel()
	b, _ := provisioned(t)
	l := lane(t, b, purge.Bulk)
	request(t, b, purge.Bulk, 1)
	if got, err := l.Pull(t.Context(), 100); err != nil || len(got) != 1 {
		t.Fatalf("got %d deliveries, %v, want 1", len(got), err)
	}
	// The same pull brings more than there is room for now.
	request(t, b, purge.Bulk, 20)
	eventually(t, "all is delivered", func() bool { return depth(t, l) == [2]int{0, 21} })
	for _, room := range []int{3, 1, 16} {
		got, err := l.Pull(t.Context(), room)
		if err != nil || len(got) == 0 || len(got) > room {
			t.Errorf("room %d: got %d deliveries, %v", room, len(got), err)
		}
	}
}

// What nobody has room for stays in the broker.
func TestLane_PullAsksForNoMoreThanRoom(t *testing.T) {
	t.Parallel()
	b, _ := provisioned(t)
	l := lane(t, b, purge.Bulk)
	request(t, b, purge.Bulk, 20)
	if got := pull(t, l, 5); len(got) != 5 {
		t.Fatalf("got %d deliveries, want 5", len(got))
	}
	if got := depth(t, l); got != [2]int{15, 5} {
		t.Errorf("got %v waiting and held, want 15 and 5", got)
	}
}

func TestLane_PullsInLots(t *testing.T) {
	t.Parallel()
	b, _ := provisioned(t)
	const n = broker.PullMessages + 500
	request(t, b, purge.Bulk, n)
	l := lane(t, b, purge.Bulk)
	seen := make(map[uint64]bool)
	for len(seen) < n {
		got, err := l.Pull(t.Context(), 10*n)
		if err != nil {
			t.Fatalf("pull: %v", err)
		}
		if len(got) > broker.PullMessages {
			t.Errorf("got %d deliveries at once, want at most %d", len(got), broker.PullMessages)
		}
		for _, d := range got {
			if seen[d.Sequence] || d.Count != 1 {
				t.Fatalf("message %d came again, count %d", d.Sequence, d.Count)
			}
			seen[d.Sequence] = true
		}
	}
	if got := depth(t, l); got != [2]int{0, n} {
		t.Errorf("got %v waiting and held, want all %d held", got, n)
	}
}

func TestLane_BoundsAPullInBytes(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	const n = 12
	for range n {
		mustSend(t, js, "purge.requests.bulk.ghost", make([]byte, 900<<10))
	}
	l := lane(t, b, purge.Bulk)
	asked, err := b.Conn.NATS().SubscribeSync("$JS.API.CONSUMER.MSG.NEXT.>")
	if err != nil {
		t.Fatal(err)
	}
	var got []record.Delivery
	for len(got) == 0 && t.Context().Err() == nil {
		got, _ = l.Pull(t.Context(), n) // one that is lost is asked for again
	}
	_, held, err := l.Depth(t.Context())
	if err == nil {
		err = b.Conn.NATS().Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	pulls, _, err := asked.Pending()
	if err != nil || pulls == 0 || held > 4*pulls {
		t.Errorf("got %d messages of 900 KiB in %d pulls (%v), want 4 MiB of them in each at most", held, pulls, err)
	}
	rest, lost := pullAll(t, l, n-len(got))
	inOrder(t, append(got, rest...), pulls-1+lost)
}

// With a large max_payload a message may exceed what a pull asks for.
func TestLane_PullsALargeMessageAlone(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, func(o *server.Options) { o.MaxPayload = 8 << 20 })
	b := provision(t, connect(t, s, settings()))
	js := client(t, s)
	sizes := []int{10, 6 << 20, 10, 5 << 20, 5 << 20, 10}
	for _, size := range sizes {
		mustSend(t, js, "purge.requests.bulk.ghost", make([]byte, size))
	}
	got, lost := pullAll(t, lane(t, b, purge.Bulk), len(sizes))
	inOrder(t, got, lost)
	for i, d := range got {
		if want := sizes[d.Sequence-1]; len(d.Data) != want {
			t.Errorf("delivery %d: got %d bytes, want %d", i, len(d.Data), want)
		}
	}
}

func TestLane_PullEndsWithTheContext(t *testing.T) {
	t.Parallel()
	b, _ := provisioned(t)
	l := lane(t, b, purge.Bulk)
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(20*time.Millisecond, func() { cancel(why) })
	if got, err := l.Pull(ctx, 10); !errors.Is(err, why) || got != nil {
		t.Errorf("got %v, %v, want the context's cause", got, err)
	}
	// The pull stays open for the next one.
	request(t, b, purge.Bulk, 1)
	if got := pull(t, l, 1); got[0].Count != 1 {
		t.Errorf("got count %d, want 1", got[0].Count)
	}
}

func TestLane_PullOutlivesAQuietTime(t *testing.T) {
	t.Parallel()
	b, _ := provisioned(t)
	l := lane(t, b, purge.Bulk)
	// Longer than two heartbeats: neither waiting nor not asking may pass for a lost pull.
	if got := pullFor(t, l, 2500*time.Millisecond); got != nil {
		t.Fatalf("got %d deliveries, want none", len(got))
	}
	pause(t, 2500*time.Millisecond)
	if got := pullFor(t, l, 100*time.Millisecond); got != nil {
		t.Fatalf("got %d deliveries, want none", len(got))
	}
	request(t, b, purge.Bulk, 1)
	if got, err := l.Pull(t.Context(), 1); err != nil || len(got) != 1 {
		t.Errorf("got %d deliveries, %v, want 1", len(got), err)
	}
}

func TestLane_RestEndsThePull(t *testing.T) {
	t.Parallel()
	b, _ := provisioned(t)
	l := lane(t, b, purge.Bulk)
	if got := l.Rest(); got != nil {
		t.Errorf("got %d deliveries before any pull, want none", len(got))
	}
	request(t, b, purge.Bulk, 1)
	pull(t, l, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if got, err := l.Pull(ctx, 100); err == nil {
		t.Fatalf("got %d deliveries, want none", len(got))
	}
	request(t, b, purge.Bulk, 7)
	// The server counts a message as delivered a little before it sends it.
	eventually(t, "all is delivered", func() bool { return depth(t, l) == [2]int{0, 8} && l.Come() >= 7 })
	if got := l.Rest(); len(got) != 7 {
		t.Errorf("got %d deliveries, want the 7 that nobody took", len(got))
	}
	// What comes later is not drawn into the pull: it waits, once the server has counted it.
	request(t, b, purge.Bulk, 2)
	eventually(t, "two wait, and no more are held", func() bool { return depth(t, l) == [2]int{2, 8} })
	if got := l.Rest(); got != nil {
		t.Errorf("got %d deliveries the second time, want none", len(got))
	}
	// What is left are the inboxes of requests and of publishes.
	eventually(t, "the pull's subscription goes", func() bool { return b.Conn.NATS().NumSubscriptions() <= 2 })
}

// What the server has sent by the time of the end is not lost on the way.
func TestLane_RestWaitsForWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	p := kit.StartLink(t, s.Address)
	far := ready(t, open(t, broker.Dial{URL: p.URL(), Token: s.Token}, settings()))
	l, near := lane(t, far, purge.Bulk), lane(t, b, purge.Bulk)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, _ = l.Pull(ctx, 100)
	p.Set(kit.Held)
	request(t, b, purge.Bulk, 7)
	eventually(t, "all is sent", func() bool { return depth(t, near) == [2]int{0, 7} })
	time.AfterFunc(100*time.Millisecond, func() { p.Set(kit.Open) })
	if got := l.Rest(); len(got) != 7 {
		t.Errorf("got %d deliveries, want the 7 that were under way", len(got))
	}
}

// A server that was killed has forgotten the pull and says nothing.
func TestLane_NoticesALostPull(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, func(o *server.Options) { o.JetStream = false })
	nc := client(t, s).Conn()
	pulls := make(chan string, 10)
	for subject, answer := range map[string]string{
		"$JS.API.CONSUMER.INFO.PURGE_REQUESTS.bulk":     `{"stream_name":"PURGE_REQUESTS","name":"bulk","config":{}}`,
		"$JS.API.CONSUMER.MSG.NEXT.PURGE_REQUESTS.bulk": "",
	} {
		_, err := nc.Subscribe(subject, func(m *nats.Msg) {
			if answer == "" {
				pulls <- string(m.Data)
			} else if err := m.Respond([]byte(answer)); err != nil {
				t.Errorf("answer: %v", err)
			}
		})
		if err != nil {
			t.Fatalf("subscribe: %v", err)
		}
	}
	if err := nc.Flush(); err != nil {
		t.Fatalf("flush: %v", err)
	}
	l := lane(t, connect(t, s, settings()), purge.Bulk)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	start := time.Now()
	if got, err := l.Pull(ctx, 10); err == nil || ctx.Err() != nil || broker.Gone(err) {
		t.Errorf("got %v, %v, want to be told that the pull is lost", got, err)
	}
	if took := time.Since(start); took < 1900*time.Millisecond || took > 9*time.Second { // its end would come after ten
		t.Errorf("took %v, want two heartbeats", took)
	}
	want := `{"batch":10,"max_bytes":4194304,"expires":10000000000,"idle_heartbeat":1000000000}`
	if got := <-pulls; got != want {
		t.Errorf("got pull %s, want %s", got, want)
	}
	short, end := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer end()
	_, _ = l.Pull(short, 10)
	if got := <-pulls; got != want {
		t.Errorf("got pull %s, want another %s", got, want)
	}
}

func TestLane_TakesOverAtOnce(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	const n = 1000
	request(t, b, purge.Bulk, n)
	first := lane(t, connect(t, s, settings()), purge.Bulk)
	pull(t, first, n)
	js := client(t, s)
	next := lane(t, b, purge.Bulk)
	if got := depth(t, next); got != [2]int{0, n} {
		t.Fatalf("got %v waiting and held, want all %d held", got, n)
	}
	start := time.Now()
	if _, err := next.ShortenAckWait(t.Context()); err != nil {
		t.Fatalf("hurry: %v", err)
	}
	got := pull(t, next, n)
	if took := time.Since(start); took > next.AckWait()/2 {
		t.Errorf("took %v, want some seconds, not %v", took, next.AckWait())
	}
	for _, d := range got {
		if d.Count != 2 {
			t.Fatalf("message %d: got count %d, want 2", d.Sequence, d.Count)
		}
	}
	for range 2 {
		if err := next.RestoreAckWait(t.Context()); err != nil {
			t.Fatalf("settle: %v", err)
		}
	}
	c, err := js.Consumer(t.Context(), "PURGE_REQUESTS", "bulk")
	if err != nil || c.CachedInfo().Config.AckWait != time.Minute {
		t.Errorf("got %v, %v, want an AckWait of 1m again", c.CachedInfo().Config.AckWait, err)
	}
	if again := pullFor(t, next, 1500*time.Millisecond); again != nil {
		t.Errorf("got %d deliveries after settling, want none for a minute", len(again))
	}
	if changes, err := b.Streams.Diff(t.Context()); err != nil || changes != nil {
		t.Errorf("got %v, %v, want no difference", changes, err)
	}
}

func TestLane_SaysWhenItIsGone(t *testing.T) {
	t.Parallel()
	for _, waiting := range []bool{true, false} { // a pull is open when the stream goes, or none is
		t.Run(fmt.Sprintf("waiting %t", waiting), func(t *testing.T) {
			t.Parallel()
			b, s := provisioned(t)
			js := client(t, s)
			l := lane(t, b, purge.Bulk)
			if waiting {
				request(t, b, purge.Bulk, 1)
				pull(t, l, 1)
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
				defer cancel()
				_, _ = l.Pull(ctx, 1)
			}
			if err := js.DeleteStream(t.Context(), "PURGE_REQUESTS"); err != nil {
				t.Fatalf("delete stream: %v", err)
			}
			got, err := l.Pull(t.Context(), 10)
			if !broker.Gone(err) || !errors.Is(err, record.ErrGone) || got != nil {
				t.Errorf("got %v, %v, want to be told that it is gone", got, err)
			}
			if _, _, err := l.Depth(t.Context()); !broker.Gone(err) {
				t.Errorf("depth: got %v, want gone", err)
			}
			if _, err := b.Requests.Lane(t.Context(), purge.Bulk); !broker.Gone(err) {
				t.Errorf("bind: got %v, want gone", err)
			}
			provision(t, b)
			request(t, b, purge.Bulk, 1)
			if err := l.Same(t.Context()); !errors.Is(err, record.ErrGone) {
				t.Errorf("made anew: got %v, want gone", err)
			}
			want := uint64(1)
			if waiting { // what the lane saw before tells that this is the number of another message
				if got, err := l.Pull(t.Context(), 10); !errors.Is(err, record.ErrGone) || got != nil {
					t.Errorf("made anew: got %v, %v, want nothing of another stream's", got, err)
				}
				request(t, b, purge.Bulk, 1)
				want++
			}
			l = lane(t, b, purge.Bulk)
			if err := l.Same(t.Context()); err != nil {
				t.Errorf("bound anew: got %v, want no error", err)
			}
			if again := pull(t, l, 1)[0]; again.Sequence != want || again.Count != 1 {
				t.Errorf("got message %d, count %d, want %d of the new stream", again.Sequence, again.Count, want)
			}
		})
	}
	if broker.Gone(nil) || broker.Gone(context.Canceled) {
		t.Error("what does not speak of a stream counts as gone")
	}
}

// One lane whose consumer somebody deleted brings nothing; the other one goes on (I7).
func TestLane_WaitsForAConsumerThatIsMissing(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	requests := stream(t, client(t, s), "PURGE_REQUESTS")
	request(t, b, purge.Interactive, 2)
	request(t, b, purge.Bulk, 2)
	if err := requests.DeleteConsumer(t.Context(), "interactive"); err != nil {
		t.Fatal(err)
	}
	if err := b.Streams.Verify(t.Context()); err != nil {
		t.Fatalf("verify: %v, want one lane to be enough", err)
	}
	urgent, bulk := lane(t, b, purge.Interactive), lane(t, b, purge.Bulk)
	if len(pull(t, bulk, 2)) != 2 {
		t.Error("the lane that has its consumer brings nothing")
	}
	if got, err := urgent.Pull(t.Context(), 2); len(got) > 0 || err == nil || errors.Is(err, record.ErrGone) {
		t.Errorf("got %d messages, %v, want an error that passes", len(got), err)
	}
	if err := errors.Join(urgent.Same(t.Context()), urgent.RestoreAckWait(t.Context())); err != nil || depth(t, urgent) != [2]int{} {
		t.Errorf("got %v and depth %v of a lane without a consumer, want nothing", err, depth(t, urgent))
	}
	provision(t, b)
	if len(pull(t, urgent, 2)) != 2 {
		t.Error("the lane brings nothing once it has a consumer")
	}
	if err := urgent.Same(t.Context()); err != nil {
		t.Errorf("same: %v", err)
	}
	for _, name := range []string{"interactive", "bulk"} {
		if err := requests.DeleteConsumer(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Streams.Verify(t.Context()); err == nil {
		t.Error("verify: want an error where no lane has a consumer")
	}
}

// The last version let fewer messages be unacked. A leader puts that right where it may, and works
// where it may not.
func TestLane_RaisesWhatMayBeUnacked(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	requests := stream(t, client(t, s), "PURGE_REQUESTS")
	get := func() jetstream.ConsumerConfig {
		cons, err := requests.Consumer(t.Context(), "bulk")
		if err != nil {
			t.Fatal(err)
		}
		return cons.CachedInfo().Config
	}
	for was, want := range map[int]int{1000: 500_000, 700_000: 700_000, -1: -1} {
		cfg := get()
		cfg.MaxAckPending = was
		if _, err := requests.UpdateConsumer(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		found, err := b.Streams.Survey(t.Context())
		if err != nil || len(found.Faults) != 1 || found.Faults[0].Stops {
			t.Errorf("got faults %+v, %v, want one that stops nothing", found.Faults, err)
		}
		if err := lane(t, b, purge.Bulk).RestoreAckWait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := get(); got.MaxAckPending != want || got.AckWait != time.Minute {
			t.Errorf("got %d messages and ack wait %v where there were %d, want %d", got.MaxAckPending, got.AckWait, was, want)
		}
	}
}
