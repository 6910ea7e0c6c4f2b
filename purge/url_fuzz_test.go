package purge_test

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/edgepurge/edgepurge/purge"
)

// FuzzCanonicalURL compares CanonicalURL with a slow model, and makes sure that a canonical form stays as it is.
func FuzzCanonicalURL(f *testing.F) {
	for _, raw := range []string{
		"https://www.example.com/blog/hello/",
		"HTTP://WWW.Bücher.Example:80?b=2&a=%zz%4#top",
		"https://[2001:DB8::1]:443/../a b/<é>",
		"https://xn--bcher-kva.example./%c3%A9|[]",
		"http://1.2.3.4:08080//?",
		"https://a-b_c.d/\u0085",
		"https://user@*:99999",
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := purge.CanonicalURL(raw)
		want, ok := slowCanonicalURL(raw)
		if got != want || ok != (err == nil) {
			t.Fatalf("%q: got %q, %v, the model has %q", raw, got, err, want)
		}
		if err != nil || len(got) > purge.MaxTarget {
			return
		}
		if again, err := purge.CanonicalURL(got); err != nil || again != got {
			t.Errorf("%q: got %q, %v the second time", got, again, err)
		}
		if u, err := url.Parse(got); err != nil || u.User != nil || u.Fragment != "" || !strings.HasPrefix(u.Path, "/") {
			t.Errorf("%q: net/url reads %+v, %v", got, u, err)
		}
	})
}

var (
	urlParts   = regexp.MustCompile(`^([hH][tT][tT][pP][sS]?)://([^/?#]*)([^#]*)(?:#(?s:.*))?$`)
	hostPort   = regexp.MustCompile(`^(\[[0-9A-Fa-f:.]+\]|[^@:\[\]]+)(?::([0-9]*))?$`)
	hostLabels = regexp.MustCompile(`^([a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$`)
	lastNumber = regexp.MustCompile(`(^|\.)[0-9]+$`)
	dotSegment = regexp.MustCompile(`^[^?]*/(\.|%2[eE]){1,2}([/?].*|$)`)
	invisible  = `[\x{85}\p{Z}\x{ad}\x{34f}\x{61c}\x{180e}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{206f}\x{feff}]`

	invisibleEnd = regexp.MustCompile(`^` + invisible + `|` + invisible + `$`)
	urlPiece     = regexp.MustCompile(`(?s)%[0-9A-Fa-f]{2}|.`)
	unchanged    = regexp.MustCompile(`^(%[0-9A-Fa-f]{2}|[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-])$`)
)

const asciiSpace = " \t\r\n\v\f"

// invisibleEnds reports whether text begins or ends with a space beyond ASCII or a character without width.
func invisibleEnds(text string) bool {
	return invisibleEnd.MatchString(text)
}

func slowCanonicalURL(raw string) (string, bool) {
	raw = strings.Trim(raw, asciiSpace)
	if len(raw) > purge.MaxTarget || !utf8.ValidString(raw) || strings.ContainsFunc(raw, unicode.IsControl) || invisibleEnds(raw) {
		return "", false
	}
	parts := urlParts.FindStringSubmatch(raw)
	if parts == nil {
		return "", false
	}
	scheme, authority, tail := strings.ToLower(parts[1]), hostPort.FindStringSubmatch(parts[2]), parts[3]
	if authority == nil {
		return "", false
	}
	host, ok := slowHost(authority[1])
	port := authority[2]
	if !ok || port != "" && !slowPort(port) {
		return "", false
	}
	number := strings.TrimLeft(port, "0")
	if port != "" && scheme+number != "http80" && scheme+number != "https443" {
		host += ":" + port
	}
	if !strings.HasPrefix(tail, "/") {
		tail = "/" + tail
	}
	if dotSegment.MatchString(tail) || strings.HasSuffix(tail, "/*") {
		return "", false
	}
	return scheme + "://" + host + urlPiece.ReplaceAllStringFunc(tail, func(piece string) string {
		if unchanged.MatchString(piece) {
			return piece
		}
		return strings.ReplaceAll(fmt.Sprintf("% X", " "+piece)[2:], " ", "%")
	}), true
}

func slowPort(port string) bool {
	number, err := strconv.Atoi(port)
	return err == nil && 1 <= number && number <= 65535
}

func slowHost(host string) (string, bool) {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		addr, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		return strings.ToLower(host), err == nil && addr.Is6()
	}
	if len(host) > 4*253 {
		return "", false
	}
	profile := idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false), idna.CheckHyphens(false))
	ascii, err := profile.ToASCII(host)
	ascii = strings.TrimSuffix(ascii, ".")
	if err != nil || !hostLabels.MatchString(ascii) || len(strings.TrimSuffix(ascii, ".")) > 253 {
		return "", false
	}
	if lastNumber.MatchString(ascii) {
		addr, err := netip.ParseAddr(ascii)
		return ascii, err == nil && addr.Is4()
	}
	return ascii, true
}
