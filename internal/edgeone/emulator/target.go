package emulator

import (
	"strconv"
	"strings"
)

// urlHost reads `http(s)://host[:port][/path][?query]` and returns the host in lower case. Bytes that RFC 3986 has
// no place for are refused; with raw, which is EncodeUrl, non-ASCII ones pass.
func urlHost(target string, raw bool) (host string, ok bool) {
	_, rest, ok := cutScheme(target)
	if !ok || !properText(target, raw) {
		return "", false
	}
	authority, _ := splitAuthority(rest)
	host, port, hasPort := strings.Cut(authority, ":")
	if hasPort && !properPort(port) {
		return "", false
	}
	host = strings.ToLower(host)
	return host, properHost(host)
}

// bareHost reads a host name: no scheme, no port, no wildcard.
func bareHost(target string, _ bool) (host string, ok bool) {
	host = strings.ToLower(target)
	return host, properHost(host)
}

// tagHost reads a cache tag, which is on no host. Its longest form is not documented; a control character can't
// come in a Cache-Tag header.
func tagHost(target string, _ bool) (host string, ok bool) {
	for i := range len(target) {
		if target[i] < ' ' || target[i] == 0x7f {
			return "", false
		}
	}
	return "", strings.TrimSpace(target) != ""
}

// cutScheme takes http:// or https:// in any case off a target.
func cutScheme(target string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(target, "://")
	if !ok || len(scheme) > len("https") {
		return "", "", false
	}
	scheme = strings.ToLower(scheme)
	return scheme, rest, scheme == "http" || scheme == "https"
}

// splitAuthority parts what follows the scheme into host and port, and path and query.
func splitAuthority(rest string) (authority, path string) {
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		return rest[:i], rest[i:]
	}
	return rest, ""
}

func properText(s string, raw bool) bool {
	for i := range len(s) {
		if c := s[i]; !urlByte(c) && (c < 0x80 || !raw) {
			return false
		}
	}
	return true
}

// urlByte tells the bytes that may stand in a URL without a fragment. Brackets, which RFC 3986 keeps for IPv6,
// pass: they are common in queries.
func urlByte(c byte) bool {
	if c <= ' ' || c >= 0x7f {
		return false
	}
	switch c {
	case '"', '#', '<', '>', '\\', '^', '`', '{', '|', '}':
		return false
	}
	return true
}

func properPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// properHost tells whether a lower-case name is a host: labels of letters, digits, hyphens and underscores.
func properHost(host string) bool {
	if host == "" || len(host) > 253 {
		return false
	}
	label := 0
	for i := range len(host) {
		switch c := host[i]; {
		case c == '.':
			if label == 0 {
				return false
			}
			label = 0
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
			if label++; label > 63 {
				return false
			}
		default:
			return false
		}
	}
	return label > 0
}
