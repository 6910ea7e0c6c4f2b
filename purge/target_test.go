package purge_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/edgepurge/edgepurge/purge"
)

func TestCanonical_HasItsFormForEveryType(t *testing.T) {
	tests := []struct {
		name   string
		kind   purge.Type
		target string
		want   string // "": not valid
	}{
		{"url", purge.URL, "HTTPS://H", "https://h/"},
		{"the empty type is url", "", "HTTPS://H", "https://h/"},
		{"prefix", purge.Prefix, "https://H/a/", "https://h/a/"},
		{"prefix without scheme", purge.Prefix, "h/a/", ""},
		{"host", purge.Host, "WWW.Example.com", "www.example.com"},
		{"host in punycode", purge.Host, "bücher.example", "xn--bcher-kva.example"},
		{"host with a port", purge.Host, "h:80", ""},
		{"host with a scheme", purge.Host, "https://h", ""},
		{"host with a path", purge.Host, "h/", ""},
		{"wildcard host", purge.Host, "*.example.com", ""},
		{"empty host", purge.Host, "", ""},
		{"host that is not UTF-8", purge.Host, "h\xff", ""},
		{"IPv6 host", purge.Host, "[2001:DB8::1]", "[2001:db8::1]"},
		{"open bracket", purge.Host, "[::1", ""},
		{"tag", purge.Tag, "Post 4711*;#@[é", "Post 4711*;#@[é"},
		{"longest tag", purge.Tag, strings.Repeat("t", purge.MaxTarget), strings.Repeat("t", purge.MaxTarget)},
		{"too long a tag", purge.Tag, strings.Repeat("t", purge.MaxTarget+1), ""},
		{"empty tag", purge.Tag, "", ""},
		{"white space around a tag", purge.Tag, "\t a b\r\n", "a b"},
		{"white space around a host", purge.Host, "\fh\v", "h"},
		{"white space around a prefix", purge.Prefix, " https://h/a/\n", "https://h/a/"},
		{"root of a host", purge.Host, "www.example.com.", "www.example.com"},
		{"tag with a comma inside", purge.Tag, "post-1,post-2", ""},
		{"tag with a comma before", purge.Tag, ",a", ""},
		{"tag with a comma behind", purge.Tag, "a,", ""},
		{"tag with a tab", purge.Tag, "a\tb", ""},
		{"tag that is not UTF-8", purge.Tag, "\xff", ""},
		{"all", purge.All, "*", ""},
		{"unknown type", "regex", "a", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := purge.Canonical(tt.kind, tt.target)
			if got != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("got %.80q, %v, want %.80q", got, err, tt.want)
			}
			if reason, ok := errors.AsType[*purge.Reason](err); err != nil && (!ok || reason.Code != purge.CodeInvalidTarget) {
				t.Errorf("got %v, want a reason InvalidTarget", err)
			}
		})
	}
}
