package main

import (
	"strings"
	"testing"
	"time"
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
	// The table of message ids forgets; the event does not.
	purged := api.Stats().Targets
	if _, err := js.Publish(t.Context(), "purge.requests.bulk.ghost", []byte(`{"targets":["https://other.example/"]}`)); err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), "PURGE_REQUESTS")
	if err != nil {
		t.Fatal(err)
	}
	cfg := s.CachedInfo().Config
	cfg.Duplicates = 100 * time.Millisecond // the least
	before := s.CachedInfo().State.LastSeq
	until(t, "the replay to be stored again", func() bool {
		// The server has the ids purged before it has the new window, and then may not look again for as long as the old one.
		// So each try is a change.
		if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		cfg.Duplicates += time.Millisecond
		must(t, "dead", "replay", n)
		s, err := js.Stream(t.Context(), "PURGE_REQUESTS")
		return err == nil && s.CachedInfo().State.LastSeq > before
	})
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
