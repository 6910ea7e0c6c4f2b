package emulator

import "strings"

// normalForm is RFC 3986's normal form of a target of that kind: scheme and host in lower case, the default port
// dropped, an empty path as /, hex digits of escapes in upper case, escaped unreserved bytes as themselves, other
// bytes escaped.
func normalForm(k kind, target string) string {
	switch k {
	case kindHost:
		return strings.ToLower(target)
	case kindURL, kindPrefix, kindPrefetch:
		return normalURL(target)
	default:
		return target
	}
}

func normalURL(target string) string {
	scheme, rest, ok := cutScheme(target)
	if !ok {
		return target
	}
	authority, path := splitAuthority(rest)
	authority = strings.ToLower(authority)
	if scheme == "http" {
		authority = strings.TrimSuffix(authority, ":80")
	} else {
		authority = strings.TrimSuffix(authority, ":443")
	}
	var b strings.Builder
	b.Grow(len(target) + 1)
	b.WriteString(scheme + "://" + authority)
	if !strings.HasPrefix(path, "/") {
		b.WriteByte('/')
	}
	for i := 0; i < len(path); i++ {
		c := path[i]
		if value, ok := escaped(path[i:]); ok {
			writeByte(&b, value, unreserved(value))
			i += 2
			continue
		}
		writeByte(&b, c, urlByte(c))
	}
	return b.String()
}

func writeByte(b *strings.Builder, c byte, plain bool) {
	const digits = "0123456789ABCDEF"
	if plain {
		b.WriteByte(c)
		return
	}
	b.WriteByte('%')
	b.WriteByte(digits[c>>4])
	b.WriteByte(digits[c&15])
}

// escaped reads a %XX at the beginning of s.
func escaped(s string) (value byte, ok bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	hi, ok1 := hexDigit(s[1])
	lo, ok2 := hexDigit(s[2])
	return hi<<4 | lo, ok1 && ok2
}

func hexDigit(c byte) (value byte, ok bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

func unreserved(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}
