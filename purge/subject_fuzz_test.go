package purge_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/edgepurge/edgepurge/purge"
)

var deadReason = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$`)

// FuzzSubjects makes sure that a subject is read as what it was made of, by the installation whose it is and by no
// other, and that whatever a code is, it makes one part of a subject.
func FuzzSubjects(f *testing.F) {
	for _, m := range nastyMessages(f) {
		if _, _, ok := (purge.Subjects{Prefix: "purge"}).ParseRequest(m.Subject); !ok {
			f.Add("purge", m.Subject)
		}
	}
	for _, subject := range []string{
		"purge.events.ghost.completed.post-4711-r3", "purge.events.ghost.partial._replay-7", "purge.events..failed.a",
		"purge.events.ghost.*.a", "purge.events.ghost.completed.a.b", "purge.requests.bulk.\xff", "InvalidParameter.Target", "",
	} {
		f.Add("purge", subject)
		f.Add("cdn-2", subject)
		f.Add("", subject)
	}
	f.Fuzz(func(t *testing.T, prefix, text string) {
		s, other := purge.Subjects{Prefix: prefix}, purge.Subjects{Prefix: prefix + "-2"}
		lane, source, ok := s.ParseRequest(text)
		if ok && (!purge.ValidSource(source) || s.Request(lane, source) != text) {
			t.Errorf("%q: got lane %q and source %q, which make %q", text, lane, source, s.Request(lane, source))
		}
		if !ok && purge.ValidSource(source) {
			t.Errorf("%q: got source %q, want it to be fine", text, source)
		}
		of, status, id, ended := s.ParseEvent(text)
		if ended && s.Event(of, status, id) != text {
			t.Errorf("%q: got %q, %q, %q, which make another subject", text, of, status, id)
		}
		if ok && ended {
			t.Errorf("%q is a request and an event", text)
		}
		if _, _, taken := other.ParseRequest(text); taken && ok {
			t.Errorf("%q is of two installations", text)
		}
		tokens := strings.Split(strings.TrimPrefix(s.Dead(text, "ghost"), prefix+"."), ".")
		if len(tokens) != 3 || !deadReason.MatchString(tokens[1]) {
			t.Errorf("code %q: got %q", text, s.Dead(text, "ghost"))
		}
	})
}

// FuzzPickID makes sure that an id is a producer's own, or a replay's, and fits into a subject.
func FuzzPickID(f *testing.F) {
	for _, m := range nastyMessages(f) {
		if msgID := m.Headers["Nats-Msg-Id"]; msgID != "" {
			r, _ := purge.Decode(m.Body, m.Headers["Content-Type"])
			_, source, _ := purge.Subjects{Prefix: "purge"}.ParseRequest(m.Subject)
			f.Add(r.ID, source, msgID)
		}
	}
	f.Fuzz(func(t *testing.T, own, source, msgID string) {
		id := purge.PickID(purge.Request{ID: own}, source, msgID)
		if id == "" {
			if purge.ValidID(own) {
				t.Errorf("got none, want %q", own)
			}
			return
		}
		if id != own && source+"."+id != msgID {
			t.Errorf("got %q of %q and %q", id, own, msgID)
		}
		if !purge.ValidID(id) && !strings.HasPrefix(id, "_replay-") {
			t.Errorf("got %q, which no producer may give", id)
		}
		s := purge.Subjects{Prefix: "purge"}
		if _, _, got, ok := s.ParseEvent(s.Event("ghost", purge.Completed, id)); !ok || got != id {
			t.Errorf("got %q, which makes the subject of %q", id, got)
		}
	})
}
