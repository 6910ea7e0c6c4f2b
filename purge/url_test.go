package purge_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/edgepurge/edgepurge/purge"
)

func TestCanonicalURL_ChangesOnlyWhatIsListed(t *testing.T) {
	tests := []struct{ name, raw, want string }{
		{"canonical", "https://www.example.com/blog/hello/", "https://www.example.com/blog/hello/"},
		{"scheme", "HTTPS://h/A", "https://h/A"},
		{"host", "http://WWW.Example.COM/Path", "http://www.example.com/Path"},
		{"http port", "http://h:80/", "http://h/"},
		{"https port", "https://h:443/", "https://h/"},
		{"default port with zeros", "https://h:00443/", "https://h/"},
		{"port of the other scheme", "http://h:443/", "http://h:443/"},
		{"other port", "https://H:8443/", "https://h:8443/"},
		{"other port with zeros", "https://h:08443/", "https://h:08443/"},
		{"greatest port", "https://h:65535/", "https://h:65535/"},
		{"empty port", "https://h:/", "https://h/"},
		{"fragment", "https://h/a#b?c#d", "https://h/a"},
		{"empty fragment", "https://h/a#", "https://h/a"},
		{"fragment without path", "https://h#b", "https://h/"},
		{"spaces in a fragment", "https://h/a#b c|d", "https://h/a"},
		{"empty path", "https://h", "https://h/"},
		{"empty path before a query", "http://h?x", "http://h/?x"},
		{"empty query", "https://h/?", "https://h/?"},
		{"dots in names", "https://h/.../.a/b./..c?/../%2e%2e/.", "https://h/.../.a/b./..c?/../%2e%2e/."},
		{"stars", "https://h/*/a*?*", "https://h/*/a*?*"},
		{"star at the end, escaped", "https://h/a/%2A", "https://h/a/%2A"},
		{"white space at the ends", " \t\r\n\v\fhttps://h/a b\f\v\n\r\t ", "https://h/a%20b"},
		{"white space before a fragment", "https://h/a #b", "https://h/a%20"},
		{"line break at the end of a fragment", "https://h/a#b\r\n", "https://h/a"},
		{"no-break space inside", "https://h/a\u00a0?b", "https://h/a%C2%A0?b"},
		{"flag at the end", "https://h/\U0001f3f4\U000e0067\U000e007f", "https://h/%F0%9F%8F%B4%F3%A0%81%A7%F3%A0%81%BF"},
		{"double slashes", "https://h//a//", "https://h//a//"},
		{"query order", "https://h/?b=2&a=1&b=1&&=", "https://h/?b=2&a=1&b=1&&="},
		{"escapes", "https://h/%41%2f%2F%c3%A9?%20", "https://h/%41%2f%2F%c3%A9?%20"},
		{"bad escapes", "https://h/%zz%4?%%41%", "https://h/%25zz%254?%25%41%25"},
		{"non-ASCII", "https://h/é/中?q=€#é", "https://h/%C3%A9/%E4%B8%AD?q=%E2%82%AC"},
		{"replacement character", "https://h/\ufffd", "https://h/%EF%BF%BD"},
		{"space", "https://h/a b?c d", "https://h/a%20b?c%20d"},
		{"space at the end", "https://h/ts ", "https://h/ts"},
		{"not for URLs", "https://h/\"<>\\^`{|}?\"<>\\^`{|}", "https://h/%22%3C%3E%5C%5E%60%7B%7C%7D?%22%3C%3E%5C%5E%60%7B%7C%7D"},
		{"reserved", "https://h/:@!$&'()*+,;=-._~[]?:/?@!$&'()*+,;=[]", "https://h/:@!$&'()*+,;=-._~[]?:/?@!$&'()*+,;=[]"},
		{"URL in a query", "https://h/?u=http://u:p@x/", "https://h/?u=http://u:p@x/"},
		{"punycode", "https://Bücher.example/", "https://xn--bcher-kva.example/"},
		{"punycode already", "https://XN--Bcher-KVA.example/", "https://xn--bcher-kva.example/"},
		{"sharp s", "https://faß.example/", "https://xn--fa-hia.example/"},
		{"wide letters and dot", "https://ｗｗｗ。example/", "https://www.example/"},
		{"underscore", "https://_dmarc.my_host.example/", "https://_dmarc.my_host.example/"},
		{"hyphens", "https://r3---sn-a.example/", "https://r3---sn-a.example/"},
		{"root", "https://example.com./", "https://example.com/"},
		{"root before a port", "https://example.com.:8443", "https://example.com:8443/"},
		{"root of an IPv4 address", "https://192.0.2.1./", "https://192.0.2.1/"},
		{"wide root", "https://example.com。/", "https://example.com/"},
		{"IPv4", "https://192.0.2.1:8080/", "https://192.0.2.1:8080/"},
		{"IPv6", "https://[2001:DB8::1]/", "https://[2001:db8::1]/"},
		{"IPv6 and default port", "https://[::1]:443", "https://[::1]/"},
		{"IPv6 and other port", "http://[::FFFF:1.2.3.4]:8080/", "http://[::ffff:1.2.3.4]:8080/"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := purge.CanonicalURL(tt.raw)
			if err != nil || got != tt.want {
				t.Errorf("%q: got %q, %v, want %q", tt.raw, got, err, tt.want)
			}
			if again, err := purge.CanonicalURL(got); err != nil || again != got {
				t.Errorf("%q: got %q, %v the second time", got, again, err)
			}
		})
	}
}

