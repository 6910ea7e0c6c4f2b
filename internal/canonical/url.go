package canonical

import (
	"strconv"
	"strings"
)

// maxHint is the longest URL that a reason suggests.
const maxHint = 200

// noScheme refuses what does not begin as a URL. It suggests a URL where a host and a path were written.
func noScheme(raw string) TargetError {
	const why = "the URL must begin with http:// or https://"
	host, _, path := strings.Cut(raw, "/")
	named := strings.Contains(host, ".") && (path || strings.HasPrefix(host, "www."))
	if !named || len(raw) > maxHint || strings.ContainsAny(raw, " \t") || checkLabels(strings.ToLower(host), Current) != "" {
		return why
	}
	return why + "; write https://" + TargetError(raw)
}

// url returns the canonical form of a URL or prefix. One that is canonical already is returned without an allocation.
func (r Rules) url(kind, raw string) (string, error) {
	raw, found, err := r.examine(raw)
	if err != nil {
		return "", err
	}
	written, rest, ok := strings.Cut(raw, "://")
	scheme := strings.ToLower(written)
	if !ok || scheme != "http" && scheme != "https" {
		return "", noScheme(raw)
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, err := r.authority(scheme, rest[:end])
	if err != nil {
		return "", err
	}
	tail, _, _ := strings.Cut(rest[end:], "#")

	rooted := tail != "" && tail[0] == '/'
	refused := 0
	if found&(hasPercent|hasRefused|hasHigh) != 0 {
		refused = countRefused(tail)
	}
	form := raw[:len(raw)-len(rest)+end+len(tail)]
	if !rooted || refused > 0 || scheme != written || authority != rest[:end] {
		form = compose(scheme, authority, tail, refused)
	}
	if r != Before {
		base := len(scheme) + len("://") + len(authority)
		if err := checkPath(kind, form[:base], form[base:]); err != nil {
			return "", err
		}
	}
	return form, nil
}

// compose puts a URL together. refused bytes of its tail must be encoded.
func compose(scheme, authority, tail string, refused int) string {
	var b strings.Builder
	b.Grow(len(scheme) + len("://") + len(authority) + len("/") + len(tail) + 2*refused)
	b.WriteString(scheme)
	b.WriteString("://")
	b.WriteString(authority)
	if tail == "" || tail[0] != '/' {
		b.WriteByte('/')
	}
	if refused == 0 {
		b.WriteString(tail)
	} else {
		writeEncoded(&b, tail)
	}
	return b.String()
}

// authority returns what stands between "://" and the path.
func (r Rules) authority(scheme, authority string) (string, error) {
	if strings.IndexByte(authority, '@') >= 0 {
		return "", TargetError("the URL has a user name or password; leave it out")
	}
	written, port := authority, ""
	// A colon inside the brackets of an IPv6 address is none of a port.
	begin := strings.LastIndexByte(authority, ']') + 1
	if i := strings.IndexByte(authority[begin:], ':'); i >= 0 {
		written, port = authority[:begin+i], authority[begin+i+1:]
	}
	host, err := r.host(written)
	if err != nil || port == "" {
		return host, err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	switch {
	case err != nil || number == 0:
		return "", TargetError("the URL's port must be a number from 1 to 65535")
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
