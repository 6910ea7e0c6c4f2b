package purge_test

import (
	"strings"
	"testing"

	"github.com/edgepurge/edgepurge/purge"
)

func TestSubjects_AreNamed(t *testing.T) {
	s := purge.Subjects{Prefix: "purge"}
	tests := []struct{ got, want string }{
		{s.Request(purge.Interactive, "ghost"), "purge.requests.interactive.ghost"},
		{s.Request(purge.Bulk, "ghost"), "purge.requests.bulk.ghost"},
		{s.Event("ghost", purge.Completed, "post-4711-r3"), "purge.events.ghost.completed.post-4711-r3"},
		{s.Events(), "purge.events.*.*.*"},
		{s.EventOf("ghost", "post-4711-r3"), "purge.events.ghost.*.post-4711-r3"},
		{s.Progress("ghost", "post-4711-r3"), "purge.progress.ghost.post-4711-r3"},
		{s.DeadLetters(), "purge.dead.*.*"},
		{s.Stream("REQUESTS"), "PURGE_REQUESTS"},
		{purge.Subjects{Prefix: "cdn-2"}.Stream("dead"), "CDN-2_DEAD"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

func TestSubjects_NameDeadLettersByCode(t *testing.T) {
	s := purge.Subjects{Prefix: "purge"}
	for code, want := range map[string]string{
		purge.CodeMalformed:            "malformed",
		purge.CodeTooLarge:             "too-large",
		purge.CodeUnknownField:         "unknown-field",
		purge.CodeIDReused:             "id-reused",
		purge.CodePoison:               "poison",
		"InvalidParameter.Target":      "invalid-parameter-target",
		"InternalError.DBError":        "internal-error-db-error",
		"OperationDenied.IPNotAllowed": "operation-denied-ip-not-allowed",
		"LimitExceeded.Rate2Day":       "limit-exceeded-rate2-day",
		"a_b..c -> d*":                 "a-b-c-d",
		"kebab-case":                   "kebab-case",
		"":                             "unknown",
		"中":                            "unknown",
		strings.Repeat("Ab", 100):      strings.Repeat("ab-", 21) + "a",
		strings.Repeat("a", 63) + "B":  strings.Repeat("a", 63),
		strings.Repeat("a", 30) + ">" + "*.>b c\n": strings.Repeat("a", 30) + "-b-c",
	} {
		if got, want := s.Dead(code, "ghost"), "purge.dead."+want+".ghost"; got != want {
			t.Errorf("%q: got %q, want %q", code, got, want)
		}
	}
}

func TestSubjects_ParseRequest(t *testing.T) {
	s := purge.Subjects{Prefix: "purge"}
	tests := []struct {
		subject string
		lane    purge.Lane
		source  string
		ok      bool
	}{
		{"purge.requests.interactive.ghost", purge.Interactive, "ghost", true},
		{"purge.requests.bulk.my_cms-2", purge.Bulk, "my_cms-2", true},
		{"purge.requests.bulk.Ghost", purge.Bulk, "Ghost", false},
		{"purge.requests.bulk.a.b", purge.Bulk, "a.b", false},
		{"purge.requests.bulk.", purge.Bulk, "", false},
		{"purge.requests.bulk.caf\u00e9", purge.Bulk, "caf\u00e9", false},
		{"purge.requests.bulk.caf\xc3", purge.Bulk, `caf\xc3`, false},
		{"purge.requests.bulk.\"\xff\"", purge.Bulk, `\"\xff\"`, false},
		{"purge.requests.bulk", "", "", false},
		{"purge.requests.urgent.ghost", "", "", false},
		{"purge.events.bulk.ghost", "", "", false},
		{"purges.requests.bulk.ghost", "", "", false},
		{"cdn.requests.bulk.ghost", "", "", false},
		{"", "", "", false},
	}
	for _, tt := range tests {
		lane, source, ok := s.ParseRequest(tt.subject)
		if lane != tt.lane || source != tt.source || ok != tt.ok {
			t.Errorf("%s: got %q, %q, %t, want %q, %q, %t", tt.subject, lane, source, ok, tt.lane, tt.source, tt.ok)
		}
	}
}

func TestSubjects_ParseEvent(t *testing.T) {
	s := purge.Subjects{Prefix: "purge"}
	for _, status := range []purge.Status{
		purge.Completed, purge.Partial, purge.Failed, purge.Rejected, purge.Expired,
	} {
		for _, id := range []string{"post-4711-r3", "_1x-2", "_replay-7"} {
			source, gotStatus, gotID, ok := s.ParseEvent(s.Event("ghost", status, id))
			if source != "ghost" || gotStatus != status || gotID != id || !ok {
				t.Errorf("got %q, %q, %q, %t, want ghost, %q, %q", source, gotStatus, gotID, ok, status, id)
			}
		}
	}
	for _, subject := range []string{
		"", "purge.events", "purge.events.ghost", "purge.events.ghost.completed", "purge.events.ghost.completed.",
		"purge.events.ghost.completed.a.b", "purge.events.ghost.done.a", "purge.events.Ghost.completed.a",
		"purge.events.ghost.*.a", "purge.events.*.completed.a", "purge.progress.ghost.a", "cdn.events.ghost.completed.a",
		"purge.events.ghost.completed." + strings.Repeat("a", 65),
	} {
		if source, status, id, ok := s.ParseEvent(subject); ok || source != "" || status != "" || id != "" {
			t.Errorf("%s: got %q, %q, %q, %t, want nothing", subject, source, status, id, ok)
		}
	}
}
