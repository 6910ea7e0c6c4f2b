package broker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/broker"
	"github.com/edgepurge/edgepurge/internal/natstest"
	"github.com/edgepurge/edgepurge/internal/record"
	"github.com/edgepurge/edgepurge/purge"
)

func stage(t *testing.T, b *broker.Broker, source, id string) broker.Stage {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	got, o, err := b.Stages.Of(ctx, record.Key{Source: source, ID: id})
	if err != nil {
		t.Fatalf("stage of %s/%s: %v", source, id, err)
	}
	if ended := got == broker.StageEnded; ended != (o.Request == id) {
		t.Errorf("stage of %s/%s: %s with the outcome of %q", source, id, got, o.Request)
	}
	return got
}

// inJob stores a job with one target of each request.
func inJob(t *testing.T, b *broker.Broker, id string, keys ...record.Key) []uint64 {
	t.Helper()
	j := record.Job{Head: head(id), Targets: []string{"https://a.example/"}}
	for _, k := range keys {
		s := record.Share{Request: record.Request{Source: k.Source, ID: k.ID, Total: 2}}
		s.Add(0, 0)
		j.Shares = append(j.Shares, s)
	}
	parts, err := j.Encode(b.Jobs.PartLimit())
	if err != nil {
		t.Fatal(err)
	}
	sequences, err := b.Jobs.Put(t.Context(), j.Head, parts)
	if err != nil {
		t.Fatal(err)
	}
	return sequences
}

func TestStage_FollowsARequest(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	key := record.Key{Source: "ghost", ID: "a"}
	want := func(when string, want broker.Stage) {
		t.Helper()
		if got := stage(t, b, key.Source, key.ID); got != want {
			t.Errorf("%s: got %s, want %s", when, got, want)
		}
	}
	want("never asked for", broker.StageUnknown)
	mustSend(t, client(t, s), "purge.requests.bulk.ghost", []byte(`{"id":"a","targets":["https://a.example/","https://b.example/"]}`))
	want("stored", broker.StageWaiting)
	l := lane(t, b, purge.Bulk)
	lot := pull(t, l, 1)
	want("delivered", broker.StageWaiting)
	sequences := inJob(t, b, "job-1", record.Key{Source: "shop", ID: "x"}, key)
	want("submitted, not acked", broker.StageWaiting)
	if err := b.Requests.Ack(t.Context(), repliesOf(lot)); err != nil {
		t.Fatal(err)
	}
	want("acked", broker.StageSubmitted)
	park(t, b, queueOf("zone-a", purge.Bulk), "later")
	if got := stage(t, b, "ghost", "later"); got != broker.StageParked {
		t.Errorf("in a queue: got %s, want %s", got, broker.StageParked)
	}

	p := record.NewProgress(record.Request{Source: key.Source, ID: key.ID, Total: 2})
	putRecord(t, b, key, p)
	for _, n := range sequences {
		if err := b.Jobs.Delete(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	want("job ended, event not out", broker.StageSubmitted)
	p.Closed = true
	putRecord(t, b, key, p)
	want("event gone by its age", broker.StageUnknown)
	tell(t, b, event(key.Source, key.ID, purge.Failed))
	want("told", broker.StageEnded)
	for _, other := range []record.Key{{Source: "ghost", ID: "b"}, {Source: "shop", ID: "a"}, {Source: "ghost", ID: "A"}} {
		if got := stage(t, b, other.Source, other.ID); got != broker.StageUnknown {
			t.Errorf("%s: got %s, want it unknown", other, got)
		}
	}
}

// putRecord replaces a request's progress record.
func putRecord(t *testing.T, b *broker.Broker, k record.Key, p *record.Progress) {
	t.Helper()
	data, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	_, at := progress(t, b, k)
	if !putProgress(t, b, k, string(data), at, p.Closed) {
		t.Fatalf("store progress of %s: another write came in between", k)
	}
}

// Whatever gives a request its id for the worker, names it here.
func TestStage_KnowsEveryKindOfID(t *testing.T) {
	t.Parallel()
	b, s := provisioned(t)
	js := client(t, s)
	valid := []byte(`{"targets":["https://a.example/"]}`)
	mustSend(t, js, "purge.requests.bulk.ghost", valid, "Nats-Msg-Id", "ghost.by-message")
	mustSend(t, js, "purge.requests.interactive.ghost", []byte(`{"specversion":"1.0","id":"by-envelope","data":{"targets":["x"]}}`))
	mustSend(t, js, "purge.requests.interactive.ghost", []byte(`{"id":"of-a-bad-one","targets":7,`))
	mustSend(t, js, "purge.requests.bulk.ghost", valid)
	all := messages(t, js, "PURGE_REQUESTS", ">")
	last := all[len(all)-1]
	for _, id := range []string{"by-message", "by-envelope", "of-a-bad-one", purge.GeneratedID(last.Time, last.Sequence)} {
		if got := stage(t, b, "ghost", id); got != broker.StageWaiting {
			t.Errorf("%s: got %s, want %s", id, got, broker.StageWaiting)
		}
	}
}

func TestStage_FindsARequestAnywhereInTheBacklog(t *testing.T) {
	t.Parallel()
	b, _ := provisioned(t)
	const n = 100
	for i := range n { // of two sources in turn, so that sequences have gaps
		r := purge.Request{ID: fmt.Sprintf("r%d", i), Targets: []string{"https://a.example/"}}
		for _, source := range []string{"ghost", "shop"} {
			publish(t, b, purge.Bulk, source, slices.Values([]purge.Request{r}))
		}
	}
	for i := range n {
		if got := stage(t, b, "ghost", fmt.Sprintf("r%d", i)); got != broker.StageWaiting {
			t.Errorf("r%d: got %s, want %s", i, got, broker.StageWaiting)
		}
	}
	if got := stage(t, b, "ghost", "r100"); got != broker.StageUnknown {
		t.Errorf("r100: got %s, want %s", got, broker.StageUnknown)
	}
}

func TestStage_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, nil)
	b := connect(t, s, settings())
	if _, _, err := b.Stages.Of(t.Context(), record.Key{Source: "ghost", ID: "a"}); err == nil || !broker.Gone(err) {
		t.Errorf("without streams: got %v, want an error", err)
	}
	provision(t, b)
	request(t, b, purge.Bulk, 1000)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, _, err := b.Stages.Of(ctx, record.Key{Source: "ghost", ID: "a"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
}
