package canonical_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/edgepurge/edgepurge/internal/canonical"
)

var kinds = []string{"", "url", "prefix", "host", "tag", "all", "else"}

// targets draws targets that are near the rules: their pieces are what the rules speak of.
func targets() *rapid.Generator[string] {
	pieces := []string{
		"https://", "HTTP://", "www.example.com", "www.Bücher.example", "192.0.2.1", "[2001:DB8::1]", ".", ":443", ":8080", "/", "/",
		"a", "blog", "..", "%2e", "%2E", "*", "/*", "?", "#", "&x=1", ",", " ", "\t", "\r\n", "\v", "\f", "\u00a0", "\u200b", "\ufeff",
		"\u2060", "\u202e", "\u3000", "\u0085", "é", "%", "%c3%a9", "{", "|", "\\", "'", "[", ";", "@", "\x00", "\xff",
	}
	piece := rapid.SampledFrom(pieces)
	return rapid.Custom(func(t *rapid.T) string {
		text := strings.Join(rapid.SliceOfN(piece, 0, 9).Draw(t, "pieces"), "")
		if rapid.Bool().Draw(t, "with a host") {
			text = rapid.SampledFrom([]string{"", " ", "\n"}).Draw(t, "before") + "https://www.example.com" +
				rapid.SampledFrom([]string{"", ".", "/", "/a"}).Draw(t, "path") + text
		}
		return text
	})
}

func TestOf_StaysAsItIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := rapid.SampledFrom([]canonical.Rules{canonical.Before, canonical.Current}).Draw(t, "rules")
		kind, target := rapid.SampledFrom(kinds).Draw(t, "kind"), targets().Draw(t, "target")
		form, err := rules.Of(kind, target)
		if err != nil {
			if _, ok := errors.AsType[canonical.TargetError](err); !ok || err.Error() == "" || form != "" {
				t.Fatalf("got %q beside %#v, want nothing beside a reason", form, err)
			}
			return
		}
		if again, err := rules.Of(kind, form); err != nil || again != form {
			t.Fatalf("%q: got %q, then %q, %v", target, form, again, err)
		}
	})
}

// What the new rules do not speak of keeps the form that it had, so that digests and jobs stay comparable; and what they
// make is left alone by the first ones, by which rows are compared.
func TestOf_ChangesOnlyWhatTheRulesSpeakOf(t *testing.T) {
	const touched = " \t\r\n\v\f"
	rapid.Check(t, func(t *rapid.T) {
		kind, target := rapid.SampledFrom(kinds).Draw(t, "kind"), targets().Draw(t, "target")
		before, errBefore := canonical.Before.Of(kind, target)
		now, err := canonical.Current.Of(kind, target)
		if err == nil {
			if again, err := canonical.Before.Of(kind, now); err != nil || again != now {
				t.Fatalf("%q: the first rules make %q of %q, %v", target, again, now, err)
			}
		}
		rootDot := strings.Contains(before, "./") || strings.Contains(before, ".:") || strings.HasSuffix(before, ".")
		if errBefore == nil && err == nil && before != now && strings.Trim(target, touched) == target && !rootDot {
			t.Fatalf("%q: got %q, had %q", target, now, before)
		}
		if errBefore == nil && err != nil && !mayRefuse(kind, target) {
			t.Fatalf("%q: got %v, had %q", target, err, before)
		}
	})
}

