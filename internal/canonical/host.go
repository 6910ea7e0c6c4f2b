package canonical

import (
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
)

const (
	// MaxHost is the greatest length of a host in punycode, in bytes.
	MaxHost  = 253 // RFC 1035, section 2.3.4, less the root
	maxLabel = 63
)

// hostProfile is idna.Lookup, but that it lets through underscores and "--" at the third place, both common in real
// hosts. It lets through more than that; checkLabels looks at what it returns.
var hostProfile = idna.New(
	idna.MapForLookup(),
	idna.BidiRule(),
	idna.Transitional(false),
	idna.StrictDomainName(false),
	idna.CheckHyphens(false),
)

// host returns a host without its port in lower case and punycode. A host that is canonical already is returned without
// an allocation.
func (r Rules) host(host string) (string, error) {
	switch {
	case host == "":
		return "", TargetError("the host is missing")
	case host[0] == '[':
		return canonicalIPv6(host)
	case strings.IndexByte(host, '*') >= 0:
		return "", TargetError("the host has a wildcard; EdgeOne takes none, name each host")
	}
	// A character has at most four bytes, and the time that punycode takes grows with the square of the length.
	if len(host) > 4*MaxHost {
		return "", TargetError("the host has more than 253 characters")
	}
	if isASCII(host) {
		host = strings.ToLower(host)
	}
	if !isASCII(host) || strings.Contains(host, "xn--") {
		ascii, err := hostProfile.ToASCII(host)
		if err != nil {
			return "", TargetError("the host is not a valid internationalised name")
		}
		host = ascii
	}
	if r != Before {
		host = strings.TrimSuffix(host, ".") // the root: clients drop it, and EdgeOne refuses it
	}
	if message := checkLabels(host, r); message != "" {
		return "", TargetError(message)
	}
	return host, nil
}

// hostIn returns the canonical host of what is a URL, or a host with a port or a path; empty where there is none.
func (r Rules) hostIn(target string) string {
	if _, rest, ok := strings.Cut(target, "://"); ok {
		target = rest
	}
	end := strings.IndexAny(target, ":/?#")
	if end < 0 {
		end = len(target)
	}
	host, err := r.host(target[:end])
	if err != nil {
		return ""
	}
	return host
}

func canonicalIPv6(host string) (string, error) {
	inner, closed := strings.CutSuffix(host[1:], "]")
	addr, err := netip.ParseAddr(inner)
	if !closed || err != nil || !addr.Is6() || addr.Zone() != "" {
		return "", TargetError("the host is not a valid IPv6 address in brackets")
	}
	return strings.ToLower(host), nil
}

// checkLabels returns what is wrong with a host in ASCII and lower case, or "".
func checkLabels(host string, r Rules) string {
	name := host
	if r == Before {
		name = strings.TrimSuffix(host, ".")
	}
	if len(name) > MaxHost {
		return "the host has more than 253 characters"
	}
	last := ""
	for last = range strings.SplitSeq(name, ".") {
		if message := checkLabel(last); message != "" {
			return message
		}
	}
	// No top-level domain is a number, so a host that ends in one is meant to be an IPv4 address.
	if consistsOf(last, isDigit) && !isIPv4(host) {
		return "the host is not a valid IPv4 address"
	}
	return ""
}

func checkLabel(label string) string {
	switch {
	case label == "":
		return "the host has an empty label: a dot too many, or nothing else"
	case len(label) > maxLabel:
		return "the host has a label of more than 63 characters"
	case label[0] == '-' || label[len(label)-1] == '-':
		return "the host has a label that begins or ends with a hyphen"
	}
	for i := range len(label) {
		if c := label[i]; !isLower(c) && !isDigit(c) && c != '-' && c != '_' {
			return "the host has a character that no host has; letters, digits, dots, hyphens and underscores are fine"
		}
	}
	return ""
}

func isIPv4(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Is4()
}

func isASCII(s string) bool {
	for i := range len(s) {
		if traitsOf[s[i]] == hasHigh {
			return false
		}
	}
	return true
}
