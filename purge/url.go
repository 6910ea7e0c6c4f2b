package purge

import (
	"strconv"
	"strings"
)

// CanonicalURL returns the canonical form of an http or https URL; an error is a *Reason with CodeInvalidTarget. It
// changes what makes no difference to any client, and nothing else, for a cache may tell the rest apart:
//
//   - Scheme and host are lower-cased, and the host is turned into punycode (UTS #46, non-transitional).
//   - A default or empty port and the fragment are dropped; an empty path becomes "/".
//   - Bytes that a URL can't have, and those of non-ASCII characters, are percent-encoded with upper-case digits. Such
//     are the space, any of "<>\^`{|}, and a '%' without two hex digits behind it. '[' and ']' are reserved characters
//     that clients send as they are, in paths as in queries, and stay.
//
// So dot segments, double and trailing slashes, existing escapes, an empty query and the order of a query are kept. Not
// valid are: no or another scheme; userinfo; a host that is empty, a wildcard or malformed (an IP address is fine, IPv6
// in brackets); a port outside 1 to 65535; and what Canonical refuses for every type.
//
// A canonical URL of at most MaxTarget bytes is its own canonical form, and is returned without an allocation.
func CanonicalURL(raw string) (string, error) {
	found, err := examine(raw)
	if err != nil {
		return "", err
	}
	written, rest, ok := strings.Cut(raw, "://")
	scheme := strings.ToLower(written)
	if !ok || scheme != "http" && scheme != "https" {
		return "", invalidTarget("the URL must begin with http:// or https://")
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, err := canonicalAuthority(scheme, rest[:end])
	if err != nil {
		return "", err
	}
	tail, _, _ := strings.Cut(rest[end:], "#")

	rooted := tail != "" && tail[0] == '/'
	refused := 0
	if found&(hasPercent|hasRefused|hasHigh) != 0 {
		refused = countRefused(tail)
	}
	if rooted && refused == 0 && scheme == written && authority == rest[:end] {
		return raw[:len(raw)-len(rest)+end+len(tail)], nil
	}
	var b strings.Builder
	b.Grow(len(scheme) + len("://") + len(authority) + len("/") + len(tail) + 2*refused)
	b.WriteString(scheme)
	b.WriteString("://")
	b.WriteString(authority)
	if !rooted {
		b.WriteByte('/')
	}
	if refused == 0 {
		b.WriteString(tail)
	} else {
		writeEncoded(&b, tail)
	}
	return b.String(), nil
}

// canonicalAuthority returns what stands between "://" and the path.
func canonicalAuthority(scheme, authority string) (string, error) {
	if strings.IndexByte(authority, '@') >= 0 {
		return "", invalidTarget("the URL has a user name or password; leave it out")
	}
	written, port := authority, ""
	// A colon inside the brackets of an IPv6 address is none of a port.
	begin := strings.LastIndexByte(authority, ']') + 1
	if i := strings.IndexByte(authority[begin:], ':'); i >= 0 {
		written, port = authority[:begin+i], authority[begin+i+1:]
	}
	host, err := canonicalHost(written)
	if err != nil || port == "" {
		return host, err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	switch {
	case err != nil || number == 0:
		return "", invalidTarget("the URL's port must be a number from 1 to 65535")
	case scheme == "http" && number == 80, scheme == "https" && number == 443:
		return host, nil
	case host == written:
		return authority, nil
	}
	return host + ":" + port, nil
}

func countRefused(tail string) int {
	n := 0
	for i := range len(tail) {
		if refusedAt(tail, i) {
			n++
		}
	}
	return n
}

func writeEncoded(b *strings.Builder, tail string) {
	const digits = "0123456789ABCDEF"
	for i := range len(tail) {
		c := tail[i]
		if !refusedAt(tail, i) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
}

// refusedAt reports whether the byte at i can't stand in a URL as it is.
func refusedAt(s string, i int) bool {
	if traitsOf[s[i]] == hasPercent {
		return i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2])
	}
	return traitsOf[s[i]] != 0
}

func isHex(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