// mayRefuse reports whether the new rules may refuse what the first ones took.
func mayRefuse(kind, target string) bool {
	if kind == "tag" && strings.Contains(target, ",") {
		return true
	}
	trimmed := strings.Trim(target, " \t\r\n\v\f")
	first, _ := utf8.DecodeRuneInString(trimmed)
	last, _ := utf8.DecodeLastRuneInString(trimmed)
	if first >= utf8.RuneSelf && first != 'é' || last >= utf8.RuneSelf && last != 'é' || trimmed == "" {
		return true
	}
	path, _, _ := strings.Cut(trimmed, "#")
	if strings.HasSuffix(path, "/*") {
		return true
	}
	path, _, _ = strings.Cut(path, "?")
	for segment := range strings.SplitSeq(strings.ReplaceAll(strings.ToLower(path), "%2e", "."), "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// A reason that names a URL to write instead names one that is valid, or has at most another fault than the one it is
// for; in the end the advice leads to a valid one.
func TestOf_AdvisesWhatIsValid(t *testing.T) {
	tests := []struct{ kind, target, advice string }{
		{"url", "https://h/a/../b", "write https://h/b"},
		{"url", "https://H./a/./b?c=/../#d", "write https://h/a/b?c=/../"},
		{"url", "https://h/..", "write https://h/"},
		{"url", "https://h/a/b/..", "write https://h/a/"},
		{"url", "https://h/a/%2E%2e/é", "write https://h/%C3%A9"},
		{"prefix", "https://h/a/.%2e/", "write https://h/"},
		{"url", "https://h/%2e", "write https://h/"},
		{"url", "https://h/a//../b", "write https://h/a/b"},
		{"url", "https://h/blog/*", "type prefix without the star: https://h/blog/"},
		{"prefix", "https://h/*", "write https://h/,"},
		{"url", "https://h/?a=/*", "write %2A"},
		{"url", "https://h/" + strings.Repeat("a", 600) + "/b/..", "without it"},
		{"url", "https://h/" + strings.Repeat("a", 600) + "/*", "type prefix without the star"},
		{"prefix", "https://h/" + strings.Repeat("a", 600) + "/*", "drop the star"},
		{"tag", "post-1,post-2", "send each tag as a target of its own"},
		{"url", "\ufeffhttps://h/", "begins with U+FEFF, a byte-order mark; remove it"},
		{"host", "h\u00a0", "ends with U+00A0, a no-break space; remove it"},
		{"tag", "\u2003a", "begins with U+2003, a space; remove it"},
		{"tag", "a\u202d", "ends with U+202D, an invisible character; remove it"},
		{"url", "https://h/\u200d ", "ends with U+200D, a zero-width joiner"},
	}
	for _, tt := range tests {
		_, err := canonical.Current.Of(tt.kind, tt.target)
		if err == nil || !strings.Contains(err.Error(), tt.advice) || len(err.Error()) > 900 {
			t.Errorf("%s %.60q: got %v, want %q in it", tt.kind, tt.target, err, tt.advice)
			continue
		}
		_, url, ok := strings.Cut(err.Error(), "https://")
		if !ok {
			continue
		}
		url, _, _ = strings.Cut("https://"+url, ",")
		if form, err := canonical.Current.Of(tt.kind, url); err != nil || form != url {
			t.Errorf("%q is advised for %q: got %q, %v", url, tt.target, form, err)
		}
	}
}

func TestDigest_IsThatOfTheFirstRulesWhereNothingChanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := canonical.Body{Type: rapid.SampledFrom(kinds).Draw(t, "kind"), Targets: rapid.SliceOfN(targets(), 1, 3).Draw(t, "targets")}
		same := true
		for _, target := range b.Targets {
			before, errBefore := canonical.Before.Of(b.Type, target)
			now, err := canonical.Current.Of(b.Type, target)
			if errBefore != nil {
				before = target
			}
			if err != nil {
				now = target
			}
			same = same && before == now
		}
		if got := canonical.Before.Digest(b) == canonical.Current.Digest(b); got != same {
			t.Fatalf("%q: got equal digests %t, want %t", b.Targets, got, same)
		}
	})
}

// FuzzOf makes sure, for both rules and every type, that a form is bounded and stays as it is.
func FuzzOf(f *testing.F) {
	for _, target := range []string{
		" https://WWW.Example.com./ts ", "https://h/a/%2e./b", "https://h/*", "a,b", "\u200bh", "h.", "https://[::1]:443?{", "xn--a-",
	} {
		for _, kind := range kinds {
			f.Add(kind, target)
		}
	}
	f.Fuzz(func(t *testing.T, kind, target string) {
		for _, rules := range []canonical.Rules{canonical.Before, canonical.Current} {
			form, err := rules.Of(kind, target)
			if err != nil {
				continue
			}
			if len(form) > 3*len(target)+256 || !utf8.ValidString(form) {
				t.Fatalf("%q: got %q", target, form)
			}
			if again, err := rules.Of(kind, form); len(form) <= canonical.MaxTarget && (err != nil || again != form) {
				t.Fatalf("%q: got %q, then %q, %v", target, form, again, err)
			}
		}
	})
}