func TestCanonicalURL_Refuses(t *testing.T) {
	label := strings.Repeat("a", 63)
	tests := []struct{ name, raw string }{
		{"empty", ""},
		{"no scheme", "www.example.com/"},
		{"relative", "/a"},
		{"no slashes", "https:h/"},
		{"one slash", "https:/h/"},
		{"relative to the scheme", "//h/"},
		{"scheme later on", "h/?u=https://h/"},
		{"other scheme", "ftp://h/"},
		{"look-alike scheme", "http\u017f://h/"},
		{"user", "https://u@h/"},
		{"user and password", "https://u:p@h/"},
		{"empty user", "https://@h/"},
		{"no host", "https:///a"},
		{"no host, port", "https://:80/"},
		{"no host, query", "https://?a"},
		{"wildcard", "https://*.example.com/"},
		{"wildcard alone", "https://*/"},
		{"empty label", "https://a..b/"},
		{"leading dot", "https://.a/"},
		{"dot alone", "https://./"},
		{"two dots at the end", "https://a../"},
		{"leading hyphen", "https://-a.b/"},
		{"trailing hyphen", "https://a-.b/"},
		{"space in the host", "https://a b/"},
		{"escape in the host", "https://ex%61mple.com/"},
		{"backslash behind the host", `https://example.com\a`},
		{"comma in the host", "https://a,b/"},
		{"hidden slash in the host", "https://a℀b/"},
		{"bad punycode", "https://xn--a-é/"},
		{"punycode of ASCII", "https://xn--a-/"},
		{"only a soft hyphen", "https://\u00ad/"},
		{"long label", "https://a" + label + "/"},
		{"long host", "https://" + strings.Repeat(label+".", 3) + label[:62] + "/"},
		{"very long host", "https://" + strings.Repeat("é", 4000) + "/"},
		{"number as host", "https://1234/"},
		{"too few numbers", "https://1.2.3/"},
		{"too great a number", "https://1.2.3.256/"},
		{"octal number", "https://01.2.3.4/"},
		{"open bracket", "https://[::1/"},
		{"name in brackets", "https://[example]/"},
		{"IPv4 in brackets", "https://[1.2.3.4]/"},
		{"behind brackets", "https://[::1]a/"},
		{"IPv6 without brackets", "https://::1/"},
		{"IPv6 with a zone", "https://[fe80::1%25eth0]/"},
		{"port is a word", "https://h:http/"},
		{"port zero", "https://h:0/"},
		{"port too great", "https://h:65536/"},
		{"port signed", "https://h:+80/"},
		{"two ports", "https://h:80:80/"},
		{"tab", "https://h/a\tb"},
		{"line break", "https://h/a\nb"},
		{"white space alone", " \t\n"},
		{"NUL", "https://h/\x00"},
		{"DEL", "https://h/\x7f"},
		{"C1", "https://h/\u0085"},
		{"control character in a fragment", "https://h/#\ra"},
		{"not UTF-8", "https://h/\xff"},
		{"half a character", "https://h/\xc3"},
		{"not UTF-8 in a fragment", "https://h/#\xff"},
		{"too long", "https://h/" + strings.Repeat("a", purge.MaxTarget-9)},
		{"too long with its fragment", "https://h/#" + strings.Repeat("a", purge.MaxTarget-10)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := purge.CanonicalURL(tt.raw)
			reason, ok := errors.AsType[*purge.Reason](err)
			if !ok || reason.Code != purge.CodeInvalidTarget || reason.Message == "" || got != "" {
				t.Errorf("%.80q: got %q, %v, want an InvalidTarget", tt.raw, got, err)
			}
		})
	}
}

func TestCanonicalURL_TakesTheLongest(t *testing.T) {
	label := strings.Repeat("a", 63)
	host := strings.Repeat(label+".", 3) + label[:61]
	raw := "https://" + host + "./"
	raw += strings.Repeat("é", (purge.MaxTarget-len(raw))/2)
	got, err := purge.CanonicalURL(raw)
	if err != nil || len(got) <= purge.MaxTarget || len(got) > 3*purge.MaxTarget {
		t.Errorf("got %d bytes, %v, want up to three times %d", len(got), err, purge.MaxTarget)
	}
}

func TestCanonicalURL_OfCanonicalAllocatesNothing(t *testing.T) {
	for _, raw := range []string{page, "http://h:8080/%41?a=b#fragment", "https://[2001:db8::1]/"} {
		allocs := testing.AllocsPerRun(100, func() {
			if _, err := purge.CanonicalURL(raw); err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: got %v allocations, want none", raw, allocs)
		}
	}
}
