package purge_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/edgepurge/edgepurge/purge"
)

// FuzzCanonical makes sure, for every type, that a canonical form is bounded and stays as it is; that a host is what it
// is in a URL, a prefix what it is as a URL, and a tag what was written.
func FuzzCanonical(f *testing.F) {
	types := []purge.Type{purge.URL, purge.Prefix, purge.Host, purge.Tag, purge.All, "", "else"}
	for _, m := range nastyMessages(f) {
		if m.End.Code == purge.CodeInvalidTarget && len(m.Body) < 1<<10 {
			r, _ := purge.Decode(m.Body, m.Headers["Content-Type"])
			f.Add(string(r.Type), r.Targets[0])
		}
	}
	for _, target := range []string{"WWW.Example.com.", "bücher.example", "[::1]", "1.2.3.4", "a,b", ",", "xn--a-", "a..b", "\u3002", "K.example"} {
		for _, kind := range types {
			f.Add(string(kind), target)
		}
	}
	f.Fuzz(func(t *testing.T, kind, target string) {
		got, err := purge.Canonical(purge.Type(kind), target)
		if err != nil {
			if reason, ok := errors.AsType[*purge.Reason](err); !ok || reason.Code != purge.CodeInvalidTarget || got != "" {
				t.Errorf("%s %q: got %q beside %v", kind, target, got, err)
			}
		} else {
			checkCanonical(t, purge.Type(kind), target, got)
		}
		url, urlErr := purge.CanonicalURL("https://" + strings.Trim(target, asciiSpace) + "/")
		switch purge.Type(kind) {
		case purge.Host:
			target = strings.Trim(target, asciiSpace)
			if strings.ContainsAny(target, "/?#@: ") || invisibleEnds(target) || len(target) > purge.MaxTarget-len("https:///") {
				return // more than a host, there
			}
			if (err == nil) != (urlErr == nil) || err == nil && url != "https://"+got+"/" {
				t.Errorf("host %q: got %q, %v, and in a URL %q, %v", target, got, err, url, urlErr)
			}
		case purge.Prefix, purge.URL, "":
			if again, againErr := purge.CanonicalURL(target); again != got || (err == nil) != (againErr == nil) {
				t.Errorf("%s %q: got %q, %v, as a URL %q, %v", kind, target, got, err, again, againErr)
			}
		case purge.Tag:
			if err == nil && got != strings.Trim(target, asciiSpace) {
				t.Errorf("tag %q: got %q", target, got)
			}
		case purge.All:
			if err == nil {
				t.Errorf("type all took %q", target)
			}
		}
	})
}

func checkCanonical(t *testing.T, kind purge.Type, target, got string) {
	t.Helper()
	// Punycode makes a host a little longer; all else at most three times.
	if len(got) > 3*len(target)+256 || len(target) > purge.MaxTarget || !utf8.ValidString(got) {
		t.Errorf("%s %q: got %d bytes of %d: %q", kind, target, len(got), len(target), got)
	}
	if len(got) > purge.MaxTarget {
		return
	}
	if again, err := purge.Canonical(kind, got); err != nil || again != got {
		t.Errorf("%s %q: got %q, then %q, %v", kind, target, got, again, err)
	}
}
