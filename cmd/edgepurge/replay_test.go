package main

import (
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

func TestDeadReplay_IsPurgedOnceUnderItsOwnID(t *testing.T) {
	js, api := buried(t)
	n := sequence(t, "IdReused", "")
	id := strings.TrimSpace(must(t, "dead", "replay", n))
	if id != "ghost/_replay-"+n {
		t.Errorf("got %q", id)
	}
	completed := func() bool {
		code, out, _ := command(t, "", "status", id)
		return code == exitOK && strings.HasPrefix(out, "status     completed\n")
	}
	until(t, "the end of the replay", completed)
	if out := must(t, "status", id); !strings.Contains(out, "replay_of=ghost/a\n") {
		t.Errorf("got %s, want the label", out)
	}
	// Replayed again, also by a message that the command would not publish any more, it stays one request.
	purged := api.Stats().Targets
	if _, err := js.Publish(t.Context(), "purge.requests.bulk.ghost", []byte(`{"targets":["https://other.example/"]}`)); err != nil {
		t.Fatal(err)
	}
	must(t, "dead", "replay", n)
	m := nats.NewMsg("purge.requests.bulk.ghost")
	m.Data = []byte(`{"targets":["https://a.example/2?x=<&>"],"labels":{"replay_of":"ghost/a"}}`)
	m.Header.Set("Edgepurge-Replay", "_replay-"+n)
	if _, err := js.PublishMsg(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	until(t, "it to be acked", func() bool {
		s, err := js.Stream(t.Context(), "PURGE_REQUESTS")
		return err == nil && s.CachedInfo().State.Msgs == 0
	})
	until(t, "the other end", func() bool { return strings.Count(must(t, "events", "--no-headers"), "\n") >= 5 })
	if out := must(t, "events", "-o", "json"); strings.Count(out, "_replay-"+n+`",`) == 0 || strings.Count(out, "\n") != 5 {
		t.Errorf("want one event of each request:\n%s", out)
	}
	if n := api.Stats().Targets - purged; n != 1 {
		t.Errorf("%d targets were purged, want that of the other request alone", n)
	}
	if out := must(t, "dead", "ls", "-o", "json"); strings.Count(out, "\n") != 3 {
		t.Errorf("the replay made a letter:\n%s", out)
	}
}
