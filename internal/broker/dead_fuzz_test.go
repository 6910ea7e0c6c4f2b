package broker

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/edgepurge/edgepurge/internal/nasty"
	"github.com/edgepurge/edgepurge/internal/record"
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

// FuzzDeadLetter makes sure that a letter tells what it was made of, within one line for each
// header, wherever it came from, and lies where it is looked for.
func FuzzDeadLetter(f *testing.F) {
	for _, m := range nastyMessages(f) {
		if _, source, ok := (purge.Subjects{Prefix: "purge"}).ParseRequest(m.Subject); !ok || m.Headers["Content-Type"] != "" {
			f.Add(source, "request-1", "Malformed", "the message is not JSON", m.Subject, m.Headers["Content-Type"])
		}
	}
	f.Add("ghost", "a", "InvalidParameter.Target", "x\r\nNats-Rollup: all\r\n\r\nbody", "purge.requests.bulk.ghost", "a;b")
	f.Add("\xff", "_1-2", "", strings.Repeat("é", 600), strings.Repeat("中", 4000), "\x00")
	f.Fuzz(func(t *testing.T, source, id, code, message, subject, contentType string) {
		dead := &Dead{conn: &Conn{subjects: purge.Subjects{Prefix: "purge"}}}
		d := record.DeadLetter{
			Key: record.Key{Source: source, ID: id}, Code: code, Message: message, Subject: subject, ContentType: contentType,
		}
		m := dead.message(&d)
		for name, values := range m.Header {
			if len(values) != 1 || len(values[0]) > maxName || !utf8.ValidString(values[0]) || strings.ContainsAny(values[0], "\r\n\x00") {
				t.Errorf("%s: got %q, want one line", name, values)
			}
			if again := headerText(values[0], maxName); again != values[0] {
				t.Errorf("%s: got %q, then %q", name, values[0], again)
			}
		}
		l, ok := letterOf(m.Subject, m.Header, 7, time.Time{})
		if !ok {
			if headerText(code, maxWords) != "" {
				t.Errorf("%s with code %q is no letter", m.Subject, code)
			}
			return
		}
		checkTold(t, "subject", l.Subject, subject, maxName)
		checkTold(t, "request", l.Request, d.Key.String(), maxName)
		checkTold(t, "code", l.Code, code, maxWords)
		checkTold(t, "message", l.Message, message, maxWords)
		if filter := strings.Split(dead.filter(source, code), "."); source != "" && code != "" &&
			!slices.Equal(filter, strings.Split(m.Subject, ".")) {
			t.Errorf("letter on %s is looked for on %v", m.Subject, filter)
		}
	})
}

// checkTold makes sure that a header says what it should, where a header can.
func checkTold(t *testing.T, name, got, want string, limit int) {
	t.Helper()
	if len(want) <= limit && utf8.ValidString(want) && !strings.ContainsFunc(want, unicode.IsControl) && got != want {
		t.Errorf("%s: got %q, want %q", name, got, want)
	}
}

// FuzzToken makes sure that whatever others choose makes one token of a subject, and that two of
// them do not meet.
func FuzzToken(f *testing.F) {
	for _, s := range []string{"", "ghost", "%", "%14", "a.b", "*", ">", "\xff", "\xfe", "é", "\x00", "a b", strings.Repeat("x", 129)} {
		f.Add(s, "ghost")
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		one, other := token(a), token(b)
		if (one == other) != (a == b) {
			t.Errorf("%q and %q are %q and %q", a, b, one, other)
		}
		if one == "" || len(one) > maxToken*2 || !utf8.ValidString(one) || strings.ContainsAny(one, ".*>\t\r\n\f \x00\x7f") {
			t.Errorf("%q makes %q, which is no token", a, one)
		}
	})
}
