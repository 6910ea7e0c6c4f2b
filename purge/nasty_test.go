package purge_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/edgepurge/edgepurge/internal/nasty"
	"github.com/edgepurge/edgepurge/purge"
)

func nastyMessages(t testing.TB) []nasty.Message {
	t.Helper()
	all, err := nasty.All()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// byForm are the codes of what is refused by the form of a message alone, whatever the installation.
var byForm = map[string]bool{
	purge.CodeMalformed: true, purge.CodeUnknownField: true, purge.CodeTooLarge: true, purge.CodeInvalidTarget: true,
}

// Every message of the corpus gets the id, and is refused with the code and at the field, that it should; what only an
// installation can refuse is sound.
func TestNasty_IsJudgedByItsForm(t *testing.T) {
	for _, m := range nastyMessages(t) {
		if m.End.Refused || m.End.Joins {
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			got := judgeForm(t, m)
			if got.id != m.End.ID {
				t.Errorf("got id %q, want %q", got.id, m.End.ID)
			}
			if !byForm[m.End.Code] {
				if got.whole {
					t.Errorf("got %v, want none: it is %s", got.reason, m.End.Status)
				}
				return
			}
			if got.reason == nil || got.reason.Code != m.End.Code || got.whole != (m.End.Status == string(purge.Rejected)) {
				t.Fatalf("got %v, of the whole request: %t, want %s, %s", got.reason, got.whole, m.End.Code, m.End.Status)
			}
			if m.End.Field != nil && got.reason.Field != *m.End.Field {
				t.Errorf("got field %q, want %q: %v", got.reason.Field, *m.End.Field, got.reason)
			}
		})
	}
}

// judgement is what can be said of a message without an installation.
type judgement struct {
	id     string
	reason *purge.Reason // why it, or its first target that is not valid, is refused
	whole  bool          // nothing of it is valid
}

// judgeForm does what a worker does with a message before it looks at its configuration.
func judgeForm(t *testing.T, m nasty.Message) judgement {
	t.Helper()
	_, source, valid := purge.Subjects{Prefix: "purge"}.ParseRequest(m.Subject)
	header := make(map[string][]string)
	for name, value := range m.Headers {
		header[name] = []string{value}
	}
	r, err := purge.DecodeMessage(m.Body, m.Headers["Content-Type"], purge.ParseEventHeader(header))
	j := judgement{id: purge.PickID(r, source, m.Headers["Nats-Msg-Id"])}
	if data, err := r.Encode(); err != nil || len(data) > 6*len(m.Body)+100 {
		t.Errorf("a message of %d bytes is read as one of %d, %v", len(m.Body), len(data), err)
	}
	switch {
	case err != nil:
		reason, ok := errors.AsType[*purge.Reason](err)
		if !ok || len(reason.Error()) > 1000 {
			t.Fatalf("got %T of %d bytes, want a short reason", err, len(err.Error()))
		}
		j.reason, j.whole = reason, true
		return j
	case !valid:
		j.reason, j.whole = &purge.Reason{Code: purge.CodeMalformed}, true
		return j
	}
	j.whole = len(r.Targets) > 0
	for i, target := range r.Targets {
		_, err := purge.Canonical(r.Type, target)
		j.whole = j.whole && err != nil
		if reason, ok := errors.AsType[*purge.Reason](err); ok && j.reason == nil {
			j.reason = &purge.Reason{Code: reason.Code, Field: fmt.Sprintf("targets[%d]", i)}
		}
	}
	return j
}
